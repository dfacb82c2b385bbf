"""The chaos file: a YAML list of rules."""

import math
from collections.abc import Collection
from pathlib import Path

from specrun.catalog.models import Catalog
from specrun.diagnostics import Collector, did_you_mean
from specrun.server.chaos import Rule, Trouble
from specrun.spec.nodes import Node, Scalar
from specrun.spec.reader import Reader, entries
from specrun.spec.yaml import load_yaml

_FIELDS = ("trouble", "match", "rate", "seed", "times", "retry_after")
_ERROR_STATUSES = range(400, 600)


def load_chaos(path: Path, catalog: Catalog) -> tuple[Rule, ...]:
    """Read a chaos file for the models of a catalogue; raises `InvalidInputError` with every fault in it."""
    faults = Collector()
    models = catalog.models.values()
    named = {"model", *(name for model in models for name in model.properties)}
    known = named if all(model.closed for model in models) else None
    read = Reader(faults)
    items = read.sequence(load_yaml(path, path.as_posix()), "a chaos file") or ()
    rules = [rule for item in items if (rule := _rule(read, item, known)) is not None]
    faults.stop_on_errors()
    return tuple(rules)


def _rule(read: Reader, node: Node, known: Collection[str] | None) -> Rule | None:
    fields = read.fields(node, "a rule", _FIELDS)
    if fields is None:
        return None
    trouble = fields.get("trouble")
    if trouble is None or (isinstance(trouble, Scalar) and trouble.value is None):
        read.fail(node, "missing key", "the rule names no trouble", f"add trouble: {_known()}")
        return None
    kind, status = _trouble(read, trouble)
    seed, times, retry_after = fields.get("seed"), fields.get("times"), fields.get("retry_after")
    if retry_after is not None and kind is not Trouble.STATUS:
        read.fail(retry_after, "unfitting key", f"retry_after goes with a status, and not with {kind.value}")
    return Rule(
        trouble=kind,
        status=status,
        match=_patterns(read, fields.get("match"), known),
        rate=_rate(read, fields.get("rate")),
        seed=0 if seed is None else read.integer(seed, "seed", minimum=0) or 0,
        times=None if times is None else read.integer(times, "times"),
        retry_after=None if retry_after is None else _within(read, retry_after, "retry_after", None),
    )


def _patterns(read: Reader, node: Node | None, known: Collection[str] | None) -> dict[str, str]:
    """Read patterns by parameter; `known` are the parameters that any model has, None where a model takes others."""
    patterns = {}
    for name, key, value in entries(None if node is None else read.mapping(node, "match")):
        if known is not None and name not in known:
            hint = did_you_mean(name, known) or "`specrun models ID` shows a model's parameters"
            read.fail(
                key, "unknown parameter", f'no model has a parameter "{name}", so the rule would fit nothing', hint
            )
        patterns[name] = value.text if isinstance(value, Scalar) else read.text(value, f"match.{name}") or ""
    return patterns


def _trouble(read: Reader, node: Node) -> tuple[Trouble, int]:
    """Read an HTTP status or the name of another trouble."""
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(value, int) and value in _ERROR_STATUSES:
        return Trouble.STATUS, value
    names = [trouble.value for trouble in Trouble if trouble is not Trouble.STATUS]
    if value in names:
        return Trouble(value), 0
    hint = did_you_mean(str(value), names) or f"use {_known()}"
    read.fail(node, "unknown trouble", f'"{value}" is no trouble that can be rehearsed', hint)
    return Trouble.STATUS, 0


def _rate(read: Reader, node: Node | None) -> float:
    if node is None:
        return 1.0
    return _within(read, node, "rate", 1) or 0.0


def _within(read: Reader, node: Node, what: str, most: int | None) -> float | None:
    """Read a number from 0 to `most`."""
    number = read.number(node, what, above=-math.inf)
    if number is not None and not 0 <= number <= (math.inf if most is None else most):
        span = "0 or more" if most is None else f"from 0 to {most}"
        read.fail(node, "value out of range", f"{what} is {number}; it is a number {span}")
    return number


def _known() -> str:
    names = ", ".join(trouble.value for trouble in Trouble if trouble is not Trouble.STATUS)
    return f"a status from 400 to 599, or {names}"
