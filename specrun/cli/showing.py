"""What commands that show images need: the images, and their small versions with a word about how it goes."""

import sys
from collections.abc import Callable, Iterable

import click

from specrun.model.lock import LockRow
from specrun.model.project import Project
from specrun.pages.album import Album, blobs_of, make_album
from specrun.pages.originals import Originals
from specrun.pages.sheet import Sheet
from specrun.store.thumbnails import Thumbnails
from specrun.verify.target import Target


def originals_of(target: Target, rows: Iterable[LockRow]) -> Originals:
    """Return the images of a spec's locked runs, wherever this machine has them."""
    return Originals(target.blobs, target.outputs, rows)


def album_of(sheet: Sheet, project: Project, read: Callable[[str], bytes]) -> Album:
    """Return the thumbnails of a page; a bar on the terminal says how far they are."""
    thumbnails = Thumbnails(project.state / "thumbs")
    with click.progressbar(
        length=len(blobs_of(sheet)), label="Thumbnails", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        return make_album(sheet, thumbnails, read, advance=lambda: bar.update(1))
