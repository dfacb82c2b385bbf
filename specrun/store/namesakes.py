"""One spec at a time for each folder of outputs: two that are called the same would write over each other's images."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
from filelock import FileLock

from specrun.atomic import write_atomic
from specrun.diagnostics import Diagnostic, InvalidInputError
from specrun.store.contained import read_regular
from specrun.store.hold import held

_SUFFIX = ".outputs.json"
# While whoever comes looks at who is there, and says that it is.
_DOOR = "outputs.lock"


class _Owner(msgspec.Struct, frozen=True, kw_only=True):
    """A spec, by its path from the project root, and the name that its folder of outputs has."""

    spec: str
    name: str


_DECODER = msgspec.json.Decoder(_Owner)


@contextlib.contextmanager
def alone(folder: Path, called: str, spec: str, name: str) -> Iterator[None]:
    """Have a folder of outputs for one spec; `called` is the hold that the spec is under, in the `folder` of holds.

    Several holds of one spec, as its shards have, go together. Raises `InvalidInputError`, which names both, where
    another spec of that name is being applied; one that was applied before is known by its manifest.
    """
    mine = folder / f"{called}{_SUFFIX}"
    # Once it has looked and said so, whoever comes next finds it.
    with FileLock(folder / _DOOR, thread_local=False, fallback_to_soft=False):
        for path in sorted(folder.glob(f"*{_SUFFIX}")):
            other = _read(path)
            taken = other is not None and other.name == name and other.spec != spec
            if other is not None and taken and held(folder, path.name.removesuffix(_SUFFIX)):
                raise InvalidInputError(one_folder(other.spec, spec, name))
        write_atomic(mine, msgspec.json.encode(_Owner(spec=spec, name=name)))
    try:
        yield
    finally:
        mine.unlink(missing_ok=True)


def one_folder(first: str, second: str, name: str) -> Diagnostic:
    """Return what is wrong with two specs of one name."""
    return Diagnostic(
        summary="outputs of another spec",
        detail=f"{first} and {second} are both called {name}, and would have one folder of outputs and one manifest",
        hint="give one of the two a `name:` of its own",
    )


def _read(path: Path) -> _Owner | None:
    try:
        return _DECODER.decode(read_regular(path))
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
