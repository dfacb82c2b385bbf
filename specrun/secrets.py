"""What looks like a secret in a text that a message would show: it is masked, character by character."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby

MASK = "*"

# Keys of well-known services, by how they begin; bearer tokens; what stands before the host of an address.
_SHAPES = re.compile(
    r"\b(?:sk|pk|rk)[-_][\w-]{8,}|\bgh[opsu]_\w{16,}|\bgithub_pat_\w{16,}|\bAKIA[A-Z0-9]{12,}|\bAIza[\w-]{20,}"
    r"|\bhf_\w{16,}|\br8_\w{16,}|\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?|(?<=bearer )[\w.~+/=-]{6,}"
    r"|(?<=://)[^\s/@\"'<>]+(?=@)",
    re.IGNORECASE,
)
_WORD = (
    r"[\w-]{0,40}?(?:(?:api|access|secret|private|auth)[_-]?keys?|passw(?:or)?d|secrets?|token|authorization"
    r"|credentials?)"
)
_QUERY = re.compile(rf"(?<=[?&#])(?:[\w-]{{0,40}}?(?:key|sig|signature)|{_WORD})=([^&#\s\"']+)", re.IGNORECASE)
_CALLED = re.compile(rf"(?:^|\W|SPECRUN_VAR_){_WORD}$", re.IGNORECASE)
_NAMED = re.compile(rf"(?:^|(?<=[\s{{,]))[\"']?{_WORD}[\"']?[ \t]*[:=][ \t]*", re.IGNORECASE | re.MULTILINE)
# With no colon behind the name, it is one that was forgotten.
_FORGOTTEN = re.compile(rf"^[ \t]*[\"']?{_WORD}[\"']?[ \t]+(?=[^\s:=])", re.IGNORECASE | re.MULTILINE)

# In a project file, the entries, and what is no secret whatever its value.
_ENTRY = re.compile(
    r"(?:^|(?<=[{,]))[ \t]*(?:- )?[\"']?([^\s\"'{}\[\],:#][^\"'{}\[\],:\n]*)[\"']?[ \t]*:(?:[ \t]+|$)", re.MULTILINE
)
_PLAIN = re.compile(
    r"provider|providers|outputs|budget|prices|store|images|concurrency|rpm|timeout|retry_for|wire|dialect|models"
    r"|allow_\w+|[A-Z]{3}|url|mode|base_url"
)
_ADDRESS = re.compile(
    r"(?<![^\s\"'{,])(?:[a-z][a-z0-9+.-]*:[/\\]*)?([^\s\"'{,@]+)(?=@)|[?#]([^\s\"'},]+)", re.IGNORECASE
)

# Not a part of a path, a host or a model's id.
_RANDOM = re.compile(r"(?<![\w./-])(?=\w*[a-zA-Z])[\w-]{16,}(?![\w./-])")

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONG, _FEW_DIGITS = 20, 3
# Shorter ones stand in messages by chance.
_TELLING = 4


def names_a_variable(value: str) -> bool:
    """Say whether a text can be the name of an environment variable, and is not a key in its place."""
    if not _VARIABLE.fullmatch(value) or _SHAPES.search(value):
        return False
    return len(value) < _LONG or "_" in value or sum(map(str.isdigit, value)) < _FEW_DIGITS


def masked(text: str, also: Iterable[str] = ()) -> str:
    """Return a message without what looks like a secret, and without what was masked beside it."""
    for secret in also:
        text = text.replace(secret, MASK * len(secret))
    return _covered(text, _by_shape(text))


@lru_cache(maxsize=64)
def masked_line(name: str, above: str, line: str, *, project: bool) -> tuple[str, tuple[str, ...]]:
    """Return a line of a source with secrets masked, and what was masked; `above` are some lines before it.

    Of a project file, which holds no secrets, the values are masked of all entries that are not known.
    """
    if _CALLED.search(name):
        return MASK * len(line), (line,)
    text = f"{above}\n{line}"
    spans = [*_by_shape(text), *_by_name(text), *(_of_a_project(text) if project else ())]
    shown = _covered(text, spans)[len(above) + 1 :]
    pairs = groupby(zip(line, shown, strict=True), key=lambda pair: pair[0] != pair[1])
    hidden = ("".join(each for each, _ in run) for differs, run in pairs if differs)
    return shown, tuple(sorted((each for each in hidden if len(each) >= _TELLING), key=len, reverse=True))


def _covered(text: str, spans: Iterable[tuple[int, int]]) -> str:
    characters = list(text)
    for start, end in spans:
        characters[start:end] = [each if each.isspace() else MASK for each in characters[start:end]]
    return "".join(characters)


def _by_shape(text: str) -> Iterator[tuple[int, int]]:
    yield from (found.span() for found in _SHAPES.finditer(text))
    yield from (found.span(1) for found in _QUERY.finditer(text))


def _by_name(text: str) -> Iterator[tuple[int, int]]:
    for pattern in (_NAMED, _FORGOTTEN):
        yield from (_value(text, found.end()) for found in pattern.finditer(text))


def _of_a_project(text: str) -> Iterator[tuple[int, int]]:
    for found in _RANDOM.finditer(text):
        if sum(map(str.isdigit, found[0])) >= _FEW_DIGITS:
            yield found.span()
    for found in _ADDRESS.finditer(text):
        yield found.span(1 if found[1] is not None else 2)
    for entry in _ENTRY.finditer(text):
        start, end = _value(text, entry.end())
        name, value = entry[1].strip(), text[start:end].strip().strip("\"'")
        if not (_PLAIN.fullmatch(name) or (name == "api_key_env" and names_a_variable(value))):
            yield start, end


def _value(text: str, start: int) -> tuple[int, int]:
    """Return from where to where the value goes that begins at a place: on its line, or on those below it."""
    end = _end(text, "\n", start)
    rest = text[start:end].strip()
    if rest[:1] == "{":
        return start, start
    if rest[:1] == "[":
        return start, _end(text, "]", start)
    line = text[text.rfind("\n", 0, start) + 1 : start]
    if not rest or rest[0] in ">|":
        return start, _below(text, len(line) - len(line.lstrip(" -")), end)
    if rest[0] in "\"'":
        return start, _end(text, rest[0], text.index(rest[0], start) + 1)
    stop = re.compile(r",(?=\s)|[}\n]").search(text, start, end) if "{" in line else None
    return start, stop.start() if stop else end


def _below(text: str, indent: int, end: int) -> int:
    """Return where the lines end that are indented more than the one that ends at `end`, and are no entries."""
    while end < len(text):
        following = _end(text, "\n", end + 1)
        inner = text[end + 1 : following]
        if inner.strip() and (len(inner) - len(inner.lstrip(" ")) <= indent or _ENTRY.match(inner)):
            return end
        end = following
    return end


def _end(text: str, mark: str, start: int) -> int:
    found = text.find(mark, start)
    return len(text) if found < 0 else found
