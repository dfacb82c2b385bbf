"""One spec's places on disk, and how a person names them."""

from pathlib import Path

import msgspec

from specrun.model.held import Place
from specrun.store.blobs import Blobs
from specrun.store.contained import Contained


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What is verified: `spec` is the spec's path from the project root, `place` what a command names it by.

    `shared` says that there is a shared store beside the local one.
    """

    root: Path
    spec: str
    name: str
    place: Place
    lock: Path
    outputs: Path
    store: Path
    shared: bool = False

    @property
    def blobs(self) -> Blobs:
        """The local store."""
        return Blobs(self.store)

    @property
    def arguments(self) -> str:
        """The spec as commands take it."""
        return self.place.arguments

    @property
    def files(self) -> Contained:
        """The files of the outputs folder."""
        return Contained(self.outputs)

    def command(self, command: str) -> str:
        """Return a command line that does something to this spec."""
        return f"`specrun {command} {self.arguments}`"

    def shown(self, path: Path) -> str:
        """Return a path as reports name it: from the project root, with /."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.as_posix()
