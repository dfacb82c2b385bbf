"""`specrun show`: one run or image, from its request to its attempts; with `--vars` a spec's variables."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import click
import msgspec

from specrun.cli.again import again
from specrun.cli.console import complain, ink, write
from specrun.cli.examples import examples
from specrun.cli.options import variable_options
from specrun.cli.terminal import draw_strip
from specrun.diagnostics import Diagnostic, InvalidInputError, SpecrunError, UsageError, nearest
from specrun.imaging import ImageError
from specrun.model.lock import Lock
from specrun.model.plan import Action
from specrun.model.project import Project
from specrun.plan.make import expand, make_plan, spec_name
from specrun.plan.request import PlanRequest
from specrun.report.show_image import image_json, image_lines
from specrun.report.show_run import run_json, run_lines
from specrun.report.show_vars import vars_json, vars_lines
from specrun.spec.places import outputs_of
from specrun.spec.project import load_project
from specrun.store.attempts import Attempt
from specrun.store.blobs import Blobs
from specrun.store.hold_name import held_for
from specrun.store.ledger_view import view_ledger
from specrun.verify.locks import LockFile, locks_of
from specrun.verify.trace_image import trace_image
from specrun.verify.trace_run import RunTrace, trace_run

EPILOG = examples(
    ("specrun show 'animals[animal=\"an owl\",style=woodcut]'", "a run: its request, key, attempts, images"),
    ("specrun show outputs/quickstart/animals/an-owl-woodcut.png", "an image: what it says, and whether that holds"),
    ("specrun show --vars specs/catalogue.yaml", "each variable, and who said so"),
)

Format: TypeAlias = Literal["text", "json"]

_IMAGES = frozenset((".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif"))


class ShowOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks of `show`: `what` is an address or a file; `of_vars` makes it a spec."""

    what: str
    spec: Path | None
    of_vars: bool
    vars: tuple[tuple[str, str], ...]
    var_files: tuple[Path, ...]
    name: str | None
    format: Format

    def request(self, spec: Path, variant: str | None) -> PlanRequest:
        """Return the request to plan a spec."""
        return PlanRequest(spec=spec, vars=self.vars, var_files=self.var_files, name=variant)

    def words(self, variant: str | None) -> list[str]:
        """Return the same as options of a command."""
        words = [] if variant is None else ["--name", variant]
        words += [word for name, value in self.vars for word in ("--var", f"{name}={value}")]
        return words + [word for path in self.var_files for word in ("--var-file", str(path))]


@click.command("show", epilog=EPILOG)
@click.argument("what", metavar="ADDRESS|IMAGE|SPEC")
@click.option("--spec", type=click.Path(dir_okay=False, path_type=Path), help="The spec that has the address.")
@click.option("--vars", "of_vars", is_flag=True, help="Show the variables of SPEC.")
@variable_options
@click.option("--format", type=click.Choice(get_args(Format)), default="text", show_default=True)
def command(**given: Any) -> None:
    """Show one run, one image file, or with --vars a spec's variables.

    Without --spec the address is looked for in all locks of the project. An image may stand anywhere and have any
    name.
    """
    options = ShowOptions(**given)
    if options.of_vars:
        write(_vars(options))
    elif Path(options.what).suffix.lower() in _IMAGES or Path(options.what).is_file():
        write(_image(options))
    else:
        write(_run(options))


def _vars(options: ShowOptions) -> Iterator[str]:
    spec = Path(options.what)
    expanded = expand(options.request(spec, options.name), load_project(spec.parent), None)
    if options.format == "json":
        yield vars_json(expanded.variables)
    else:
        yield from (f"{line}\n" for line in vars_lines(expanded.variables, ink(sys.stdout)))


def _image(options: ShowOptions) -> Iterator[str]:
    project = load_project(Path() if options.spec is None else options.spec.parent)
    path = Path(options.what)
    try:
        trace = trace_image(path, _locks(project), Blobs(project.state / "store"), project.outputs)
    except ImageError as error:
        detail = f"{path} {error}"
        raise InvalidInputError(Diagnostic(summary="not an image", detail=detail, hint="name an image file")) from error
    origin = trace.origin
    command = ""
    if origin is not None:
        action = _action(options, origin.row.address, origin.file.spec, origin.file.variant, project)
        command = again(action, origin.file.spec, options.words(origin.file.variant))
    if options.format == "json":
        yield image_json(trace, command)
        return
    yield from (f"{line}\n" for line in image_lines(trace, command, ink(sys.stdout)))
    draw_strip([path])


def _run(options: ShowOptions) -> Iterator[str]:
    project = load_project(Path() if options.spec is None else options.spec.parent)
    traces = list(_traces(options, project))
    if not traces:
        raise UsageError(_nowhere(options, project))
    for trace, command in traces:
        if options.format == "json":
            yield run_json(trace, command)
        else:
            yield from (f"{line}\n" for line in run_lines(trace, command, ink(sys.stdout)))
            draw_strip(output.path for output in trace.outputs)


def _traces(options: ShowOptions, project: Project) -> Iterator[tuple[RunTrace, str]]:
    """Yield the run, in each spec that has it, with the command that makes it again."""
    locks = _locks(project)
    if options.spec is not None:
        locks = tuple(file for file in locks if _is_of(file, options, project))
    for file in locks:
        row = file.lock.rows.get(options.what)
        if options.spec is None and (row is None or options.name not in (None, file.variant)):
            continue
        action = _action(options, options.what, file.spec, file.variant, project)
        if row is not None or action is not None:
            shown = Path(os.path.relpath(file.spec))
            folder = Path(os.path.relpath(outputs_of(project, file.lock.name)))
            with view_ledger(project.state / "ledger.db") as ledger:
                attempts = tuple(each for each in ledger.attempts(options.what) if _made_for(each, file.lock))
            blobs = Blobs(project.state / "store")
            trace = trace_run(row, action, attempts, shown.as_posix(), folder, blobs)
            yield trace, again(action, file.spec, options.words(file.variant))
    if options.spec is not None and not locks:
        action = _action(options, options.what, options.spec, options.name, project)
        if action is not None:
            trace = trace_run(None, action, (), options.spec.as_posix(), Path(), Blobs(project.state / "store"))
            yield trace, again(action, options.spec, options.words(options.name))


def _made_for(attempt: Attempt, lock: Lock) -> bool:
    """Whether an attempt was made for a lock's spec under its name: each variant has its own."""
    return attempt.intent.spec == lock.spec and held_for(attempt.intent.hold, lock.spec, lock.name)


def _is_of(file: LockFile, options: ShowOptions, project: Project) -> bool:
    spec = options.spec
    return spec is not None and file.lock.spec == spec_name(spec, project) and file.variant == options.name


def _action(options: ShowOptions, address: str, spec: Path, variant: str | None, project: Project) -> Action | None:
    """Return what the plan would do about the address; say why where the spec cannot be planned."""
    try:
        plan = make_plan(options.request(spec, variant), project)
    except SpecrunError as error:
        complain(*error.diagnostics)
        return None
    return next((action for action in plan.actions if action.address == address), None)


def _locks(project: Project) -> tuple[LockFile, ...]:
    return locks_of(project.root, project.outputs)


def _nowhere(options: ShowOptions, project: Project) -> Diagnostic:
    known = {address for file in _locks(project) for address in file.lock.rows}
    near = nearest(options.what, known, limit=3)
    hint = f"near: {', '.join(near)}" if near else "name its spec with --spec, or run `specrun plan --full SPEC`"
    detail = f"no lock of this project has {options.what}, and no file is called so"
    return Diagnostic(summary="nothing to show", detail=detail, hint=hint)
