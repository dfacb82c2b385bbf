"""A diff in pictures: a page of its own, or thumbnails for its Markdown."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from specrun.cli.console import note
from specrun.cli.showing import album_of
from specrun.cli.sides import Sides
from specrun.cli.wiring import shared_store
from specrun.pages.diff import diff_sheet, with_distances
from specrun.pages.originals import Originals
from specrun.pages.published import published
from specrun.pages.sheet import Sheet
from specrun.pages.write import link_thumbnails, write_file
from specrun.report import inert
from specrun.report.words import count


def write_diff_page(path: Path, sides: Sides) -> None:
    """Write the page of what differs, befores and afters by how much they changed."""
    sheet = _sheet(sides)
    album = album_of(sheet, sides.project, _originals(sides).read)
    write_file(path, with_distances(sheet, album), album, sides.target.outputs, sides.project.root)
    note(inert.line(f"{os.path.relpath(path)}: {count(len(sheet.tiles), 'image')}"))


def linked_pictures(found: Iterable[Sides], where: str) -> Mapping[str, str]:
    """Return the URLs of thumbnails of all images that differ, by blob; `where` is a folder or a URL."""
    pictures: dict[str, str] = {}
    for sides in found:
        pictures |= link_thumbnails(album_of(_sheet(sides), sides.project, _originals(sides).read), where)
    return pictures


def _sheet(sides: Sides) -> Sheet:
    return published(diff_sheet(sides.compared, sides.target.name, sides.target.place.of_spec), sides.project.root)


def _originals(sides: Sides) -> Originals:
    locks = [lock for lock in (sides.before, sides.after) if lock is not None]
    rows = [row for lock in locks for row in lock.rows.values()]
    return Originals(sides.target.blobs, sides.target.outputs, rows, shared_store(sides.project))
