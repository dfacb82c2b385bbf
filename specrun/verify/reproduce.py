"""Locked requests asked again, into a scratch area: lock, outputs and store stay as they are."""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import assert_never

import msgspec

from specrun.atomic import write_atomic
from specrun.imaging import DecodedImage, ImageError
from specrun.model.lock import LockRow
from specrun.model.output_path import truthful
from specrun.model.project import Provider
from specrun.model.run import Price
from specrun.provider import outcome
from specrun.provider.client import ImageClient
from specrun.provider.courier import ImageRequest
from specrun.provider.results import Arrived
from specrun.store.reproductions import Question, Reproductions
from specrun.verify.likeness import compare
from specrun.verify.question import Request
from specrun.verify.verdict import Pair, Reproduction


class Scratch(msgspec.Struct, frozen=True, kw_only=True):
    """Where new images go and what is written down: `spec` is the spec's path from the root, `near` the threshold."""

    folder: Path
    ledger: Path
    spec: str
    near: float
    prices: Mapping[str, Price | None]


async def reproduce(
    requests: Sequence[Request],
    providers: Mapping[str, Provider],
    client_for: Callable[[Provider], ImageClient],
    scratch: Scratch,
    watch: Callable[[Reproduction], None],
) -> tuple[Reproduction, ...]:
    """Ask for every request once more and return what came, in order; `watch` hears of each as it is judged.

    No request carries the name of an earlier one, so no server answers from what it remembers of that.
    """
    found: dict[str, Reproduction] = {}
    with Reproductions(scratch.ledger) as record:
        for name in sorted({request.row.provider for request in requests}):
            async with client_for(providers[name]) as client:
                asker = _Asker(client, record, scratch)
                mine = [request for request in requests if request.row.provider == name]
                for done in asyncio.as_completed([asker.ask(request) for request in mine]):
                    reproduction = await done
                    found[reproduction.row.address] = reproduction
                    watch(reproduction)
    return tuple(found[request.row.address] for request in requests)


class _Journal:
    """Writes a question down when it leaves, once however often it is sent again."""

    def __init__(self, record: Reproductions, question: Question) -> None:
        self._record = record
        self._question = question
        self.number: int | None = None

    async def intended(self, attempt: int) -> None:
        """Do nothing: what never leaves is not written down."""

    async def sent(self, attempt: int) -> None:  # noqa: ARG002 - the client's protocol
        """Write it down before the first byte leaves."""
        if self.number is None:
            self.number = self._record.sent(self._question)

    async def settled(self, attempt: int, outcome: outcome.Outcome) -> None:
        """Do nothing: the verdict says it."""


class _Asker:
    def __init__(self, client: ImageClient, record: Reproductions, scratch: Scratch) -> None:
        self._client = client
        self._record = record
        self._scratch = scratch

    async def ask(self, request: Request) -> Reproduction:
        row = request.row
        journal = _Journal(self._record, self._question(row))
        key = f"{row.request_digest}.again-{secrets.token_hex(8)}"
        settled = await self._client.generate(ImageRequest(body=request.body, idempotency_key=key), journal)
        reproduction = await self._judged(request, settled)
        if journal.number is not None:
            self._record.judged(journal.number, reproduction.verdict.value, reproduction.distance)
        return reproduction

    async def _judged(self, request: Request, settled: outcome.Settled) -> Reproduction:
        row = request.row
        match settled:
            case outcome.Received():
                arrivals = await self._client.collect(settled)
                images = [arrival.image for arrival in arrivals if isinstance(arrival, Arrived)]
                if len(images) < max(request.originals):
                    reason = f"the server gave {len(images)} of {max(request.originals)} images this time"
                    return Reproduction(row=row, reason=reason, failed=True)
                try:
                    return await asyncio.to_thread(self._paired, request, images)
                except ImageError as error:
                    return Reproduction(row=row, reason=f"not compared: an image {error}", failed=True)
            case outcome.Failed() | outcome.Refused() | outcome.Doom() | outcome.Unknown() | outcome.Stopped():
                return Reproduction(row=row, reason=settled.cause, failed=True)
            case _:
                assert_never(settled)

    def _paired(self, request: Request, images: Sequence[DecodedImage]) -> Reproduction:
        pairs = []
        for output in request.row.outputs:
            image = images[output.index - 1]
            path = self._scratch.folder / truthful(output.path, image.media_type)
            write_atomic(path, image.data)
            pairs.append(
                Pair(
                    index=output.index,
                    original=output.blob,
                    path=path,
                    blob=image.digest,
                    width=image.width,
                    height=image.height,
                    comparison=compare(request.originals[output.index], image.data, self._scratch.near),
                )
            )
        return Reproduction(row=request.row, pairs=tuple(pairs))

    def _question(self, row: LockRow) -> Question:
        return Question(
            spec=self._scratch.spec,
            address=row.address,
            provider=row.provider,
            model=row.model,
            request_digest=row.request_digest or "",
            images=len(row.outputs),
            price=self._scratch.prices.get(row.address),
        )
