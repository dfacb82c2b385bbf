"""The whole way from a spec file to its plan."""

import os
import shlex
import time
from collections.abc import Container, Mapping
from pathlib import Path

import msgspec
from msgspec.structs import replace

from specrun.canonical import canonical_digest, digest
from specrun.catalog.load import load_catalog
from specrun.catalog.models import Catalog
from specrun.catalog.prices import Prices
from specrun.catalog.shipped import SHIPPED, model_files
from specrun.diagnostics import Collector, Diagnostic, InvalidInputError, Severity, did_you_mean
from specrun.model.lock import Lock
from specrun.model.plan import Action, Asked, Plan, Reads, total
from specrun.model.project import Budget, Project, Provider
from specrun.model.run import Run
from specrun.plan.compile import Compiler
from specrun.plan.contracts import moved_contracts
from specrun.plan.decide import Decider, Wishes
from specrun.plan.edited import with_edits
from specrun.plan.expand import Expander
from specrun.plan.functions import Functions
from specrun.plan.groups import Setting
from specrun.plan.narrow import narrow
from specrun.plan.pins import Pins
from specrun.plan.precompile import precompile
from specrun.plan.replacement import lets_go
from specrun.plan.request import PlanRequest
from specrun.plan.select import select
from specrun.plan.shard import shard_of
from specrun.plan.world import World
from specrun.provenance.facts import WITHHOLDABLE
from specrun.spec.load import load_spec
from specrun.spec.paths import ProjectPaths
from specrun.spec.places import check_links, outputs_of
from specrun.spec.root import PROJECT_FILE
from specrun.spec.spec import Spec
from specrun.spec.vars import Overrides, Variable, resolve_vars
from specrun.store.blobs import Blobs
from specrun.store.document import collector_paused
from specrun.store.ledger_view import view_ledger
from specrun.store.lockfile import check_owner, lock_path
from specrun.store.manifest import check_owner as check_outputs_owner
from specrun.store.manifest import read_owner
from specrun.store.owner import check_root
from specrun.store.parts import read_standing
from specrun.store.seen import seen_files


class Expanded(msgspec.Struct, frozen=True, kw_only=True):
    """A spec with everything resolved that needs no look at the world; `began` is before its files were read.

    The latter in Unix nanoseconds.
    """

    spec: Spec
    runs: tuple[Run, ...]
    variables: Mapping[str, Variable]
    files: Mapping[str, str]
    reads: Reads
    catalog: Catalog
    warnings: tuple[Diagnostic, ...]
    began: int

    @property
    def var_digests(self) -> dict[str, str]:
        """The digests of the variables' values, by name."""
        return _var_digests(self.variables)


def make_plan(request: PlanRequest, project: Project, unlocked: Expanded | None = None) -> Plan:
    """Plan one spec; raise `InvalidInputError` with every fault there is. Reads only, writes nothing.

    `unlocked` is the spec as it is expanded without a lock, where that was done already; it serves where the lock pins
    nothing of it.
    """
    with collector_paused():
        return _make_plan(request, project, unlocked)


def _make_plan(request: PlanRequest, project: Project, unlocked: Expanded | None) -> Plan:
    path = lock_path(request.spec, request.name)
    check_links(project, path)
    lock = read_standing(path, request.shard)
    shown = spec_name(request.spec, project)
    if lock is not None:
        if not request.spec.exists():
            load_spec(request.spec, project, Collector(), name=request.name)  # says what is near
        check_owner(lock, path, spec=shown, root=project.root)
        check_root(lock.spec, lock.name, request.spec, project.root)
    if unlocked is None or _pins_anything(lock, unlocked):
        expanded = expand(request, project, lock)
    else:
        expanded = replace(unlocked, warnings=(*unlocked.warnings, *_moved_variables(unlocked.variables, lock)))
    spec = expanded.spec
    outputs = outputs_of(project, spec.name)
    if (owner := read_owner(outputs)) is not None:
        check_outputs_owner(owner, outputs, spec=shown, root=project.root)
    replaced = select(request.replace, expanded.runs, "--replace")
    targets = select(request.targets, expanded.runs, "--target")
    wishes = Wishes(
        replace=replaced,
        retry_unknown=request.retry_unknown,
        regenerate_lost=request.regenerate_lost,
        free=_provider(spec, project).free,
        shared=project.store is not None,
        price_of=Prices(providers=project.providers, catalog=expanded.catalog, own=project.prices).of,
        provenance=spec.provenance,
    )
    with view_ledger(project.state / "ledger.db") as ledger:
        blobs = Blobs(project.state / "store")
        world = World(lock, seen_files(project.state, outputs), blobs, ledger, _shared(request, project))
        actions = with_edits(Decider(expanded.runs, world, wishes).actions(), world)
    _refuse_protected(actions, _moved_variables(expanded.variables, lock))
    if targets:
        actions = narrow(actions, targets)
    if request.shard is not None:
        actions = shard_of(actions, request.shard)
    return Plan(
        spec=request.spec,
        name=spec.name,
        actions=actions,
        totals=total(actions),
        sources=_sources(expanded, project),
        lock=lock,
        asked=_asked(request, expanded),
        budget=spec.budget or Budget(),
        files=expanded.files,
        reads=expanded.reads,
        vars=expanded.var_digests,
        quotas=expanded.catalog.quotas,
        provenance=spec.provenance,
        shard=request.shard,
        warnings=(
            *expanded.warnings,
            *_renamed(lock, shown, spec, project),
            *moved_contracts(actions, expanded.catalog),
        ),
    )


