"""What keeps an image from its path: a stranger's file, or a folder that is none or leads elsewhere."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from specrun.canonical import digest
from specrun.diagnostics import Diagnostic, SpecrunError
from specrun.store.contained import kind_of


class UnwritableError(SpecrunError):
    """A folder that an apply must write to, and cannot."""


class Obstacle(msgspec.Struct, frozen=True, kw_only=True):
    """Why an image cannot stand at a path, and what to do."""

    cause: str
    hint: str


def folder_obstacle(outputs: Path, folder: Path, shown: str) -> Obstacle | None:
    """Return what is wrong with a folder below `outputs`, or with one above it; `shown` is what a person calls it."""
    standing, called = folder, Path(shown)
    while not standing.exists():
        if standing.is_symlink():
            return Obstacle(cause=f"{called.as_posix()} is a link to nothing", hint="remove the link")
        standing, called = standing.parent, called.parent
    if not standing.is_dir():
        return Obstacle(cause=f"{called.as_posix()} is a file, where a folder should be", hint="move it away")
    inside = standing == outputs or not standing.is_relative_to(outputs)
    if inside or standing.resolve().is_relative_to(outputs.resolve()):
        return None
    return Obstacle(cause=f"{called.as_posix()} leads out of the folder of outputs", hint="remove the symbolic link")


def kind_obstacle(target: Path, shown: str) -> Obstacle | None:
    """Return what is wrong with a path where something stands that is no file: it is neither read nor written over."""
    kind = kind_of(target)
    return None if kind is None else Obstacle(cause=f"{shown} is {kind}, where a file should be", hint="move it away")


def file_obstacle(target: Path, shown: str, stored: Callable[[str], bool]) -> Obstacle | None:
    """Return what is wrong with a file that stands at a path and that no lock knows.

    It is specrun's own where the store holds its bytes, or where it is just as specrun delivers images, so that whoever
    puts another in its place can keep what was received.
    """
    if (kind := kind_obstacle(target, shown)) is not None:
        return kind
    # Few plans meet a file that the lock does not know.
    from specrun.provenance.embed import as_delivered, blob_of, extract  # noqa: PLC0415

    data = target.read_bytes()
    blob = blob_of(data)
    if stored(digest(data)) or (blob is not None and stored(blob)):
        return None
    if as_delivered(data) is not None:
        facts = extract(data)
        if facts is not None and facts.key is not None:
            return None
        cause = f"{shown} is in the way: an image that does not say which request it answers"
        return Obstacle(cause=cause, hint="bring back the lock or the store that knows it, or move it away")
    return Obstacle(cause=f"{shown} is in the way, and specrun did not make it", hint="move it away")


def check_writable(*folders: Path) -> None:
    """Raise `UnwritableError` where a folder, or the nearest thing above it that exists, cannot be written to."""
    faults = [_unusable(folder) for folder in dict.fromkeys(map(_existing, folders)) if not _usable(folder)]
    if faults:
        raise UnwritableError(*faults)


def _usable(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _unusable(folder: Path) -> Diagnostic:
    if folder.is_dir():
        detail, hint = "is not a folder that this user may write to", "change its permissions, or apply as its owner"
    else:
        what = "a file" if folder.is_file() else kind_of(folder) or "something else"
        detail, hint = f"is {what}, where a folder should be", "move it away, or give it another name"
    return Diagnostic(summary="folder cannot be written", detail=f"{folder} {detail}", hint=hint)


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest thing above it that is there, be it a link to nothing."""
    while not os.path.lexists(folder):
        folder = folder.parent
    return folder
