"""A spec's variables: what each is, and who said so."""

import json
from collections.abc import Iterator, Mapping

from specrun.report import inert
from specrun.report.ink import PLAIN, Ink, Role
from specrun.report.words import value
from specrun.spec.vars import Variable


def vars_lines(variables: Mapping[str, Variable], ink: Ink = PLAIN) -> Iterator[str]:
    """Return each variable with its winner, and below it whom that beat."""
    for variable in variables.values():
        name = ink(inert.line(variable.name), Role.STRONG)
        yield f"{name} = {value(variable.value)}  {ink(inert.line(variable.origin), Role.QUIET)}"
        for origin, beaten in reversed(variable.overridden):
            yield f"  {ink('not', Role.QUIET)} {value(beaten)}  {ink(inert.line(origin), Role.QUIET)}"
    if not variables:
        yield "The spec has no variables."


def vars_json(variables: Mapping[str, Variable]) -> str:
    """Return the same as one JSON document."""
    document = {
        "format_version": "1.0",
        "vars": [
            {
                "name": variable.name,
                "value": variable.value,
                "origin": variable.origin,
                "overridden": [{"origin": origin, "value": beaten} for origin, beaten in variable.overridden],
            }
            for variable in variables.values()
        ],
    }
    return inert.json_text(json.dumps(document, ensure_ascii=False, indent=2)) + "\n"
