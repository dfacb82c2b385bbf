"""A problem is a value: what is wrong, where, why, and what to do."""

from collections.abc import Iterable, Sequence
from enum import Enum
from functools import lru_cache

import msgspec
from msgspec.structs import replace


class Severity(Enum):
    """How bad: an error stops the command, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A text that problems can point into; `name` is its path as a person would type it."""

    name: str
    text: str

    def __repr__(self) -> str:
        return f"Source(name={self.name!r})"

    def line(self, number: int) -> str:
        """Return line `number` (1-based) without its line break, or an empty string past the end."""
        lines = _lines(self.text)
        return lines[number - 1] if 0 < number <= len(lines) else ""


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a source; lines and columns are 1-based, columns count code points, the end is exclusive."""

    source: Source
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        """`file:line:col`, as editors and terminals understand it."""
        return f"{self.source.name}:{self.line}:{self.column}"


class Diagnostic(msgspec.Struct, frozen=True, kw_only=True):
    """One fault, said once: `summary` in fixed words, `detail` says what and why, `hint` what to do.

    `runs` counts the runs that one fault hits, `example` is the address of one of them.
    """

    summary: str
    detail: str = ""
    span: Span | None = None
    hint: str = ""
    severity: Severity = Severity.ERROR
    runs: int = 0
    example: str = ""


class SpecrunError(Exception):
    """A fault that ends a command: its diagnostics say why, its class holds the exit code."""

    exit_code = 1

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(f"{d.summary}: {d.detail}" if d.detail else d.summary for d in diagnostics))
        self.diagnostics = diagnostics


class InvalidInputError(SpecrunError):
    """A spec, project file, schema, lock or plan that cannot be used as it stands."""


class UsageError(SpecrunError):
    """A command line that asks for what does not exist or does not go together."""

    exit_code = 64


class BusyError(SpecrunError):
    """Another apply holds what this one needs."""

    exit_code = 75


class PendingError(SpecrunError):
    """What was asked to be up to date is not."""

    exit_code = 2


class Collector:
    """Gathers a stage's faults, so that a person sees all of them at once."""

    def __init__(self) -> None:
        self._found: dict[Diagnostic, Diagnostic] = {}

    def add(self, diagnostic: Diagnostic) -> None:
        """Remember one fault; where only the runs that it hits differ, it is one with what was said before."""
        fault = replace(diagnostic, runs=0, example="")
        before = self._found.get(fault, fault)
        self._found[fault] = replace(
            fault, runs=before.runs + diagnostic.runs, example=before.example or diagnostic.example
        )

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Remember several faults."""
        for diagnostic in diagnostics:
            self.add(diagnostic)

    @property
    def failed(self) -> bool:
        """Whether any of the faults is an error."""
        return any(d.severity is Severity.ERROR for d in self._found.values())

    def sorted(self) -> tuple[Diagnostic, ...]:
        """Return the faults in the order a reader meets their places."""
        return tuple(sorted(self._found.values(), key=_place))

    def stop_on_errors(self) -> None:
        """Raise `InvalidInputError` with everything found, if any of it is an error."""
        if self.failed:
            raise InvalidInputError(*self.sorted())


def nearest(name: str, known: Iterable[str], *, limit: int = 1, cutoff: float = 0.6) -> Sequence[str]:
    """Return the names most like `name`, best first, compared without regard to case and Unicode form.

    `cutoff` is how like they must be, up to 1.
    """
    from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

    folded: dict[str, str] = {}
    for candidate in known:
        folded.setdefault(_folded(candidate), candidate)
    return [folded[match] for match in get_close_matches(_folded(name), folded, n=limit, cutoff=cutoff)]


def did_you_mean(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Return `did you mean "x"?`, or an empty string where nothing is near."""
    found = nearest(name, known, cutoff=cutoff)
    return f'did you mean "{found[0]}"?{_unseen(name, found[0])}' if found else ""


def _folded(name: str) -> str:
    from unicodedata import normalize  # noqa: PLC0415 - only for a mistake

    return normalize("NFC", name).casefold()


def _unseen(name: str, other: str) -> str:
    """Say in what a name differs from another that looks like it; nothing where that shows."""
    from unicodedata import normalize  # noqa: PLC0415 - only for a mistake

    if name == other:
        return ""
    if normalize("NFC", name) == normalize("NFC", other):
        composed = other == normalize("NFC", other)
        form = "composed Unicode, not decomposed" if composed else "decomposed Unicode, as macOS writes names"
        return f" It looks the same, but is in {form}: copy it from there, or rename it"
    same = "".join(normalize("NFKC", name).split()) == "".join(normalize("NFKC", other).split())
    odd = sorted(each for each in set(name) ^ set(other) if not each.isascii())
    return f" One of the two holds the character U+{ord(odd[0]):04X}" if same and odd else ""


@lru_cache(maxsize=8)
def _lines(text: str) -> list[str]:
    # Not splitlines(): YAML and editors do not break lines at form feeds and the like.
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _place(diagnostic: Diagnostic) -> tuple[str, int, int, str, str]:
    span = diagnostic.span
    if span is None:
        return ("", 0, 0, diagnostic.summary, diagnostic.detail)
    return (span.source.name, span.line, span.column, diagnostic.summary, diagnostic.detail)
