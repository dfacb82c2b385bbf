"""How delivered images say where they come from."""

from collections.abc import Mapping
from enum import Enum

import msgspec

from specrun.model.bounded import Param


class ProvenanceMode(Enum):
    """Where the facts about an image go."""

    EMBED = "embed"  # into the file's metadata; beside it where the format has no place for them
    SIDECAR = "sidecar"  # into a JSON file beside it
    NONE = "none"


class ProvenanceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a spec says about provenance; `omit` names facts and parameters to withhold."""

    mode: ProvenanceMode = ProvenanceMode.EMBED
    omit: tuple[str, ...] = ()


class Stamp(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a lock row adds to its own fields so that its files can be written again byte for byte.

    `version` is the embedding's, `specrun` and `spec` are the program's version and the spec's name at the time;
    `moved` holds what the embedded facts say where the row has moved on since: the `key`, and input images in `params`.
    """

    mode: ProvenanceMode
    omit: tuple[str, ...]
    version: int
    specrun: str
    spec: str
    moved: Mapping[str, Param] = {}

    @property
    def settings(self) -> ProvenanceSettings:
        """The settings that the images were delivered under."""
        return ProvenanceSettings(mode=self.mode, omit=self.omit)
