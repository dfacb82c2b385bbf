"""Output paths: where each image of a run is delivered."""

import re
from collections.abc import Iterable, Sequence
from operator import methodcaller

from specrun.canonical import canonical
from specrun.model.output_path import folded, stem
from specrun.plan.labels import LONGEST_NAME, fit, short_hash, slug

_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\..*)?", re.IGNORECASE)
# What nearly all paths look like, and no rule below refuses.
_PLAIN_PART = r"(?!con|prn|aux|nul|com|lpt|man)[a-z0-9_][a-z0-9_-]{0,150}"
_PLAIN_PATH = rf"(?:{_PLAIN_PART}/)*{_PLAIN_PART}\.[a-z]{{3,4}}"
_PLAIN = re.compile(_PLAIN_PATH)
_ALL_PLAIN = re.compile(rf"(?:{_PLAIN_PATH}\n)*")
_DEVICE_HEADS = frozenset(("con", "prn", "aux", "nul", "com", "lpt"))
_LONGEST_ON_DISK = 255
_DRIVE = re.compile(r"[A-Za-z]:")
# Those too that break lines or turn the direction of a text, so that a name shows as another.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class PathProblemError(ValueError):
    """An output path that cannot be used; the message says why."""


def default_paths(
    job: str, labels: Sequence[Sequence[str]], samples: Sequence[int] | None, count: int
) -> Iterable[str]:
    """Return the paths, without extension and index, of `count` runs whose job has no `output`.

    `labels` hold a list an axis.
    """
    slugs = [list(map({label: slug(label) for label in set(along)}.__getitem__, along)) for along in labels]
    names = list(map("-".join, zip(*slugs, strict=True))) if slugs else [slug(job)] * count
    if max(map(len, names)) > LONGEST_NAME:
        cells = list(zip(*labels, strict=True)) or [()] * count
        names = [
            fit(name, canonical(cell)) if len(name) > LONGEST_NAME else name
            for name, cell in zip(names, cells, strict=True)
        ]
    folder = fit(job, job)
    if samples is not None:
        return [f"{folder}/{name}-{sample}" for name, sample in zip(names, samples, strict=True)]
    return [
        f"{folder}/{name}-{short_hash(name)}"
        if name[:3] in _DEVICE_HEADS and _DEVICES.fullmatch(name)
        else f"{folder}/{name}"
        for name in names
    ]


def all_plain(paths: Sequence[str], ext: str) -> bool:
    """Whether paths are such that none of the rules here changes or refuses any: nearly all are."""
    return (
        max(map(len, paths)) <= LONGEST_NAME
        and all(map(methodcaller("endswith", f".{ext}"), paths))
        and _ALL_PLAIN.fullmatch("\n".join(paths) + "\n") is not None
    )


def shortened(path: str) -> str:
    """Return a path whose over-long parts are cut, keeping its image suffix."""
    folders, slash, name = path.rpartition("/")
    bare = stem(name)
    parts = [fit(part, part) for part in folders.split("/")]
    return "/".join(parts) + slash + fit(bare, bare) + name[len(bare) :]


def with_extension(path: str, ext: str) -> str:
    """Return a path whose image suffix is the one expected, added where there is none."""
    return f"{stem(path)}.{ext}"


def indexed(path: str, index: int) -> str:
    """Return a path with an image's index before its suffix."""
    bare = stem(path)
    return f"{bare}-{index}{path[len(bare) :]}"


def checked(path: str) -> str:
    """Return an output path; raise `PathProblemError` for what may not be written."""
    if _PLAIN.fullmatch(path):
        return path
    if not path.strip():
        raise PathProblemError("the path is empty")
    if path.startswith(("/", "~")):
        raise PathProblemError("it starts at the root of a disk or at a home; paths are relative to the outputs folder")
    if _DRIVE.match(path):
        raise PathProblemError(f'"{path[:2]}" is a drive on Windows')
    if "\\" in path:
        raise PathProblemError("it holds a backslash; folders are parted by /")
    if _CONTROL.search(path):
        raise PathProblemError("it holds a control character")
    for part in path.split("/"):
        _check_part(part)
    return path


def is_sound(path: str) -> bool:
    """Whether a path may be written."""
    try:
        checked(path)
    except PathProblemError:
        return False
    return True


def _check_part(part: str) -> None:
    if part in ("", ".", ".."):
        raise PathProblemError(f'it holds "{part}" between slashes')
    if _DEVICES.fullmatch(part):
        raise PathProblemError(f'"{part}" is a device on Windows')
    if part.endswith((" ", ".")):
        raise PathProblemError(f'"{part}" ends in a space or dot, which Windows drops')
    if folded(part) == "manifest.json":
        raise PathProblemError("manifest.json is the manifest's own name")
    if len(part.encode()) > _LONGEST_ON_DISK:
        raise PathProblemError("a part of it is too long for a file name")
