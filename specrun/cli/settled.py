"""Specs of a command line that have nothing left to do, told without planning them."""

from collections.abc import Sequence
from pathlib import Path

from specrun.cli.options import WishOptions
from specrun.model.project import STATE
from specrun.spec.root import project_root
from specrun.store.settled import Settled, read_settled, settled_path


def all_settled(options: WishOptions) -> Sequence[tuple[Path, Settled]] | None:
    """Return what is settled about the specs; None where one of them has to be planned, or more is to be told."""
    if not options.plain:
        return None
    found = []
    for spec in options.specs:
        request = options.request(spec)
        path, context = where(spec, request.name), request.context
        settled = None if path is None or context is None else read_settled(path, context)
        if path is None or settled is None or _linked(settled) or not settled.holds(path.parent.parent):
            return None
        found.append((spec, settled))
    return found


def _linked(settled: Settled) -> bool:
    """Say whether links lead to the outputs; whether they may is for a plan to see."""
    outputs = Path(settled.outputs)
    return outputs.is_symlink() or outputs.parent.is_symlink()


def where(spec: Path, variant: str | None) -> Path | None:
    """Return where it is written down of a spec; None for one outside its project, or where links lead there.

    Whether they may is for a plan to see.
    """
    root, real = project_root(spec.parent), spec.resolve()
    if not real.is_relative_to(root):
        return None
    path = settled_path(root / STATE, real.relative_to(root).as_posix(), variant)
    return None if path.parent.is_symlink() or path.parent.parent.is_symlink() else path
