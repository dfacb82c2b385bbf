"""What was made from what, as in-toto statements with SLSA provenance, a run a line.

In-toto Statement v1 and SLSA Provenance v1 (https://slsa.dev/provenance/v1). The statements are not signed; what signs
files (cosign, for one) signs these.
"""

import json
from collections.abc import Iterator
from typing import Any

from specrun.model.lock import Lock, LockRow, State
from specrun.report import inert

_STATEMENT = "https://in-toto.io/Statement/v1"
_PROVENANCE = "https://slsa.dev/provenance/v1"
_BUILD_TYPE = "urn:specrun:run:1"


def as_intoto(lock: Lock) -> Iterator[str]:
    """Return one statement for each run that has images."""
    for address in sorted(lock.rows):
        row = lock.rows[address]
        if row.outputs and row.state is not State.ORPHAN:
            yield inert.json_text(json.dumps(_statement(lock, row), ensure_ascii=False, sort_keys=True)) + "\n"


def _statement(lock: Lock, row: LockRow) -> dict[str, Any]:
    return {
        "_type": _STATEMENT,
        "subject": [{"name": output.path, "digest": _digest(output.file)} for output in row.outputs],
        "predicateType": _PROVENANCE,
        "predicate": {
            "buildDefinition": {
                "buildType": _BUILD_TYPE,
                "externalParameters": {
                    "spec": lock.spec,
                    "address": row.address,
                    "provider": row.provider,
                    "model": row.model,
                    "params": row.params,
                    "revision": row.revision,
                    "sample": row.sample,
                },
                "internalParameters": {
                    "key": row.key,
                    "request_digest": row.request_digest,
                    "schema_digest": row.schema_digest,
                    "take": row.take,
                },
                "resolvedDependencies": [
                    _dependency(source, digest) for source, digest in row.inputs.items() if digest is not None
                ],
            },
            "runDetails": {
                "builder": _builder(row),
                "metadata": {"invocationId": f"{row.request_digest}.{row.take}"},
                "byproducts": [
                    {"name": f"{output.path} as received", "digest": _digest(output.blob)}
                    for output in row.outputs
                    if output.blob != output.file
                ],
            },
        },
    }


def _builder(row: LockRow) -> dict[str, Any]:
    builder: dict[str, Any] = {"id": f"urn:specrun:provider:{row.provider}"}
    return builder if row.provenance is None else {**builder, "version": {"specrun": row.provenance.specrun}}


def _dependency(source: str, digest: str) -> dict[str, Any]:
    name = "uri" if source.startswith(("https://", "http://")) else "name"
    return {name: source, "digest": _digest(digest)}


def _digest(digest: str) -> dict[str, str]:
    return {"sha256": digest.removeprefix("sha256:")}
