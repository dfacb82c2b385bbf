"""What a spec's attempts come to, for programs."""

import json
from collections.abc import Sequence
from typing import Any

from specrun.report import inert
from specrun.report.history import Account, History
from specrun.report.record import figures_record

FORMAT_VERSION = "1.0"
_QUANTILES = {"median": 0.5, "nine_in_ten": 0.9, "slowest": 1.0}


def as_json(found: Sequence[History]) -> str:
    """Return one JSON document: `specs` with their sums; times are seconds, periods begin at UTC times."""
    document = {"format_version": FORMAT_VERSION, "specs": [_history(history) for history in found]}
    return inert.json_text(json.dumps(document, ensure_ascii=False, indent=2)) + "\n"


def _history(history: History) -> dict[str, Any]:
    return {
        "spec": history.spec,
        "total": _account(history.total),
        "models": [_account(account) for account in history.models],
        "jobs": [_account(account) for account in history.jobs],
        "period_hours": history.hours,
        "periods": [
            {"start": each.start.isoformat(), "made": each.made, "held": each.held, "failed": each.failed}
            for each in history.periods
        ],
        "causes": [{"cause": cause, "count": number} for cause, number in history.causes],
    }


def _account(account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "requests": account.requests,
        "images": account.images,
        "failed": account.failed,
        "held": account.held,
        **figures_record(account.figures),
        "seconds": {name: account.quantile(share) for name, share in _QUANTILES.items()},
    }
