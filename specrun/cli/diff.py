"""`specrun diff SPEC…`: what changed between two locks, with pictures."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import click

from specrun.cli.console import ink, note, write
from specrun.cli.examples import examples
from specrun.cli.options import SPECS
from specrun.cli.showing import album_of, originals_of
from specrun.cli.targets import target_of
from specrun.diagnostics import Diagnostic, InvalidInputError, UsageError
from specrun.model.lock import Lock
from specrun.model.project import Project
from specrun.pages.diff import diff_sheet, with_distances
from specrun.pages.write import write_file
from specrun.plan.compare import compare_locks
from specrun.report import inert
from specrun.report.diff_json import as_json
from specrun.report.diff_markdown import as_markdown
from specrun.report.diff_text import Compared, as_text
from specrun.report.words import count
from specrun.spec.project import load_project
from specrun.store.lockfile import parse_lock, read_lock
from specrun.store.revision import find_revision
from specrun.verify.target import Target

EPILOG = examples(
    ("specrun diff specs/quickstart.yaml", "since the last commit"),
    ("specrun diff --base origin/main specs/*.yaml", "since a branch left another"),
    ("specrun diff --html diff.html specs/quickstart.yaml", "side by side, slider, blink, difference"),
    ("specrun diff --format markdown specs/*.yaml", "as a comment for a pull request"),
)

Format: TypeAlias = Literal["text", "json", "markdown"]


@dataclass(frozen=True, kw_only=True, slots=True)
class DiffOptions:
    """What the command line asks of `diff`."""

    specs: tuple[Path, ...]
    name: str | None
    base: str
    html: Path | None
    format: Format
    full: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Sides:
    """Two locks of one spec, and what differs between them."""

    target: Target
    project: Project
    before: Lock | None
    after: Lock | None
    compared: Compared


@click.command("diff", epilog=EPILOG)
@SPECS
@click.option("--base", metavar="REV|LOCK", default="HEAD", show_default=True, help="Compare with the lock there.")
@click.option("--name", metavar="NAME", help="Compare the locks of this variant.")
@click.option("--html", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write a page to FILE.")
@click.option("--format", type=click.Choice(get_args(Format)), default="text", show_default=True)
@click.option("--full", is_flag=True, help="List every run.")
def command(**given: Any) -> None:
    """Show what changed since another lock: which images, which fields, how much.

    The other lock is that of a git revision, or a file. Images that are no longer in the outputs folder come from the
    store.
    """
    options = DiffOptions(**given)
    if options.html is not None and len(options.specs) > 1:
        detail = "a page shows the images of one spec"
        raise UsageError(Diagnostic(summary="several specs", detail=detail, hint="leave out --html, or name one spec"))
    found = [_sides(spec, options) for spec in options.specs]
    _show([sides.compared for sides in found], options)
    if options.html is not None:
        _write_page(options.html, found[0])


def _sides(spec: Path, options: DiffOptions) -> Sides:
    project = load_project(spec.parent)
    target = target_of(spec, project, options.name, None)
    base, before = _base(options.base, target.lock)
    after = read_lock(target.lock)
    if before is None and after is None:
        detail = f"{spec} has a lock neither now nor at {base}"
        raise InvalidInputError(Diagnostic(summary="nothing to compare", detail=detail, hint=f"specrun apply {spec}"))
    compared = Compared(spec=target.spec, base=base, now="now", diff=compare_locks(before, after))
    return Sides(target=target, project=project, before=before, after=after, compared=compared)


def _base(name: str, path: Path) -> tuple[str, Lock | None]:
    """Return what the lock to compare with is called, and the lock: a file's, or that of a git revision."""
    if Path(name).is_file():
        return name, read_lock(Path(name))
    revision = find_revision(name, path.parent)
    data = revision.read(path)
    return f"{revision}", None if data is None else parse_lock(data, Path(f"{revision.id}:{path.name}"))


def _show(found: Sequence[Compared], options: DiffOptions) -> None:
    match options.format:
        case "text":
            write(f"{line}\n" for line in as_text(found, full=options.full, ink=ink(sys.stdout)))
        case "json":
            write([as_json(found)])
        case "markdown":
            write([as_markdown(found, {}, full=options.full)])


def _write_page(path: Path, sides: Sides) -> None:
    target = sides.target
    sheet = diff_sheet(sides.compared, target.name, target.arguments)
    originals = originals_of(target, *(lock for lock in (sides.before, sides.after) if lock is not None))
    album = album_of(sheet, sides.project, originals.read)
    write_file(path, with_distances(sheet, album), album, target.outputs, sides.project.root)
    note(inert.line(f"{os.path.relpath(path)}: {count(len(sheet.tiles), 'image')}"))