def expand(request: PlanRequest, project: Project, lock: Lock | None) -> Expanded:
    """Load a spec and expand it to runs; raise `InvalidInputError` with every fault of every stage reached."""
    began = time.time_ns()
    spec_name(request.spec, project)
    faults = Collector()
    spec = load_spec(request.spec, project, faults, name=request.name)
    if spec is None:
        faults.stop_on_errors()
        raise InvalidInputError(*faults.sorted())
    overrides = Overrides(
        values=request.values, flags=request.vars, files=request.var_files, environment=request.environment
    )
    variables = resolve_vars(spec, overrides, faults)
    catalog = _catalog(project, faults)
    _check_withheld(spec, catalog, faults)
    expander = Expander(spec, faults)
    functions = Functions(ProjectPaths(project.root, request.spec.resolve().parent, project.outputs), expander.outputs)
    compiler = Compiler(functions.table(), faults)
    precompile(spec, compiler)
    setting = Setting(
        spec=spec,
        provider=_provider(spec, project),
        prices=project.prices,
        catalog=catalog,
        compiler=compiler,
        pins=Pins(None if request.upgrade else lock, request.urls, _provider(spec, project)),
        scope={"vars": {name: variable.value for name, variable in variables.items()}},
        origin=functions.origin,
    )
    runs = expander.expand(setting)
    faults.stop_on_errors()
    return Expanded(
        spec=spec,
        runs=runs,
        variables=variables,
        files=dict(sorted(functions.files.items())),
        reads=_reads(request, project, spec, functions),
        catalog=catalog,
        warnings=(*faults.sorted(), *_moved_variables(variables, lock)),
        began=began,
    )


class _Anything:
    """What may be anywhere: whether a store has an image is for delivery to find out, since a plan contacts nobody."""

    def __contains__(self, _blob: object) -> bool:
        return True


def _shared(request: PlanRequest, project: Project) -> Container[str]:
    """Return the images that a shared store has as far as is known here, or may have where nobody pays for doubt."""
    if project.store is None:
        return ()
    if not request.regenerate_lost:
        return _Anything()
    from specrun.store.shared_record import SharedRecord  # noqa: PLC0415 - hardly a plan asks what a store has

    return SharedRecord(project.state, project.store.url)


def _pins_anything(lock: Lock | None, unlocked: Expanded) -> bool:
    """Whether a lock holds anything still of a spec that was expanded without it."""
    pins = Pins(lock)
    contracts = {(run.model, run.schema_digest) for run in unlocked.runs}
    return bool(pins.urls) or any(pins.earlier(*contract) for contract in contracts)


def _reads(request: PlanRequest, project: Project, spec: Spec, functions: Functions) -> Reads:
    """Return what the runs follow from, all of it."""
    found = functions.reads
    files = [request.spec, *request.var_files, *spec.files]
    files += [project.root / PROJECT_FILE, *model_files(SHIPPED)]
    files += sorted(project.schemas.glob("*.json"))
    globs = ((project.schemas, "*.json"), *found.globs)
    return Reads(files=(*(file.absolute() for file in files), *found.files), globs=globs)


def spec_name(spec: Path, project: Project) -> str:
    """Return what a lock and a manifest call a spec: its path from the project root, with /."""
    path = spec.resolve()
    if not path.is_relative_to(project.root):
        detail = f"{spec} leads to a file outside the project, whose folder is {project.root.name}"
        hint = "keep the spec itself in the project"
        raise InvalidInputError(Diagnostic(summary="spec outside the project", detail=detail, hint=hint))
    return path.relative_to(project.root).as_posix()


