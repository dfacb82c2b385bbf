"""`specrun gallery SPEC…`: a page of each spec's images, which works offline."""

import os
from pathlib import Path
from typing import Any

import click
import msgspec

from specrun.cli.boundary import DONE
from specrun.cli.console import complain, note, say
from specrun.cli.examples import examples
from specrun.cli.options import SPECS, SpecOptions, variable_options
from specrun.cli.own_files import PAGE, check_own
from specrun.cli.showing import album_of, originals_of
from specrun.cli.targets import target_of
from specrun.diagnostics import Diagnostic, InvalidInputError, SpecrunError, UsageError
from specrun.model.lock import Lock
from specrun.model.project import Project
from specrun.pages.gallery import Gathered, gallery_sheet
from specrun.pages.originals import with_inputs
from specrun.pages.published import published
from specrun.pages.write import INDEX, write_file, write_folder
from specrun.plan.make import expand
from specrun.plan.request import PlanRequest
from specrun.report import inert
from specrun.report.words import count
from specrun.spec.project import load_project
from specrun.store.ledger_view import view_ledger
from specrun.store.lockfile import check_owner, read_lock
from specrun.store.manifest import ManifestOutput, read_manifest
from specrun.verify.target import Target

EPILOG = examples(
    ("specrun gallery specs/quickstart.yaml", "one file: outputs/quickstart.html"),
    ("specrun gallery --open specs/quickstart.yaml", "and show it"),
    ("specrun gallery -o site specs/quickstart.yaml", "a folder with the whole images, to publish"),
)


class GalleryOptions(SpecOptions, frozen=True, kw_only=True):
    """What the command line asks of `gallery`."""

    output: str | None
    open: bool


class Gallery(msgspec.Struct, frozen=True, kw_only=True):
    """A page that was written, and how many images it shows."""

    page: Path
    images: int


@click.command("gallery", epilog=EPILOG)
@SPECS
@variable_options
@click.option("-o", "--output", metavar="FILE|DIR", help="Write here: one .html file, or a folder to publish.")
@click.option("--open", is_flag=True, help="Show it in the browser.")
def command(**given: Any) -> int:
    """Make a page of a spec's images: by any two axes, searchable, each with all that is known of it.

    It needs no network and no server. Runs without an image stand in their places and say why.
    """
    options = GalleryOptions(**given)
    if options.output is not None and len(options.specs) > 1:
        detail = "a page shows the images of one spec"
        raise UsageError(Diagnostic(summary="several specs", detail=detail, hint="leave out -o, or name one spec"))
    code = DONE
    for spec in options.specs:
        try:
            project = load_project(spec.parent)
            target = target_of(spec, project, options.name, None)
            gallery = make_gallery(target, project.state, options.request(spec), project, options.output)
        except SpecrunError as error:
            complain(*error.diagnostics)
            code = max(code, error.exit_code)
            continue
        say(inert.line(f"{os.path.relpath(gallery.page)}: {count(gallery.images, 'image')}"))
        if options.open:
            click.launch(str(gallery.page))
    return code


def make_gallery(
    target: Target, state: Path, request: PlanRequest, project: Project, output: str | None = None
) -> Gallery:
    """Write a spec's gallery; `state` is the folder of its ledger.

    Raises `InvalidInputError` where nothing is locked.
    """
    lock = read_lock(target.lock)
    if lock is None:
        raise InvalidInputError(_unlocked(target))
    check_owner(lock, target.lock, spec=target.spec, root=target.root)
    outputs = _images(target)
    with view_ledger(state / "ledger.db") as ledger:
        attempts = ledger.history(lock.spec)
    order = _order(request, project, lock, target)
    gathered = Gathered(lock=lock, outputs=outputs, attempts=attempts, order=order)
    sheet = published(gallery_sheet(gathered, target.arguments), project.root)
    originals = originals_of(target, lock.rows.values())
    album = album_of(sheet, project, with_inputs(originals.read, sheet, project.root))
    page, is_folder = _place(output, target)
    check_own(page / INDEX if is_folder else page, PAGE)
    if is_folder:
        write_folder(page, sheet, album, originals.delivered)
        page /= INDEX
    else:
        write_file(page, sheet, album, target.outputs, project.root)
    shown = sum(tile.image is not None and tile.image.blob in album.files for tile in sheet.tiles)
    return Gallery(page=page, images=shown)


def _place(output: str | None, target: Target) -> tuple[Path, bool]:
    """Return where the page goes, beside the folder of images unless said otherwise; and whether that is a folder."""
    if output is None:
        return target.outputs.with_name(f"{target.outputs.name}.html"), False
    path = Path(output)
    return path, path.is_dir() or path.suffix.lower() not in {".html", ".htm"}


def _images(target: Target) -> tuple[ManifestOutput, ...]:
    found = read_manifest(target.outputs)
    if found is None:
        detail = f"{target.outputs} has no manifest, so its images are not on this machine"
        hint = f"{target.command('apply')} restores them where it can, and asks before it pays"
        raise InvalidInputError(Diagnostic(summary="nothing to show", detail=detail, hint=hint))
    return found[1]


def _order(request: PlanRequest, project: Project, lock: Lock, target: Target) -> tuple[str, ...]:
    """Return the addresses in the spec's order; none where it has faults, as its images can be shown all the same."""
    try:
        return tuple(run.address for run in expand(request, project, lock).runs)
    except SpecrunError:
        see = target.command("validate")
        note(inert.line(f"{request.spec} has faults, so its images are sorted by address; see {see}"))
        return ()


def _unlocked(target: Target) -> Diagnostic:
    return Diagnostic(
        summary="nothing to show",
        detail=f"{target.spec} has no lock, so nothing has been made from it yet",
        hint=f"{target.command('apply')} makes its images",
    )
