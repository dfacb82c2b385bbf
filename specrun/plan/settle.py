"""What to write down of a spec with nothing left to do, so that the next command need not plan it."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from specrun.canonical import Json, canonical, digest
from specrun.model.plan import Plan, Reads, Verb
from specrun.model.project import Project
from specrun.model.provenance import ProvenanceSettings
from specrun.model.run import Common, Run
from specrun.plan.make import Expanded, spec_name
from specrun.plan.request import PlanRequest
from specrun.spec.places import outputs_of
from specrun.store.hold_name import hold_name, holder_path
from specrun.store.lockfile import lock_path
from specrun.store.manifest import FILE_NAME
from specrun.store.seen import Stamp, changed, seen_files, seen_path
from specrun.store.settled import Settled, look, search
from specrun.store.shared_name import record_path

# Nanoseconds by which a file system's clock may lag behind.
LAG = 20_000_000


def settled(plan: Plan, request: PlanRequest, project: Project, began: int) -> Settled | None:
    """Return what a plan proves, as long as no file that it follows from moves; None where that may be too little.

    It is too little where anything is left to do or to say, where facts stand beside images, which nobody looks at one
    by one, and where a file may have changed after the plan `began` (Unix time in nanoseconds). That a shared store has
    the images is for the caller to know.
    """
    context = request.context
    if context is None or plan.warnings:
        return None
    rows = [action.row for action in plan.actions if action.verb is Verb.KEEP and action.row is not None]
    made = [output for row in rows for output in row.outputs]
    told = all(row.provenance is None or output.file != output.blob for row in rows for output in row.outputs)
    outputs = outputs_of(project, plan.name)
    seen = seen_files(project.state, outputs)
    if len(rows) < len(plan.actions) or not told:
        return None
    if not seen.knows([output.path for output in made], [output.file for output in made]):
        return None
    # What a killed apply left behind is for the next one to pick up, whatever its plan says.
    holder = holder_path(project.state / "holds", hold_name(spec_name(request.spec, project), plan.name))
    kept = left_files(plan.name, request, project)
    reads, left = _look(plan.reads.files, began), _look([*kept, holder], began)
    if reads is None or left is None or left[str(holder)] is not None or any(left[str(path)] is None for path in kept):
        return None
    runs = [action.run for action in plan.actions if action.run is not None]
    return Settled(
        context=context,
        name=plan.name,
        kept=Counter(run.job for run in runs),
        runs=_digest(runs, plan.files, plan.vars, plan.provenance),
        prices=_prices(runs),
        shared=_shared(project),
        outputs=str(outputs),
        reads=reads,
        left=left,
        globs=_globs(plan.reads),
    )


def still_settled(known: Settled, expanded: Expanded, project: Project) -> bool:
    """Say whether a spec that was touched, expanded without its lock, is still all that was settled.

    Then a plan would decide as it did, since nothing that it decides from has moved, and an apply would leave what it
    left: the lock follows from the runs, the manifest from the lock and from prices.
    """
    spec, runs = expanded.spec, expanded.runs
    return (
        not expanded.warnings
        and (known.name, known.outputs) == (spec.name, str(outputs_of(project, spec.name)))
        and known.shared == _shared(project)
        and known.runs == _digest(runs, expanded.files, expanded.var_digests, spec.provenance)
        and known.prices == _prices(runs)
        and seen_files(project.state, Path(known.outputs)).unmoved()
    )


def settled_anew(known: Settled, reads: Reads, began: int) -> Settled | None:
    """Return what is settled now that other files are read for it; None where one changed after that `began`."""
    found = _look(reads.files, began)
    return None if found is None else replace(known, reads=found, globs=_globs(reads))


def left_files(name: str, request: PlanRequest, project: Project) -> Sequence[Path]:
    """Return what an apply leaves beside images: lock, manifest, and the lists of files seen and of images shared."""
    outputs = project.outputs / name
    files = [
        lock_path(request.spec, request.name).absolute(),
        outputs / FILE_NAME,
        seen_path(project.state, outputs),
    ]
    shared = None if project.store is None else record_path(project.state, project.store.url)
    # Who has put nothing into the store, and had nothing from it, has no list.
    return files if shared is None or not shared.exists() else [*files, shared]


def _look(files: Sequence[Path], began: int) -> Mapping[str, Stamp | None] | None:
    """Return what files are like, None for all where one may have changed since."""
    stamps = look(files)
    late = stamps is None or any(stamp is not None and changed(stamp) > began - LAG for stamp in stamps.values())
    return None if late else stamps


def _globs(reads: Reads) -> list[tuple[str, str, Sequence[str]]]:
    return [(str(folder), pattern, search(str(folder), pattern)) for folder, pattern in reads.globs]


def _digest(
    runs: Sequence[Run], files: Mapping[str, str], variables: Mapping[str, str], provenance: ProvenanceSettings
) -> str:
    """Return what stands for all that a lock says of runs, and for what their keep is decided from."""
    commons = _commons(runs)
    told: list[Json] = [[common.job, common.defaults, common.schema_digest] for common in commons]
    numbers = {id(common): number for number, common in enumerate(commons)}
    lines = [canonical([files, variables, provenance.mode.value, provenance.omit, told])]
    # With tabs between, which stand in no address and in no path.
    lines += [
        "\t".join((run.address, f"{numbers[id(run.common)]} {run.key} {run.seed} {run.sample}", *run.outputs))
        for run in runs
    ]
    lines += [image.source for run in runs if run.common.inputs for image in run.inputs]
    return digest("\n".join(lines))


def _prices(runs: Iterable[Run]) -> str:
    """Return what stands for all that images of runs cost."""
    return digest("\n".join(sorted({f"{each.provider} {each.model} {each.price}" for each in _commons(runs)})))


def _shared(project: Project) -> str:
    """Return what stands for the store that images are put into or had from."""
    return "" if project.store is None else f"{project.store.url} {project.store.writable}"


def _commons(runs: Iterable[Run]) -> Collection[Common]:
    return {id(run.common): run.common for run in runs}.values()
