"""Which fields of a locked run differ from what the spec wants now, or from what another lock says."""

from collections.abc import Iterator

from specrun.canonical import canonical
from specrun.model.inputs import recipe_param
from specrun.model.lock import LockRow
from specrun.model.plan import Change
from specrun.model.run import Run


def changes(row: LockRow, run: Run | LockRow) -> tuple[Change, ...]:
    """Return every field that changed, the telling ones first; a seed that only follows from them is left out."""
    found = tuple(_changes(row, run))
    telling = tuple(change for change in found if change.field != "seed")
    return telling or found


def _changes(row: LockRow, run: Run | LockRow) -> Iterator[Change]:
    if row.model != run.model:
        yield Change(field="model", old=row.model, new=run.model)
    if row.provider != run.provider:
        yield Change(field="provider", old=row.provider, new=run.provider)
    names = ["prompt", *sorted((set(row.params) | set(run.params)) - {"prompt"})]
    for name in names:
        old = row.params.get(name)
        new = recipe_param(run.params[name]) if name in run.params else None
        if (name in row.params) != (name in run.params) or canonical(old) != canonical(new):
            yield Change(field=name, old=old, new=new)
    if row.revision != run.revision:
        yield Change(field="revision", old=row.revision, new=run.revision)
    if run.seed is None and row.sample != run.sample:
        yield Change(field="sample", old=row.sample, new=run.sample)
