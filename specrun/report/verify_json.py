"""What verifying found, for programs."""

import json
from collections.abc import Sequence
from typing import Any

from specrun.report import inert
from specrun.verify.finding import Finding, Verification

FORMAT_VERSION = "1.0"


def as_json(verifications: Sequence[Verification]) -> str:
    """Return one JSON document: `specs` with their findings, absent fields left out."""
    document = {"format_version": FORMAT_VERSION, "specs": [_spec(each) for each in verifications]}
    return inert.json_text(json.dumps(document, ensure_ascii=False, indent=2)) + "\n"


def _spec(each: Verification) -> dict[str, Any]:
    return {
        "spec": each.spec,
        "name": each.name,
        "images": each.checked.images,
        "bytes": each.checked.bytes,
        "blobs": each.checked.blobs,
        "findings": [_finding(finding) for finding in each.findings],
        "repaired": list(each.repaired),
    }


def _finding(finding: Finding) -> dict[str, str]:
    record = {
        "kind": finding.kind.value,
        "subject": finding.subject,
        "address": finding.address,
        "detail": finding.detail,
        "fix": finding.fix,
    }
    return {name: value for name, value in record.items() if value}
