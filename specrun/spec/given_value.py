"""Values from a command line or the environment: read as YAML, where nothing of them may get lost on the way."""

import json
import os
import re
import shlex
from collections.abc import Mapping as AnyMapping

from msgspec.structs import replace

from specrun.canonical import Json
from specrun.diagnostics import Diagnostic, InvalidInputError, Source, Span
from specrun.spec.name import ENVIRONMENT_PREFIX
from specrun.spec.nodes import Mapping, Node, Scalar, plain
from specrun.spec.yaml import parse_yaml

_WINDOWS = os.name == "nt"
_SUMMARY = "value to be quoted"
# What a text cannot begin with in YAML unless it is quoted.
_STARTS: AnyMapping[str, str] = {
    "#": "YAML takes what begins with # for a comment",
    "*": "YAML reads * as an alias",
    "&": "YAML reads & as an anchor",
    "!": "YAML reads ! as a tag",
    "%": "YAML reads % as a directive",
    "@": "YAML keeps @ for itself",
    "`": "YAML keeps ` for itself",
    "|": "YAML reads | as the start of a block",
    ">": "YAML reads > as the start of a block",
}
_MARKER = re.compile(r"(---|\.\.\.)(\s|$)")
# What cmd.exe and PowerShell leave alone within double quotes.
_PLAIN_ON_WINDOWS = re.compile(r'[^"$%`!^\x00-\x1f]*')


def read_given(text: str, name: str, declared: Json = None) -> Json:
    """Return the value that a text is; `name` is what it is given to: `--var brand`, `SPECRUN_VAR_brand`.

    Without anything but blanks it is a text; `declared` is what the spec has there. Raises `InvalidInputError`, with
    the text quoted for shell and YAML, where YAML would take only part of it, or for something hardly meant.
    """
    bare = text.strip()
    if not bare:
        return text
    lines = bare.count("\n") + 1
    start = "YAML reads this as a document's marker" if _MARKER.match(bare) else _STARTS.get(bare[0])
    if lines == 1 and start:
        raise _to_be_quoted(start, text, name)
    try:
        node = parse_yaml(Source(name=name, text=text))
    except InvalidInputError as error:
        raise InvalidInputError(*(_advised(each, bare, name) for each in error.diagnostics)) from None
    why = _misread(node, text, lines)
    if why:
        raise _to_be_quoted(why, text, name, _if_meant(node, bare, name))
    value = plain(node)
    if isinstance(declared, str) and isinstance(value, (bool, int, float)) and str(value) != bare:
        why = f"the spec has a text here, and YAML reads this as {'a boolean' if isinstance(value, bool) else value}"
        raise _to_be_quoted(why, text, name)
    return value


def _misread(node: Node, text: str, lines: int) -> str:
    """Say how YAML takes a value for less, or something else, than was typed; nothing where it does not."""
    bare = text.strip()
    if isinstance(node, Scalar) and not node.style:
        return _misread_text(node, bare)
    if lines > 1:
        return ""  # the text of a file, where comments, blocks and lists with dashes are meant
    if not isinstance(node, Scalar) and not bare.startswith(("[", "{")):
        return f"YAML reads this as a {'mapping' if isinstance(node, Mapping) else 'list'}"
    rest = text[node.end_column :].strip()
    return f"YAML takes {_shown(rest)} for a comment" if rest else ""


def _misread_text(node: Scalar, bare: str) -> str:
    if node.value is None:
        return "YAML reads this as nothing (null)"
    if node.text == bare:
        return ""
    if bare.startswith(node.text):
        return f"YAML takes {_shown(bare.removeprefix(node.text).strip())} for a comment"
    return "YAML makes one line of this"


def _to_be_quoted(why: str, text: str, name: str, otherwise: str = "") -> InvalidInputError:
    first, _, _ = text.partition("\n")
    source = Source(name=name, text=text)
    span = Span(source=source, line=1, column=1, end_line=1, end_column=len(first) + 1)
    hint = f"quote it: {given_as(_in_quotes(text.strip()), name)}{otherwise}"
    return InvalidInputError(Diagnostic(summary=_SUMMARY, detail=why, span=span, hint=hint))


def _if_meant(node: Node, bare: str, name: str) -> str:
    """Return how else to give what YAML reads as a list, a mapping or nothing, where that was meant."""
    if isinstance(node, Scalar):
        return "; if nothing is meant, say so in a --var-file" if node.value is None else ""
    if bare.startswith(("[", "{")):
        return ""
    kind, inner = ("mapping", f"{{{bare}}}") if isinstance(node, Mapping) else ("list", f"[{bare[1:].strip()}]")
    return f"; if a {kind} is meant: {given_as(inner, name)}"


def _advised(fault: Diagnostic, bare: str, name: str) -> Diagnostic:
    """Return a fault of YAML with what to type instead."""
    quoted = given_as(_in_quotes(bare), name)
    if bare.startswith(("[", "{")):
        example = '{a: "#ff0000"}' if bare[0] == "{" else '["#ff0000"]'
        hint = f"close it, and quote the texts in it, as in {example}; or, as one text: {quoted}"
        return replace(fault, hint=hint) if fault.summary in ("not YAML", "unknown alias") else fault
    return replace(fault, summary=_SUMMARY, hint=f"quote it: {quoted}")


def given_as(value: str, name: str) -> str:
    """Return an option or environment variable with a value, as it is typed in the shell of this system."""
    before, _, variable = name.rpartition(" ")
    if _WINDOWS and _PLAIN_ON_WINDOWS.fullmatch(value):
        return f'set "{name}={value}"' if name.startswith(ENVIRONMENT_PREFIX) else f'{before} "{variable}={value}"'
    if name.startswith(ENVIRONMENT_PREFIX):
        return f"{name}={shlex.quote(value)}"
    return f"{before} {shlex.quote(f'{variable}={value}')}"


def _in_quotes(text: str) -> str:
    if _WINDOWS and "\n" not in text:
        return "'" + text.replace("'", "''") + "'"
    return json.dumps(text, ensure_ascii=False)


def _shown(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
