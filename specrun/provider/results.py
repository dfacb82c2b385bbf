"""From the items of a reply to images: base64 undone, URLs fetched, every byte looked at."""

import asyncio
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from specrun.imaging import DecodedImage, ImageError, decode_image
from specrun.provider.base64_shapes import decode_base64
from specrun.provider.download import Downloader, DownloadError
from specrun.provider.outcome import FailedItem, Item
from specrun.provider.secret import Secret

# A file that came whole and still does not decode may have been cut off on its way into a cache.
_FETCHES: Final = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrived:
    """An image that decodes."""

    image: DecodedImage


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


Arrival: TypeAlias = Arrived | Unusable | Missing


async def collect(item: Item, downloader: Downloader, secret: Secret | None) -> Arrival:
    """Return what became of one item of a reply; never raises for anything that a server does."""
    if isinstance(item, FailedItem):
        return Missing(cause=item.cause)
    arrival: Arrival = Missing(cause="the server gave neither a URL nor an image")
    if item.encoded is not None:
        arrival = await asyncio.to_thread(_undone, item.encoded)
    if item.url is None or isinstance(arrival, Arrived):
        return arrival
    fetched = await _fetched(item.url, downloader, secret)
    return arrival if isinstance(arrival, Unusable) and isinstance(fetched, Missing) else fetched


async def _fetched(url: str, downloader: Downloader, secret: Secret | None) -> Arrival:
    arrival: Arrival = Missing(cause="nothing was fetched", url=url)
    for _ in range(_FETCHES):
        try:
            data = await downloader.get(url, secret=secret)
        except DownloadError as error:
            return Missing(cause=str(error), url=url)
        arrival = await asyncio.to_thread(_looked_at, data, url)
        if isinstance(arrival, Arrived):
            break
    return arrival


def _undone(encoded: str) -> Arrived | Unusable:
    try:
        data = decode_base64(encoded)
    except ValueError:
        return Unusable(data=encoded.encode(errors="replace"), cause="what came is not base64")
    return _looked_at(data)


def _looked_at(data: bytes, url: str | None = None) -> Arrived | Unusable:
    try:
        return Arrived(image=decode_image(data))
    except ImageError as error:
        return Unusable(data=data, cause=f"what came {error}", url=url)
