"""What came of asking again, for programs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from specrun.report import inert
from specrun.verify.verdict import Pair, Reproduction


def as_json(found: Sequence[Reproduction], near: float, history: Mapping[tuple[str, str], Mapping[str, int]]) -> str:
    """Return one JSON document: the runs with their verdicts, and all verdicts so far by model."""
    document = {
        "format_version": "1.0",
        "near": near,
        "runs": [_run(each) for each in found],
        "models": [
            {"provider": provider, "model": model, "verdicts": dict(verdicts)}
            for (provider, model), verdicts in history.items()
        ],
    }
    return inert.json_text(json.dumps(document, ensure_ascii=False, indent=2)) + "\n"


def _run(found: Reproduction) -> dict[str, Any]:
    return {
        "address": found.row.address,
        "provider": found.row.provider,
        "model": found.row.model,
        "verdict": found.verdict.value,
        "distance": found.distance,
        "reason": found.reason or None,
        "images": [_pair(pair) for pair in found.pairs],
    }


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        "index": pair.index,
        "verdict": pair.verdict.value,
        "distance": pair.comparison.distance,
        "pixels": pair.comparison.pixels,
        "locked": pair.original,
        "now": pair.blob,
        "path": pair.path.as_posix(),
    }
