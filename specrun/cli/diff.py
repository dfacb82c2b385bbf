"""`specrun diff SPEC…`: what changed between two locks, with pictures."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import click
import msgspec

from specrun.cli.console import ink, write
from specrun.cli.examples import examples
from specrun.cli.options import SPECS
from specrun.cli.page_options import html_option, thumbnails_option
from specrun.cli.sides import Sides
from specrun.cli.targets import target_of
from specrun.diagnostics import Diagnostic, InvalidInputError, UsageError
from specrun.model.lock import Lock
from specrun.plan.compare import compare_locks
from specrun.report.diff_json import as_json
from specrun.report.diff_markdown import as_markdown
from specrun.report.diff_text import Compared, as_text
from specrun.spec.project import load_project
from specrun.store.lockfile import parse_lock, read_lock
from specrun.store.revision import find_revision

EPILOG = examples(
    ("specrun diff specs/quickstart.yaml", "since the last commit"),
    ("specrun diff --base origin/main specs/*.yaml", "since a branch left another"),
    ("specrun diff --html diff.html specs/quickstart.yaml", "side by side, slider, blink, difference"),
    ("specrun diff --format markdown specs/*.yaml", "as a comment for a pull request"),
)

Format: TypeAlias = Literal["text", "json", "markdown"]


class DiffOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks of `diff`."""

    specs: tuple[Path, ...]
    name: str | None
    base: str
    html: Path | None
    thumbnails: str | None
    format: Format
    full: bool


@click.command("diff", epilog=EPILOG)
@SPECS
@click.option("--base", metavar="REV|LOCK", default="HEAD", show_default=True, help="Compare with the lock there.")
@click.option("--name", metavar="NAME", help="Compare the locks of this variant.")
@html_option
@thumbnails_option
@click.option("--format", type=click.Choice(get_args(Format)), default="text", show_default=True)
@click.option("--full", is_flag=True, help="List every run.")
def command(**given: Any) -> None:
    """Show what changed since another lock: which images, which fields, how much.

    The other lock is that of a git revision, or a file. Images that are no longer in the outputs folder come from the
    store, or from the shared one.
    """
    options = DiffOptions(**given)
    if options.html is not None and len(options.specs) > 1:
        detail = "a page shows the images of one spec"
        raise UsageError(Diagnostic(summary="several specs", detail=detail, hint="leave out --html, or name one spec"))
    for spec in options.specs[1:]:
        if spec.suffix not in {".yaml", ".yml"} and not spec.exists():
            hint = f"to compare with that revision: --base {spec}"
            raise UsageError(Diagnostic(summary="no such spec", detail=f"there is no file {spec}", hint=hint))
    found = [_sides(spec, options) for spec in options.specs]
    pictures = _pictures(found, options)
    _show([sides.compared for sides in found], pictures, options)


def _sides(spec: Path, options: DiffOptions) -> Sides:
    project = load_project(spec.parent)
    target = target_of(spec, project, options.name, None)
    base, before = _base(options.base, target.lock)
    after = read_lock(target.lock)
    if before is None and after is None:
        detail = f"{spec} has a lock neither now nor at {base}"
        hint = f"{target.command('apply')} makes its images"
        raise InvalidInputError(Diagnostic(summary="nothing to compare", detail=detail, hint=hint))
    compared = Compared(spec=target.spec, base=base, now="now", diff=compare_locks(before, after))
    return Sides(target=target, project=project, before=before, after=after, compared=compared)


def _base(name: str, path: Path) -> tuple[str, Lock | None]:
    """Return what the lock to compare with is called, and the lock: a file's, or that of a git revision."""
    if Path(name).is_file():
        return name, read_lock(Path(name))
    revision = find_revision(name, path.parent)
    data = revision.read(path)
    return f"{revision}", None if data is None else parse_lock(data, Path(f"{revision.id}:{path.name}"))


def _show(compared: Sequence[Compared], pictures: Mapping[str, str], options: DiffOptions) -> None:
    match options.format:
        case "text":
            write(f"{line}\n" for line in as_text(compared, full=options.full, ink=ink(sys.stdout)))
        case "json":
            write([as_json(compared)])
        case "markdown":
            write([as_markdown(compared, pictures, full=options.full)])


def _pictures(found: Sequence[Sides], options: DiffOptions) -> Mapping[str, str]:
    """Write the page asked for, and return the thumbnails asked for, as URLs by blob."""
    if options.html is None and options.thumbnails is None:
        return {}
    # A diff is mostly read as text, and starts faster without what draws.
    from specrun.cli.diff_page import linked_pictures, write_diff_page  # noqa: PLC0415

    if options.html is not None:
        write_diff_page(options.html, found[0])
    return {} if options.thumbnails is None else linked_pictures(found, options.thumbnails)
