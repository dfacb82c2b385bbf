"""Names in single braces, as other template languages have them: here they are plain text."""

import re
from collections.abc import Collection, Iterable, Iterator

from specrun.diagnostics import Diagnostic, Severity
from specrun.spec.text import Text

_SINGLE = re.compile(r"(?<!\{)\{ *(([a-zA-Z_]\w*)(?:\.\w+)*) *\}(?!\})")


def single_braces(texts: Iterable[Text], names: Collection[str]) -> Iterator[tuple[str, Diagnostic]]:
    """Yield each of the given names that stands in single braces in one of the texts, with a warning at its place."""
    for text in texts:
        if "{% raw" in text.text:
            continue
        for found in _SINGLE.finditer(text.text):
            name, first = found.groups()
            if first in names or name in names:
                detail = f"`{found[0]}` is plain text, though `{name}` has a value here"
                hint, span = f"write {{{{ {name} }}}}", text.at(*found.span())
                warning = Severity.WARNING
                yield first, Diagnostic(summary="single braces", detail=detail, span=span, hint=hint, severity=warning)
