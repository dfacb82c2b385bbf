"""The gallery's tiles: every image of a spec, and in their places the runs that have none, with the reason."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from specrun.model.address import axes_in, job_in
from specrun.model.lock import Lock, LockRow, State
from specrun.pages.facets import natural
from specrun.pages.facts import input_pictures, output_facts, request_facts, request_params
from specrun.pages.sheet import Picture, Sheet, Status, Tile, Tone
from specrun.store.attempts import Attempt, AttemptState
from specrun.store.manifest import ManifestOutput

_MADE = Status(word="made")
_FAILED = Status(word="failed", tone=Tone.WRONG)
_BLOCKED = Status(word="blocked", tone=Tone.WAITING)
_PENDING = Status(word="not made", tone=Tone.WAITING)


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """All that a gallery is made from: pins, images, what was attempted, and addresses in the spec's order.

    `order` is empty where the spec cannot be read now; tiles are then in the order of their addresses.
    """

    lock: Lock
    outputs: Sequence[ManifestOutput]
    attempts: Sequence[Attempt] = ()
    order: Sequence[str] = ()


def gallery_sheet(gathered: Gathered, arguments: str) -> Sheet:
    """Return the page of one spec's images; `arguments` are what its commands are called with, as a shell takes it."""
    lock = gathered.lock
    return Sheet(
        title=lock.name,
        spec=lock.spec,
        noun="image",
        tiles=tuple(_tiles(gathered)),
        split="job",
        commands={"command": f"specrun apply --target {{address}} --replace {{address}} {arguments}"},
    )


def _tiles(gathered: Gathered) -> Iterator[Tile]:
    rows = gathered.lock.rows
    images: dict[str, list[ManifestOutput]] = {}
    for output in gathered.outputs:
        images.setdefault(output.address, []).append(output)
    last = {attempt.intent.address: attempt for attempt in gathered.attempts}
    for address in _ordered(rows, gathered.order):
        row = rows[address]
        if row.state is State.ORPHAN:
            continue
        status, note = _standing(row, rows, last.get(address))
        made = images.get(address, [])
        for output in made:
            yield _tile(row, status, note, output, len(made))
        if not made:
            yield _tile(row, status, note)


def _ordered(rows: Mapping[str, LockRow], order: Sequence[str]) -> Iterable[str]:
    """Return the locked addresses in the spec's order, those it does not have at the end."""
    if not order:
        return sorted(rows, key=natural)
    places = {address: place for place, address in enumerate(order)}
    return sorted(rows, key=lambda address: (places.get(address, len(places)), natural(address)))


def _standing(row: LockRow, rows: Mapping[str, LockRow], last: Attempt | None) -> tuple[Status, str]:
    """Return how a run stands, and why where it has not simply been made."""
    if row.state is not None:
        told = last.ending.cause if last is not None and last.state.held is row.state else ""
        return Status(word=row.state.value, tone=Tone.WRONG), told or row.state.why
    if row.outputs:
        return _MADE, ""
    for source in row.inputs:
        upstream = rows.get(source.rpartition("#")[0])
        if upstream is not None and not upstream.outputs:
            return _BLOCKED, f"needs {upstream.address}, which has no image"
    if last is not None and last.state is AttemptState.FAILED:
        return _FAILED, last.ending.cause or "the request failed; it was not billed"
    return _PENDING, "pinned in the lock, not made yet"


def _tile(row: LockRow, status: Status, note: str, output: ManifestOutput | None = None, images: int = 1) -> Tile:
    return Tile(
        address=row.address,
        job=job_in(row.address),
        axes=axes_in(row.address),
        status=status,
        note=note,
        index=1 if output is None else output.index,
        images=images,
        prompt=str(row.params.get("prompt", "")),
        model=row.model,
        provider=row.provider,
        seed=row.seed,
        params=request_params(row),
        facts=(*(() if output is None else output_facts(output)), *request_facts(row)),
        image=None if output is None else Picture(blob=output.blob, path=output.path),
        inputs=input_pictures(row),
    )
