"""The chaos file: a YAML list of rules."""

from pathlib import Path

from specrun.diagnostics import Collector, did_you_mean
from specrun.server.chaos import Rule, Trouble
from specrun.spec.nodes import Node, Scalar
from specrun.spec.reader import Reader, entries
from specrun.spec.yaml import load_yaml

_FIELDS = ("trouble", "match", "rate", "seed", "times", "retry_after")
_ERROR_STATUSES = range(400, 600)


def load_chaos(path: Path) -> tuple[Rule, ...]:
    """Read a chaos file; raises `InvalidInputError` with every fault in it."""
    faults = Collector()
    read = Reader(faults)
    items = read.sequence(load_yaml(path, path.as_posix()), "a chaos file") or ()
    rules = [rule for item in items if (rule := _rule(read, item)) is not None]
    faults.stop_on_errors()
    return tuple(rules)


def _rule(read: Reader, node: Node) -> Rule | None:
    fields = read.fields(node, "a rule", _FIELDS)
    if fields is None:
        return None
    trouble = fields.get("trouble")
    if trouble is None:
        read.fail(node, "missing key", "the rule names no trouble", f"add trouble: {_known()}")
        return None
    kind, status = _trouble(read, trouble)
    match = fields.get("match")
    patterns = {
        name: value.text if isinstance(value, Scalar) else read.text(value, f"match.{name}") or ""
        for name, _, value in entries(None if match is None else read.mapping(match, "match"))
    }
    seed, times, retry_after = fields.get("seed"), fields.get("times"), fields.get("retry_after")
    return Rule(
        trouble=kind,
        status=status,
        match=patterns,
        rate=_rate(read, fields.get("rate")),
        seed=0 if seed is None else read.integer(seed, "seed", minimum=0) or 0,
        times=None if times is None else read.integer(times, "times"),
        retry_after=None if retry_after is None else read.number(retry_after, "retry_after", above=-1),
    )


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
    rate = read.number(node, "rate", above=-1e-9)
    if rate is not None and rate > 1:
        read.fail(node, "value out of range", f"rate is {rate}; it is a share from 0 to 1")
    return rate or 0.0


def _known() -> str:
    names = ", ".join(trouble.value for trouble in Trouble if trouble is not Trouble.STATUS)
    return f"a status from 400 to 599, or {names}"
