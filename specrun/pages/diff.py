"""The tiles of a page about two locks: each image that differs, as it was and as it is."""

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from specrun.model.address import axes_in, job_in
from specrun.model.lock import LockedOutput, LockRow
from specrun.pages.album import Album
from specrun.pages.distance import glance_distance
from specrun.pages.facts import differences, renamed, request_facts, request_params
from specrun.pages.sheet import Picture, Sheet, Status, Tile, Tone
from specrun.plan.compare import RunShift, Shift
from specrun.report.diff_text import Compared

_STATUSES: Mapping[Shift, Status] = {
    Shift.REPLACED: Status(word="replaced", tone=Tone.CHANGED),
    Shift.ADDED: Status(word="added", tone=Tone.NEW),
    Shift.REMOVED: Status(word="removed", tone=Tone.GONE),
    Shift.MOVED: Status(word="moved", tone=Tone.PLAIN),
}


def diff_sheet(compared: Compared, name: str, of_spec: str) -> Sheet:
    """Return the page of what differs; `of_spec` is the option that names the spec to `show`, as a shell takes it."""
    counts = compared.diff.counts
    figures = [(shift.value, f"{counts[shift]:,}") for shift in Shift if counts[shift]]
    return Sheet(
        title=f"{name}: what changed",
        spec=f"{compared.base} to {compared.now}",
        noun="image",
        tiles=tuple(tile for shift in compared.diff.shifts for tile in _tiles(shift)),
        figures=(*figures, ("the same", f"{compared.diff.same:,}")),
        commands={"command": f"specrun show {{address}} {of_spec}"},
        split="status",
        pairs=True,
    )


def with_distances(sheet: Sheet, album: Album) -> Sheet:
    """Return a sheet whose tiles say how far apart their pictures are, where both can be seen."""
    return replace(sheet, tiles=tuple(replace(tile, distance=_distance(tile, album)) for tile in sheet.tiles))


def _distance(tile: Tile, album: Album) -> float | None:
    if tile.before is None or tile.image is None:
        return None
    if tile.before.blob == tile.image.blob:
        return 0.0
    before, after = album.files.get(tile.before.blob), album.files.get(tile.image.blob)
    return None if before is None or after is None else glance_distance(before, after)


def _tiles(shift: RunShift) -> Iterator[Tile]:
    row = shift.after or shift.before
    if row is None:
        return
    before, after = _outputs(shift.before), _outputs(shift.after)
    indexes = sorted(before.keys() | after.keys()) or [1]
    for index in indexes:
        yield Tile(
            address=row.address,
            job=job_in(row.address),
            axes=axes_in(row.address),
            status=_STATUSES[shift.shift],
            note=shift.reason,
            index=index,
            images=len(indexes),
            prompt=str(row.params.get("prompt", "")),
            model=row.model,
            provider=row.provider,
            seed=row.seed,
            params=request_params(row),
            facts=tuple(request_facts(row)),
            changes=(*renamed((shift.before or row).address, row.address), *differences(shift.changes)),
            # At its path there may stand another image by now.
            before=Picture(blob=before[index].blob) if index in before else None,
            image=Picture(blob=after[index].blob, path=after[index].path) if index in after else None,
        )


def _outputs(row: LockRow | None) -> dict[int, LockedOutput]:
    return {} if row is None else {output.index: output for output in row.outputs}
