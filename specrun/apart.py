"""Work on bytes that nobody vouches for, in a process of its own that is ended where it takes too much.

What decodes images holds no promise of when it ends or how much memory it takes, and nothing can interrupt it from
within: a thread that decodes is deaf to every signal. A process can be ended.
"""

import contextlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO, Final, TypeVar

import msgspec

R = TypeVar("R")

MOST_MEMORY: Final = 352 << 20
"""Bytes that such a process may take for its data, where the platform can bound it."""
_MOST_CPU: Final = 10
# Where the machine is busy, or the platform counts no processor time.
_MOST_WALL: Final = 60.0
_AT_ONCE: Final = 2
# What an interpreter needs to start, and nothing that is secret.
_ENVIRONMENT: Final = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR", "TEMP", "TMP")
_START: Final = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from specrun.apart import main; main()"

_places = threading.BoundedSemaphore(_AT_ONCE)
_running: set["subprocess.Popen[bytes]"] = set()
_ended = 0


_INTERRUPTED: Final = "was not decoded to its end, as that was interrupted"


class ApartError(Exception):
    """Work that came to no end, or found nothing to work on; the message takes "it" before it."""


class EndedError(ApartError):
    """Work that was ended by `end_all`."""


class _Asked(msgspec.Struct, frozen=True, array_like=True):
    """What to call within how many seconds of the processor, and how many bytes of each input follow."""

    seconds: int
    module: str
    name: str
    sizes: tuple[int, ...]
    arguments: tuple[Any, ...]


class _Told(msgspec.Struct, frozen=True, array_like=True):
    """What came of it: a value, or what is wrong with the input."""

    value: Any = None
    wrong: str = ""


def apart(work: Callable[..., R], inputs: Sequence[bytes], *arguments: Any, result: type[R]) -> R:
    """Return what a module's function makes of inputs and plain arguments, in a process that ends in bounded time.

    `result` is the type that the function returns, of what MessagePack can hold. Raises `ApartError` for what
    `work` raises as such, and where time or memory do not suffice.
    """
    asked = _Asked(
        seconds=_MOST_CPU,
        module=work.__module__,
        name=work.__qualname__,
        sizes=tuple(map(len, inputs)),
        arguments=tuple(arguments),
    )
    generation = _ended
    with _places, tempfile.TemporaryFile() as given:
        if generation != _ended:
            raise EndedError(_INTERRUPTED)
        head = msgspec.msgpack.encode(asked)
        for piece in (len(head).to_bytes(4), head, *inputs):
            given.write(piece)
        given.seek(0)
        try:
            told = msgspec.msgpack.decode(_run(given), type=_Told)
        except ApartError:
            if generation != _ended:
                raise EndedError(_INTERRUPTED) from None
            raise
    if told.wrong:
        raise ApartError(told.wrong)
    return msgspec.convert(told.value, result)


def end_all() -> None:
    """End all such work that is under way in this process, or waits for its turn."""
    global _ended  # noqa: PLW0603 (of the process, as its children are)
    _ended += 1
    for process in tuple(_running):
        process.kill()


def _run(given: BinaryIO) -> bytes:
    # Out of the terminal's process group: an interruption is this process's to handle.
    with subprocess.Popen(  # noqa: S603 (this very program)
        [sys.executable, "-P", "-c", _START, json.dumps(sys.path)],
        stdin=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        start_new_session=True,
    ) as process:
        _running.add(process)
        try:
            out, _ = process.communicate(timeout=_MOST_WALL)
        except subprocess.TimeoutExpired:
            raise ApartError(f"takes more than {_MOST_WALL:g} s to decode") from None
        finally:
            _running.discard(process)
            process.kill()
    if process.returncode:
        raise ApartError(f"takes more than {_MOST_CPU} s, or {MOST_MEMORY >> 20} MiB, to decode, or breaks its decoder")
    return out


def main() -> None:
    """Do what standard input asks for, within bounds, and tell on standard output."""
    given = sys.stdin.buffer
    asked = msgspec.msgpack.decode(given.read(int.from_bytes(given.read(4))), type=_Asked)
    _bound(asked.seconds)
    inputs = [given.read(size) for size in asked.sizes]
    work = getattr(importlib.import_module(asked.module), asked.name)
    try:
        told = _Told(value=work(*inputs, *asked.arguments))
    except ApartError as error:
        told = _Told(wrong=str(error))
    except MemoryError:
        told = _Told(wrong=f"takes more than {MOST_MEMORY >> 20} MiB to decode")
    sys.stdout.buffer.write(msgspec.msgpack.encode(told))


def _bound(seconds: int) -> None:
    with contextlib.suppress(ImportError):
        import resource  # noqa: PLC0415 (not on every platform)

        bounds = ((resource.RLIMIT_CPU, seconds), (resource.RLIMIT_DATA, MOST_MEMORY), (resource.RLIMIT_CORE, 0))
        for kind, most in bounds:
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(kind, (most, most))
