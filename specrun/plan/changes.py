"""Which fields of a locked run differ from what the spec wants now, or from what another lock says."""

from collections.abc import Iterator

from specrun.canonical import Json, canonical
from specrun.model.inputs import recipe_param
from specrun.model.lock import LockRow
from specrun.model.plan import Change
from specrun.model.run import Run, images_in


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
            yield _image_change(name, row, run) or Change(field=name, old=old, new=new)
    if row.revision != run.revision:
        yield Change(field="revision", old=row.revision, new=run.revision)
    if run.seed is None and row.sample != run.sample:
        yield Change(field="sample", old=row.sample, new=run.sample)


def _image_change(name: str, row: LockRow, run: Run | LockRow) -> Change | None:
    """Return a change of input images by their names; digests and keys tell a person nothing."""
    images = images_in(run.params[name]) if isinstance(run, Run) and name in run.params else ()
    if not images:
        return None
    recipes = row.params.get(name)
    before = [canonical(recipe) for recipe in (recipes if isinstance(recipes, list) else [recipes])]
    fresh = [image for image in images if canonical(image.recipe()) not in before]
    sources = {image.source for image in images}
    gone = [source for source in row.inputs if source not in sources]
    now: list[Json] = [f"{image.source}, changed" if image.source in row.inputs else image.source for image in fresh]
    then = [image.source for image in fresh if image.source in row.inputs]
    return Change(field=name, old=[*gone, *then], new=now)
