"""Bytes that came and may take long to decode, put aside where neither a kill nor an interruption loses them."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final

import pybase64

from specrun.canonical import digest
from specrun.provider.outcome import ImageItem
from specrun.store.blobs import Blobs, DamagedBlobError
from specrun.store.ledger import Ledger
from specrun.store.ledger_schema import LedgerError

# In the ledger such bytes stand as a link does: what is still to be looked at, and costs no new request.
_SCHEME: Final = "aside:"


def is_aside(link: str) -> bool:
    """Whether a link leads to bytes that were put aside here."""
    return link.startswith(_SCHEME)


class Aside:
    """Puts aside what one attempt brought; `indices` are the places of its reply's items among all images."""

    def __init__(self, ledger: Ledger, quarantine: Blobs, attempt: int, indices: Sequence[int]) -> None:
        self._ledger = ledger
        self._quarantine = quarantine
        self._attempt = attempt
        self._indices = indices
        self._kept: set[str] = set()

    async def keep(self, number: int, data: bytes) -> None:
        """Keep the bytes of an item, numbered from 0, durably, and let the ledger know."""
        # Where this cannot be written, neither can what comes next, and that has images to rescue.
        with suppress(OSError, LedgerError):
            name = await asyncio.to_thread(digest, data)
            # First what to look for, so that nothing stands there that nobody looks for.
            await self._ledger.linked(self._attempt, [(self._indices[number], f"{_SCHEME}{name}")])
            await asyncio.to_thread(self._quarantine.put, data)
            self._kept.add(name)

    def let_go(self, stored: Iterable[str]) -> None:
        """Remove what turned out to be images and is in the store now."""
        for name in self._kept.intersection(stored):
            with suppress(OSError):
                self._quarantine.path(name).unlink(missing_ok=True)


def item_of(link: str, quarantine: Blobs) -> ImageItem:
    """Return what a link stands for: a URL, or bytes that were put aside."""
    if is_aside(link):
        with suppress(OSError, DamagedBlobError):
            return ImageItem(encoded=pybase64.b64encode_as_string(quarantine.read(link.removeprefix(_SCHEME))))
        return ImageItem()
    return ImageItem(url=link)