def _renamed(lock: Lock | None, shown: str, spec: Spec, project: Project) -> tuple[Diagnostic, ...]:
    """Tell of a lock that names a spec which is no longer there, and of images that its name took elsewhere."""
    if lock is None or lock.spec == shown:
        return ()
    hint = "the next apply writes down its new name"
    before, now = project.outputs / lock.name, project.outputs / spec.name
    if before.is_dir() and not now.exists():
        shown_before, shown_now = (shlex.quote(os.path.relpath(folder)) for folder in (before, now))
        hint = f"its images stand where it was called {lock.name}: `mv {shown_before} {shown_now}` brings them along"
    detail = f"its lock names {lock.spec}, which is no longer there, and is taken for that of {shown}"
    return (Diagnostic(summary="renamed spec", detail=detail, hint=hint, severity=Severity.WARNING),)


def _catalog(project: Project, faults: Collector) -> Catalog:
    """Read the models; raise `InvalidInputError` with what was found so far where the project's own are faulty."""
    try:
        return load_catalog(project.schemas)
    except InvalidInputError as error:
        faults.extend(error.diagnostics)
        raise InvalidInputError(*faults.sorted()) from None


def _provider(spec: Spec, project: Project) -> Provider:
    return project.providers[spec.provider or project.default_provider]


def _check_withheld(spec: Spec, catalog: Catalog, faults: Collector) -> None:
    """A name that withholds nothing is a slip of the pen, and would let out what was meant to stay private."""
    if not spec.omit_spans:
        return
    known = WITHHOLDABLE.union(*(model.properties for model in catalog.models.values()))
    for name, span in spec.omit_spans.items():
        if name not in known:
            hint = did_you_mean(name, known) or f"a parameter, or one of {', '.join(sorted(WITHHOLDABLE))}"
            detail = f'"{name}" is neither a parameter of any model nor a fact about images'
            faults.add(Diagnostic(summary="nothing to withhold", detail=detail, span=span, hint=hint))


def _refuse_protected(actions: tuple[Action, ...], moved: tuple[Diagnostic, ...]) -> None:
    """Raise where protected images would go; `moved` tells of variables that may be why."""
    refused = [
        Diagnostic(
            summary="protected image",
            detail=f"{action.address} is protected, and this plan would replace it: {action.reason}",
            span=action.run.span,
            hint="lift `protect`, or undo the change",
        )
        for action in actions
        if action.run is not None and action.run.protect and lets_go(action)
    ]
    if refused:
        raise InvalidInputError(*moved, *refused)


def _sources(expanded: Expanded, project: Project) -> dict[str, str]:
    """Return the digests of what the plan follows from beside the lock, by what a person calls it."""
    models = sorted({run.model for run in expanded.runs})
    schemas = {name: model.digest for name in models if (model := expanded.catalog.find(name)) is not None}
    return {
        "spec": digest(expanded.spec.source.text),
        "files": canonical_digest(dict(expanded.files)),
        "vars": canonical_digest(expanded.var_digests),
        "schemas": canonical_digest(schemas),
        "project": project.digest or canonical_digest(None),
    }


def _asked(request: PlanRequest, expanded: Expanded) -> Asked:
    overridden = {name: variable.value for name, variable in expanded.variables.items() if variable.overridden}
    return Asked(
        variant=request.name,
        vars=overridden,
        targets=request.targets,
        replace=request.replace,
        retry_unknown=request.retry_unknown,
        regenerate_lost=request.regenerate_lost,
    )


def _var_digests(variables: Mapping[str, Variable]) -> dict[str, str]:
    return {name: canonical_digest(variable.value) for name, variable in sorted(variables.items())}


def _moved_variables(variables: Mapping[str, Variable], lock: Lock | None) -> tuple[Diagnostic, ...]:
    """Warn of variables that were otherwise the last time, whoever says so now, also where nobody does any more."""
    if lock is None:
        return ()
    now = _var_digests(variables)
    return tuple(
        _moved_variable(name, variables.get(name)) for name, before in lock.vars.items() if now.get(name) != before
    )


def _moved_variable(name: str, variable: Variable | None) -> Diagnostic:
    if variable is None:
        detail = f"the lock was made with {name}, which the spec no longer has"
        hint = "if it is still wanted, declare it under `vars`"
    else:
        detail = f"{name} is not what the lock was made with; now from {variable.origin}"
        hint = "use --name for a variant with a lock and outputs of its own"
        if not variable.overridden:
            hint = f"if it was given with --var {name}=…, give it again, or {hint}"
    return Diagnostic(summary="variable differs from last time", detail=detail, hint=hint, severity=Severity.WARNING)
