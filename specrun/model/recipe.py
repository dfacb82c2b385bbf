"""The recipe that a locked run's key is taken over."""

from typing import Any

from specrun.model.lock import LockRow


def locked_recipe(row: LockRow) -> dict[str, Any]:
    """Return what a row's key covers; its canonical digest is the key wherever all inputs are known."""
    recipe = {"model": row.model, "params": row.params, "provider": row.provider, "revision": row.revision}
    return recipe if row.seed is not None else {**recipe, "sample": row.sample}
