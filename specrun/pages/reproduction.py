"""The tiles of a reproduction: each locked image beside the one that came this time."""

from collections.abc import Iterator, Sequence

from specrun.model.address import axes_in, job_in
from specrun.model.lock import Lock
from specrun.pages.facts import request_facts, request_params
from specrun.pages.sheet import Picture, Sheet, Status, Tile, Tone
from specrun.verify.likeness import difference
from specrun.verify.verdict import Pair, Reproduction, Verdict

_TONES = {
    Verdict.IDENTICAL: Tone.PLAIN,
    Verdict.SAME_PIXELS: Tone.PLAIN,
    Verdict.NEAR: Tone.CHANGED,
    Verdict.DIFFERENT: Tone.WRONG,
    Verdict.UNVERIFIABLE: Tone.WAITING,
}


def reproduction_sheet(found: Sequence[Reproduction], lock: Lock, arguments: str) -> Sheet:
    """Return the page; `arguments` are the spec as a shell takes it."""
    counts = {verdict: sum(each.verdict is verdict for each in found) for verdict in Verdict}
    return Sheet(
        title=f"{lock.name}, asked again",
        spec=lock.spec,
        noun="image",
        tiles=tuple(tile for each in found for tile in _tiles(each)),
        figures=tuple((verdict.value, f"{number:,}") for verdict, number in counts.items() if number),
        commands={"ask again": f"specrun reproduce --target {{address}} {arguments}"},
        split="status",
        pairs=True,
    )


def _tiles(found: Reproduction) -> Iterator[Tile]:
    pairs = {pair.index: pair for pair in found.pairs}
    for output in found.row.outputs:
        yield _tile(found, output.index, output.blob, pairs.get(output.index))


def _tile(found: Reproduction, index: int, blob: str, pair: Pair | None) -> Tile:
    row = found.row
    verdict = Verdict.UNVERIFIABLE if pair is None else pair.verdict
    return Tile(
        address=row.address,
        job=job_in(row.address),
        axes=axes_in(row.address),
        status=Status(word=verdict.value, tone=_TONES[verdict]),
        note=found.reason if pair is None else difference(pair.comparison),
        index=index,
        images=len(row.outputs),
        prompt=str(row.params.get("prompt", "")),
        model=row.model,
        provider=row.provider,
        seed=row.seed,
        params=request_params(row),
        facts=tuple(request_facts(row)),
        before=Picture(blob=blob, caption="locked"),
        image=None if pair is None else Picture(blob=pair.blob, caption="this time"),
        distance=None if pair is None else pair.comparison.distance,
    )
