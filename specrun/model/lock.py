"""The lock: what the spec leaves open, pinned."""

from collections.abc import Mapping
from enum import Enum

import msgspec

from specrun.model.bounded import Count, Number, Param
from specrun.model.provenance import Stamp


class State(Enum):
    """Why a locked run is held back from being asked for."""

    UNKNOWN = "unknown"  # may have been billed; nobody knows
    PARTIAL = "partial"  # answered, and fewer images than asked for arrived
    UNUSABLE = "unusable"  # images that do not decode; kept aside
    REFUSED = "refused"  # moderation said no
    ORPHAN = "orphan"  # no longer in the spec

    @property
    def why(self) -> str:
        """What happened, as a sentence without its full stop."""
        return _WHY[self]


_WHY: Mapping[State, str] = {
    State.UNKNOWN: "an earlier request may have been billed, and nobody knows what came of it",
    State.PARTIAL: "not all of its images arrived",
    State.UNUSABLE: "the images that came do not decode; their bytes are kept aside",
    State.REFUSED: "the server's moderation refused it",
    State.ORPHAN: "it is no longer in the spec",
}


# Structs, which are read and made several times as fast as dataclasses: a lock may hold 100,000 rows.
class LockedOutput(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One image of a locked run: `path` below the spec's outputs folder, digests of bytes received and delivered."""

    index: Count
    path: str
    blob: str
    file: str


class LockRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One run as it was pinned, with what is needed to say why it changes.

    `params` are as in `Run`, with each input image replaced by its recipe (a digest, or upstream key and index);
    `inputs` maps each input's source (path, URL or `address#index`) to its digest, None while unknown. `provenance`
    says how the outputs' files were made from their blobs, None where they are the blobs. `accepted` is a person's
    word that there will be no image: of a refusal, or, still `partial`, of a request that was paid for.
    """

    address: str
    key: str | None
    request_digest: str | None
    take: Count = 1
    seed: Number | None
    provider: str
    model: str
    params: Mapping[str, Param]
    defaults: tuple[str, ...]
    revision: Number
    sample: Count
    schema_digest: str
    inputs: Mapping[str, str | None]
    outputs: tuple[LockedOutput, ...] = ()
    provenance: Stamp | None = None
    state: State | None = None
    accepted: bool = False

    @property
    def held(self) -> bool:
        """Whether the run waits for a person's word; an orphan does where it did so before, an accepted one never."""
        return self.state not in (None, State.ORPHAN) and not self.accepted


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """All pins of one spec: `files` are the digests of what its templates read, `vars` those of its variables."""

    spec: str
    name: str
    files: Mapping[str, str] = msgspec.field(default_factory=dict)
    vars: Mapping[str, str] = msgspec.field(default_factory=dict)
    rows: Mapping[str, LockRow] = msgspec.field(default_factory=dict)
