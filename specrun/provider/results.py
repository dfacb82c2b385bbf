"""From the items of a reply to images: base64 undone, URLs fetched, every byte looked at."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, TypeAlias

from specrun.batches import Batches
from specrun.imaging import DecodedImage, ImageError, UndecodedError, decode_image, is_heavy
from specrun.media_type import media_type
from specrun.provider.base64_shapes import decode_base64
from specrun.provider.download import Downloader, DownloadError
from specrun.provider.outcome import FailedItem, Item
from specrun.provider.plain import plain
from specrun.provider.secret import Secret

# A file that came whole and still does not decode may have been cut off on its way into a cache.
_FETCHES: Final = 2
_MOST_LOOKERS: Final = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrived:
    """An image that decodes."""

    image: DecodedImage


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """An image that decodes, and is durable in the store already: whoever brought it has written it there."""

    digest: str
    media_type: str
    extension: str
    width: int
    height: int
    bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Unusable:
    """Bytes that were paid for and are no image: keep them aside. `url` is where they came from, if from one."""

    data: bytes = field(repr=False)
    cause: str
    url: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """No bytes: the server made no image, or its `url` gave nothing; fetching that again is free while it lasts."""

    cause: str
    url: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Lost:
    """An image that came, and went with the machine that had it before it was stored, or before it was decoded."""

    cause: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Heavy:
    """Bytes that may take long to decode."""

    data: bytes = field(repr=False)
    url: str | None


Look: TypeAlias = Arrived | Unusable | Lost | _Heavy

# Of these, this process's own courier does not give `Kept`.
Arrival: TypeAlias = Arrived | Kept | Unusable | Missing | Lost

# Threads that undo base64 and decode images, which is mostly done without holding the interpreter.
Lookers: TypeAlias = "Batches[Callable[[], Look], Look]"

# Who keeps bytes that may take long to decode: given the number of their item, from 0, and them.
Keep: TypeAlias = Callable[[int, bytes], Awaitable[None]]


def lookers() -> Lookers:
    """Return threads to look at images in, a few for each client: half the processors are left for all else."""
    return Batches(_each, name="looker", threads=max(1, min(_MOST_LOOKERS, (os.cpu_count() or 1) // 2)))


async def collect(
    item: Item,
    downloader: Downloader,
    lookers: Lookers,
    secret: Secret | None,
    keep: Callable[[bytes], Awaitable[None]],
) -> Arrival:
    """Return what became of one item of a reply; never raises for anything that a server does.

    `keep` is given the bytes that may take long to decode, before that is tried.
    """
    if isinstance(item, FailedItem):
        return Missing(cause=item.cause)
    arrival: Arrival = Missing(cause="the server gave neither a URL nor an image")
    if item.encoded is not None:
        arrival = await _seen(partial(_undone, item.encoded), lookers, keep)
    if item.url is None or isinstance(arrival, Arrived):
        return arrival
    fetched = await _fetched(item.url, downloader, lookers, secret, keep)
    if isinstance(fetched, (Unusable, Missing)):
        fetched = replace(fetched, url=item.link)
    return arrival if isinstance(arrival, Unusable) and isinstance(fetched, Missing) else fetched


async def _fetched(
    url: str,
    downloader: Downloader,
    lookers: Lookers,
    secret: Secret | None,
    keep: Callable[[bytes], Awaitable[None]],
) -> Arrived | Unusable | Missing | Lost:
    arrival: Arrived | Unusable | Missing | Lost = Missing(cause="nothing was fetched", url=url)
    before = b""
    for _ in range(_FETCHES):
        try:
            data = await downloader.get(url, secret=secret)
        except DownloadError as error:
            return Missing(cause=plain(str(error), secret), url=url)
        if data == before:
            break
        before = data
        arrival = await _seen(partial(_looked_at, data, url), lookers, keep)
        if isinstance(arrival, (Arrived, Lost)):
            break
    return arrival


async def _seen(
    look: Callable[[], Look], lookers: Lookers, keep: Callable[[bytes], Awaitable[None]]
) -> Arrived | Unusable | Lost:
    found = await lookers.done(look)
    if not isinstance(found, _Heavy):
        return found
    await keep(found.data)
    # Not by a looker: light images would wait for it.
    return await asyncio.to_thread(_decoded, found.data, found.url)


def _each(looks: Sequence[Callable[[], Look]]) -> list[Look | Exception]:
    outcomes: list[Look | Exception] = []
    for look in looks:
        try:
            outcomes.append(look())
        except Exception as error:  # noqa: BLE001 (of the program itself; it is that image's alone)
            outcomes.append(error)
    return outcomes


def _undone(encoded: str) -> Look:
    try:
        data = decode_base64(encoded)
    except ValueError:
        return Unusable(data=encoded.encode(errors="replace"), cause="what came is not base64")
    return _looked_at(data)


def _looked_at(data: bytes, url: str | None = None) -> Look:
    # Of other types nothing is decoded.
    return _Heavy(data=data, url=url) if media_type(data) and is_heavy(data) else _decoded(data, url)


def _decoded(data: bytes, url: str | None) -> Arrived | Unusable | Lost:
    try:
        return Arrived(image=decode_image(data))
    except UndecodedError as error:
        return Lost(cause=f"what came {error}; it is put aside, and the next apply looks at it")
    except ImageError as error:
        return Unusable(data=data, cause=f"what came {error}", url=url)
