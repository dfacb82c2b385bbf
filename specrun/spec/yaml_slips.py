"""Ways out of what a YAML parser complains of: the slips of hand that lead to it, by what stands on the line."""

import re
from typing import Any

QUOTE = 'quote the template: "{{ … }}"'
_NO_SPACES = re.compile(r"[^\S \t]|[\u200b\u2060\ufeff]")
_CURLY = re.compile("[“”„]")
_KEY_AND_TEXT = re.compile(r"\s*(?:- )?([\w-]+)\s*[:=\uff1a]\s*\S.*")


def way_out(problem: str, above: str, line: str, column: int, begun: Any) -> str:
    """Return what to do about a problem at a column of a line; `begun` is where what it breaks off began."""
    return (
        _indentation_or_braces(line, column)
        or ("could not find expected ':'" in problem and _without_colon(line))
        or no_space(line[: column + 1])
        or ("did not find expected key" in problem and _behind_a_quote(line[:column].rstrip()[-1:]))
        or ("mapping values are not allowed" in problem and _colonless(above))
        or ("YAML knows straight quotes only: \" or '" if _CURLY.search(line) else "")
        or _known(problem, "" if begun is None else f"line {begun.line + 1}, column {begun.column + 1}")
    )


def _indentation_or_braces(line: str, column: int) -> str:
    if line[: column + 1].strip(" ").startswith("\t"):
        return "indent with spaces, not tabs"
    return QUOTE if "{{" in line and '"{{' not in line and "'{{" not in line else ""


def _known(problem: str, where: str) -> str:
    known = {
        "mapping values are not allowed": "quote a text that holds `: `, or check the indentation",
        "did not find expected key": f"check the indentation: this mapping begins on {where}",
        "did not find expected ','": f"close what begins on {where}",
        "end of stream": "close the quote",
        "invalid Unicode character": "this is half of a surrogate pair: write the character itself",
        "unknown escape character": "in double quotes a backslash is written \\\\; single quotes keep it as it is",
        "cannot start any token": "quote the text: YAML keeps this sign at its start for itself",
        "alphabetic or numeric character": "quote the text: YAML takes what begins with * or & for an alias or anchor",
    }
    return next((hint for words, hint in known.items() if words in problem), "")


def no_space(text: str) -> str:
    """Say of what looks like a space, or like nothing, that YAML takes it for a letter; empty where there is none."""
    odd = _NO_SPACES.search(text)
    return f"U+{ord(odd[0]):04X} stands here, which is no space in YAML: write a space, or delete it" if odd else ""


def _without_colon(line: str) -> str:
    """Say what is wrong with a line that holds no `key: value`."""
    if odd := no_space(line):
        return odd
    if found := _KEY_AND_TEXT.fullmatch(line):
        return f"write `{found[1]}: …`, with a colon and a space"
    return "a key ends with a colon and a space, as in `key: value`; the lines of a text are indented more than its key"


def _behind_a_quote(quote: str) -> str:
    if quote not in ("'", '"'):
        return ""
    twice = "''" if quote == "'" else '\\"'
    return f"the quoted text ends before this; a {quote} inside it is written {twice}"


def _colonless(line: str) -> str:
    """Say what a key on a line lacks, its colon or the space behind that; empty where it lacks nothing."""
    if re.fullmatch(r"\s*[\w-]+\s*", line):
        return "the key on the line above lacks its colon"
    found = re.fullmatch(r"\s*([\w-]+):(?!//)\S.*", line)
    return f"a space is missing on the line above: write `{found[1]}: …`" if found else ""
