"""Pages on disk: a single file with its thumbnails inside, or a folder with them and the images beside it."""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePath, PurePosixPath
from urllib.parse import quote

from specrun.atomic import write_atomic
from specrun.pages.album import Album, short_name, small_name
from specrun.pages.html import sheet_page
from specrun.pages.originals import MissingError
from specrun.pages.sheet import Picture, Sheet

INDEX = "index.html"
_SMALL, _WHOLE = "thumbs", "images"
# What this module names in a page's folders, and so may delete from them.
_OURS = re.compile(r"[0-9a-f]{32}\.[a-z]{3,4}")


def write_file(path: Path, sheet: Sheet, album: Album, outputs: Path, root: Path) -> None:
    """Write a page as one file. It links the images in `outputs` where both stand in the project at `root`."""
    write_atomic(path, encoded(sheet_page(sheet, album, link_from(path.parent, outputs, root))))


def write_folder(folder: Path, sheet: Sheet, album: Album, read: Callable[[str], bytes]) -> None:
    """Write a page as a folder that needs nothing from outside it; `read` gives whole images as they were delivered.

    What is there already stays untouched, what the page no longer shows is deleted.
    """
    small = {small_name(blob): data for blob, data in album.files.items()}
    for name, data in small.items():
        _write_small(folder / _SMALL / name, data)
    whole = {
        blob: f"{_WHOLE}/{name}"
        for blob, name in _whole_names(sheet, album)
        if _copy(folder / _WHOLE / name, blob, read)
    }
    pieces = sheet_page(sheet, album, lambda picture: whole.get(picture.blob), folder=_SMALL)
    write_atomic(folder / INDEX, encoded(pieces))
    _clear(folder / _SMALL, small)
    _clear(folder / _WHOLE, (Path(name).name for name in whole.values()))


def link_thumbnails(album: Album, where: str) -> dict[str, str]:
    """Return the URL of each thumbnail by its blob: in a folder, where it is written, or at a URL, where others put it.

    Names are those of the thumbnails beside a gallery that is a folder, so that a published one serves.
    """
    if not where.startswith(("http://", "https://")):
        for blob, data in album.files.items():
            _write_small(Path(where) / small_name(blob), data)
        where = quote(PurePath(where).as_posix())
    return {blob: f"{where.rstrip('/')}/{small_name(blob)}" for blob in album.files}


def link_from(folder: Path, outputs: Path, root: Path) -> Callable[[Picture], str | None]:
    """Return what links pictures from a page in `folder`; a page outside the project links none, as it may travel."""
    if not folder.resolve().is_relative_to(root.resolve()):
        return lambda _: None
    way = PurePosixPath(Path(os.path.relpath(outputs.resolve(), folder.resolve())).as_posix())
    return lambda picture: None if picture.path is None else quote(f"{way / picture.path}")


def encoded(pieces: Iterable[str]) -> Iterable[bytes]:
    """Return text as it is written to files."""
    return (piece.encode() for piece in pieces)


def _whole_names(sheet: Sheet, album: Album) -> Iterator[tuple[str, str]]:
    """Return the blobs of all images that may stand in files, with the name that each has in a page's folder."""
    pictures = (picture for tile in sheet.tiles for picture in (tile.before, tile.image) if picture is not None)
    for blob, picture in {picture.blob: picture for picture in pictures}.items():
        if blob in album.files and not picture.drawn:
            yield blob, f"{short_name(blob)}{PurePosixPath(picture.path or '').suffix.lower()}"


def _copy(path: Path, blob: str, read: Callable[[str], bytes]) -> bool:
    """Write a whole image unless it is there, since its name stands for its content; say whether it is there now."""
    if not path.is_file():
        try:
            write_atomic(path, read(blob))
        except MissingError:
            return False
    return True


def _write_small(path: Path, data: bytes) -> None:
    # Thousands of files that can be made again at any time are not worth an fsync each.
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_bytes() != data:
        path.write_bytes(data)


def _clear(folder: Path, wanted: Iterable[str]) -> None:
    """Delete the files of ours that are not wanted."""
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    for name in there - set(wanted):
        if _OURS.fullmatch(name):
            (folder / name).unlink()
