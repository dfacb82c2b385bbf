"""Specs of one command line that are called the same, found before any of them is applied."""

from pathlib import Path

from specrun.diagnostics import InvalidInputError
from specrun.model.output_path import folded
from specrun.model.project import Project


class Namesakes:
    """Remembers which spec has which folder of outputs."""

    def __init__(self) -> None:
        self._seen: dict[tuple[Path, str], Path] = {}

    def check(self, spec: Path, name: str, project: Project) -> None:
        """Raise `InvalidInputError`, which names both, where another spec has this folder, on some disk at least."""
        first = self._seen.setdefault((project.outputs, folded(name)), spec)
        if first.resolve() != spec.resolve():
            from specrun.store.namesakes import one_folder  # noqa: PLC0415 - only for a mistake

            raise InvalidInputError(one_folder(first.as_posix(), spec.as_posix(), name))
