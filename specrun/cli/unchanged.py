"""Specs that were touched and have nothing left to do all the same: their runs are those that were settled.

Between reading the record, which is enough where nothing has moved, and a plan, which also reads the lock.
"""

import contextlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from specrun.atomic import write_if_changed
from specrun.cli.options import WishOptions
from specrun.cli.settled import where
from specrun.diagnostics import SpecrunError
from specrun.plan.make import Expanded, expand
from specrun.plan.request import PlanRequest
from specrun.plan.settle import settled_anew, still_settled
from specrun.spec.project import load_project
from specrun.store.document import collector_paused
from specrun.store.settled import Settled, read_settled


def all_unchanged(
    options: WishOptions, *, renew: bool
) -> tuple[Sequence[tuple[Path, Settled]] | None, Mapping[Path, Expanded]]:
    """Return what is settled about the specs, and what they expand to without their locks, as far as that was needed.

    The former is None where one of them has to be planned, or more is to be told; a plan goes on from the latter. With
    `renew`, what the files are like now is written down.
    """
    found: list[tuple[Path, Settled]] = []
    unlocked: dict[Path, Expanded] = {}
    if not options.plain:
        return None, unlocked
    for spec in options.specs:
        settled = _unchanged(options.request(spec), unlocked, renew=renew)
        if settled is None:
            return None, unlocked
        found.append((spec, settled))
    return found, unlocked


def _unchanged(request: PlanRequest, unlocked: dict[Path, Expanded], *, renew: bool) -> Settled | None:
    began, context = time.time_ns(), request.context
    record = where(request.spec, request.name)
    known = None if record is None or context is None else read_settled(record, context)
    if record is None or known is None or not known.left_alone():
        return None
    try:
        project = load_project(request.spec.parent)
        with collector_paused():
            expanded = unlocked[request.spec] = expand(request, project, None)
    except SpecrunError:
        # A plan tells it, beside all else that is wrong.
        return None
    if not still_settled(known, expanded, project):
        return None
    anew = settled_anew(known, expanded.reads, began) if renew else None
    if anew is not None:
        with contextlib.suppress(OSError):
            write_if_changed(record, msgspec.json.encode(anew))
    return known
