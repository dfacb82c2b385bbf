"""Faults met cell by cell, said once each with the number of runs they hit."""

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from specrun.diagnostics import Collector, Diagnostic


class Failed(msgspec.Struct, frozen=True):
    """What stands in a cell where a value could not be made; without diagnostics where that has been said already."""

    diagnostics: tuple[Diagnostic, ...]


def together(failed: Iterable[Failed]) -> Failed:
    """Return several failures as one."""
    return Failed(tuple(diagnostic for each in failed for diagnostic in each.diagnostics))


class CellFaults:
    """Counts the runs behind each fault; two faults are one where they say the same of the same place."""

    def __init__(self) -> None:
        self._found: dict[tuple[object, ...], tuple[Diagnostic, int, str]] = {}

    def hit(self, failed: Failed, address: str) -> None:
        """Record what a run failed on."""
        self._record(failed.diagnostics, 1, address)

    def add(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Record faults that no run comes to."""
        self._record(diagnostics, 0, "")

    def _record(self, diagnostics: Iterable[Diagnostic], hits: int, address: str) -> None:
        for diagnostic in diagnostics:
            span = diagnostic.span
            place = None if span is None else (span.source.name, span.line, span.column)
            known = (diagnostic.severity, diagnostic.summary, place)
            first, runs, example = self._found.get(known, (diagnostic, 0, address))
            self._found[known] = (first, runs + hits, example)

    def report(self, faults: Collector) -> None:
        """Hand everything over."""
        faults.extend(replace(first, runs=runs, example=example) for first, runs, example in self._found.values())
