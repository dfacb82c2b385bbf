"""Specs with nothing left to do, and what the files were like that this follows from.

A convenience, as `seen` is: where anything at all has moved, or is not known, the spec is planned as ever.
"""

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from specrun.globbing import matching
from specrun.store.contained import read_regular
from specrun.store.hold_name import hold_name
from specrun.store.seen import Stamp, seen_files, stamp


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """A spec that keeps all its images: `kept` are its runs by job, in plan order.

    `context` stands for the program and the command line, `runs` for all that the lock says of the runs, `prices` for
    what images cost, `shared` for the store that has them all. `outputs` is the folder of images. What files were like,
    None for one that must not be there: `reads` has those that the runs follow from, `left` those that an apply leaves
    behind. `globs` say what was found by patterns in folders.
    """

    context: str
    name: str
    kept: Mapping[str, int]
    runs: str
    prices: str
    shared: str
    outputs: str
    reads: Mapping[str, Stamp | None]
    left: Mapping[str, Stamp | None]
    globs: Sequence[tuple[str, str, Sequence[str]]]

    def holds(self, state: Path) -> bool:
        """Whether nothing at all has moved since, so that the spec need not even be planned."""
        return (
            _as_it_was(self.reads)
            and self.left_alone()
            and all(search(folder, pattern) == list(names) for folder, pattern, names in self.globs)
            and seen_files(state, Path(self.outputs)).unmoved()
        )

    def left_alone(self) -> bool:
        """Whether all that the last apply left is as it was, and no apply is at work or was killed since."""
        return _as_it_was(self.left)


_DECODER = msgspec.json.Decoder(Settled)


def settled_path(state: Path, spec: str, variant: str | None) -> Path:
    """Return where it is written down of a spec, by its path and the variant."""
    return state / "settled" / f"{hold_name(spec, variant or Path(spec).stem)}.json"


def read_settled(path: Path, context: str) -> Settled | None:
    """Return what was settled by this program for this command line; whether it still is, only a look tells."""
    with contextlib.suppress(OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = _DECODER.decode(read_regular(path))
        return found if found.context == context else None
    return None


def look(files: Sequence[Path]) -> Mapping[str, Stamp | None] | None:
    """Return the stamps of files, None for those that are not there; None for all where one's stamp proves nothing."""
    stamps: dict[str, Stamp | None] = {}
    for file in files:
        try:
            found = stamp(str(file))
        except FileNotFoundError:
            stamps[str(file)] = None
            continue
        except OSError:
            # A file where a folder was, a link in a circle: what is wrong is for a plan to say.
            return None
        if found is None:
            return None
        stamps[str(file)] = found
    return stamps


def search(folder: str, pattern: str) -> list[str]:
    """Return what a pattern finds in a folder, in order."""
    try:
        return sorted(path.as_posix() for path in matching(Path(folder), pattern))
    except ValueError:  # it has come to be too much: a plan says so
        return [""]


def _as_it_was(stamps: Mapping[str, Stamp | None]) -> bool:
    return look([Path(file) for file in stamps]) == stamps
