"""Two locks compared, for programs."""

import json
from collections.abc import Sequence
from typing import Any

from specrun.model.lock import LockRow
from specrun.plan.compare import RunShift
from specrun.report import inert
from specrun.report.diff_text import Compared

FORMAT_VERSION = "1.0"


def as_json(found: Sequence[Compared]) -> str:
    """Return one JSON document: `specs` with their `runs` that differ, by address."""
    document = {"format_version": FORMAT_VERSION, "specs": [_compared(each) for each in found]}
    return inert.json_text(json.dumps(document, ensure_ascii=False, indent=2)) + "\n"


def _compared(each: Compared) -> dict[str, Any]:
    counts = {shift.value: number for shift, number in each.diff.counts.items()}
    return {
        "spec": each.spec,
        "base": each.base,
        "now": each.now,
        "totals": {**counts, "same": each.diff.same},
        "runs": [_shift(shift) for shift in each.diff.shifts],
    }


def _shift(each: RunShift) -> dict[str, Any]:
    return {
        "change": each.shift.value,
        "address": each.address,
        "reason": each.reason,
        "changes": [{"field": change.field, "old": change.old, "new": change.new} for change in each.changes],
        "before": _row(each.before),
        "after": _row(each.after),
    }


def _row(row: LockRow | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "address": row.address,
        "key": row.key,
        "take": row.take,
        "state": None if row.state is None else row.state.value,
        "outputs": [{"index": output.index, "path": output.path, "blob": output.blob} for output in row.outputs],
    }
