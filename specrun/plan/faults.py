"""Faults met cell by cell, said once each with the number of runs they hit."""

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from specrun.diagnostics import Collector, Diagnostic

# Of one kind of fault, so many are told in their own words.
MOST_TOLD = 12


class Failed(msgspec.Struct, frozen=True):
    """What stands in a cell where a value could not be made; without diagnostics where that has been said already."""

    diagnostics: tuple[Diagnostic, ...]


def together(failed: Iterable[Failed]) -> Failed:
    """Return several failures as one."""
    return Failed(tuple(diagnostic for each in failed for diagnostic in each.diagnostics))


class CellFaults:
    """Counts the runs behind each fault; two faults are one where they are of one kind at one place.

    What differs between them, such as the value that is no number, is told of each.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[object, ...], _Kind] = {}

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
            kind = self._found.setdefault((diagnostic.severity, diagnostic.summary, place), _Kind())
            kind.runs += hits
            kind.told.setdefault(diagnostic.detail, (diagnostic, address))

    def report(self, faults: Collector) -> None:
        """Hand everything over."""
        faults.extend(kind.fault() for kind in self._found.values())


class _Kind(msgspec.Struct):
    """Faults of one kind at one place: the runs that they hit, and each in its words with the first run of these."""

    runs: int = 0
    told: dict[str, tuple[Diagnostic, str]] = msgspec.field(default_factory=dict)

    def fault(self) -> Diagnostic:
        """Return them as one fault."""
        told = list(self.told.values())
        first, example = told[0]
        if len(told) == 1:
            return replace(first, runs=self.runs, example=example)
        hints = {each.hint for each, _ in told}
        lines = [_line(each, address, hinting=len(hints) > 1) for each, address in told[:MOST_TOLD]]
        lines += ["… and more of the kind"] if len(told) > MOST_TOLD else []
        hint = first.hint if len(hints) == 1 else ""
        return replace(first, detail="\n".join(lines), hint=hint, runs=self.runs, example=example)


def _line(fault: Diagnostic, address: str, *, hinting: bool) -> str:
    hint = f"; {fault.hint}" if hinting and fault.hint else ""
    return f"{fault.detail}{hint}" + (f" ({address})" if address else "")
