"""What an output path may be, whoever names it: a spec, a lock, a manifest, a saved plan."""

import re
from collections.abc import Sequence

from specrun.model.output_path import folded, has_image_suffix

# As Windows has them: it drops what follows the first dot, and the blanks before that.
_DEVICES = re.compile(
    r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *([.:].*)?", re.IGNORECASE | re.DOTALL
)
# What nearly all paths look like, and no rule below refuses. Possessive, and without flags, for 100,000 at a time.
_NO_DEVICE = r"(?![CPANLMcpanlm][ORUPAorupa][NMXLTnmxlt])"
_PLAIN_PART = rf"{_NO_DEVICE}[A-Za-z0-9_][A-Za-z0-9_-]{{0,150}}+"
_PLAIN = re.compile(rf"(?:{_PLAIN_PART}/)*{_PLAIN_PART}\.[A-Za-z]{{3,4}}")
_ALL_PLAIN = re.compile(rf"(?:{_PLAIN_PART}(?:/|\.[A-Za-z]{{3,4}}\n))*+")
_LONGEST_ON_DISK = 255
_DRIVE = re.compile(r"[A-Za-z]:")
# Those too that break lines or turn the direction of a text, so that a name shows as another.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


class PathProblemError(ValueError):
    """A path that cannot be used; the message says why."""


def plain_paths(paths: Sequence[str]) -> bool:
    """Whether paths are such that no rule here refuses any: nearly all are."""
    return _ALL_PLAIN.fullmatch("\n".join(paths) + "\n") is not None


def is_device(part: str) -> bool:
    """Whether Windows takes a part of a path for a device."""
    return _DEVICES.fullmatch(part) is not None


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
    if _SURROGATE.search(path):
        raise PathProblemError("it holds half a character, which is not UTF-8")
    for part in path.split("/"):
        _check_part(part)
    return path


def checked_image(path: str) -> str:
    """Return the path of an image that stands in a folder of outputs; raise `PathProblemError` for any other."""
    if not has_image_suffix(path):
        raise PathProblemError("it has no image's suffix, as every output path has")
    return checked(path)


def checked_source(path: str) -> str:
    """Return a file's path from the project root, with /; raise `PathProblemError` where it leads anywhere else."""
    if not path.strip() or path.startswith(("/", "~")) or "\\" in path or _DRIVE.match(path):
        raise PathProblemError("it is no path from the project's folder")
    if _CONTROL.search(path) or _SURROGATE.search(path):
        raise PathProblemError("it holds a control character, or half a one")
    if not {"", ".", ".."}.isdisjoint(path.split("/")):
        raise PathProblemError("it leads out of the project, or nowhere")
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
    if is_device(part):
        raise PathProblemError(f'"{part}" is a device on Windows')
    if part.endswith((" ", ".")):
        raise PathProblemError(f'"{part}" ends in a space or dot, which Windows drops')
    if folded(part) == "manifest.json":
        raise PathProblemError("manifest.json is the manifest's own name")
    if len(part.encode()) > _LONGEST_ON_DISK:
        raise PathProblemError("a part of it is too long for a file name")
