"""The facts an image carries: taken from its lock row alone, written as canonical JSON."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from specrun.canonical import canonical, digest
from specrun.model.lock import LockedOutput, LockRow
from specrun.model.provenance import Stamp

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

# Facts that a spec may withhold; parameters may be withheld by their own names. The digest of the bytes received
# always stays: without it nothing else could be checked.
WITHHOLDABLE = frozenset(
    ("spec", "specrun", "provider", "model", "key", "request_digest", "revision", "sample", "take", "seed", "params")
)


class ProvenanceError(Exception):
    """Facts that were written into an image but can no longer be read; the message takes "its provenance" before it."""


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """What an image says of itself; None stands for what was withheld or does not apply.

    `version` is the embedding's, `blob` the digest of the bytes as received, `index` the image's place in the reply.
    `params` are as in the lock, `omitted` names what was withheld. `intact` says whether the facts, when they were
    read, still had the digest that was written with them.
    """

    version: int
    blob: str
    index: int = 1
    omitted: tuple[str, ...] = ()
    spec: str | None = None
    specrun: str | None = None
    provider: str | None = None
    model: str | None = None
    key: str | None = None
    request_digest: str | None = None
    revision: int | None = None
    sample: int | None = None
    take: int | None = None
    seed: int | None = None
    params: Mapping[str, Any] | None = None
    intact: bool = True

    @property
    def prompt(self) -> str | None:
        """The prompt, if it is said."""
        prompt = (self.params or {}).get("prompt")
        return prompt if isinstance(prompt, str) else None


def facts_of(row: LockRow, output: LockedOutput, stamp: Stamp) -> Provenance:
    """Return the facts of one locked image: what its row says, as it said when the image was made."""
    params = {**row.params, **stamp.moved.get("params", {})}
    told: dict[str, Any] = {
        "spec": stamp.spec,
        "specrun": stamp.specrun,
        "provider": row.provider,
        "model": row.model,
        "key": stamp.moved.get("key", row.key),
        "request_digest": row.request_digest,
        "revision": row.revision,
        # With a seed the sample's number is no part of the request: a run may become another sample unchanged.
        "sample": row.sample if row.seed is None else None,
        "take": row.take,
        "seed": row.seed,
        "params": {name: value for name, value in params.items() if name not in stamp.omit},
    }
    omitted = sorted(name for name in stamp.omit if name in told or name in params)
    return Provenance(
        version=stamp.version,
        blob=output.blob,
        index=output.index,
        omitted=tuple(omitted),
        **{name: value for name, value in told.items() if name not in stamp.omit},
    )


class _Told(msgspec.Struct):
    digest: str
    facts: msgspec.Raw


def facts_text(facts: Provenance) -> str:
    """Return the facts as canonical JSON, absent ones left out, with the digest of just that text."""
    told = msgspec.to_builtins(facts)
    del told["intact"]
    text = canonical({name: value for name, value in told.items() if value is not None and value != ()})
    # The two characters that JSON may hold as they are and XML may not.
    text = text.replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
    return f'{{"digest":"{digest(text)}","facts":{text}}}'


def read_facts(text: str) -> Provenance:
    """Return the facts that `facts_text` wrote, perhaps by a newer specrun; raise `ProvenanceError`."""
    try:
        told = msgspec.json.decode(text, type=_Told)
        facts = msgspec.json.decode(told.facts, type=Provenance)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ProvenanceError(f"is damaged: {error}") from error
    # Anybody may have written this text, and digests become paths in the store.
    if not _DIGEST.fullmatch(facts.blob):
        raise ProvenanceError("is damaged: it names no digest of the bytes received")
    return replace(facts, intact=digest(bytes(told.facts)) == told.digest)
