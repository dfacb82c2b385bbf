"""Named facts, one a line, in aligned columns."""

from collections.abc import Iterable, Iterator

from specrun.report import inert
from specrun.report.ink import Ink, Role

_WIDTH = 16


def fact(name: str, text: object, ink: Ink) -> str:
    """Return one line: a name, then what it is."""
    return f"  {ink(name.ljust(_WIDTH), Role.QUIET)}{inert.line(str(text))}"


def facts(pairs: Iterable[tuple[str, object]], ink: Ink) -> Iterator[str]:
    """Return a line for each fact that there is."""
    for name, text in pairs:
        if text is not None and text != "":
            yield fact(name, text, ink)
