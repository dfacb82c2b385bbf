"""Selectors: addresses with wildcards, job names, `axis=value`."""

import re
from collections.abc import Iterable
from typing import Protocol

import msgspec

from specrun.diagnostics import Diagnostic, UsageError, nearest


class Selectable(Protocol):
    """What a selector chooses from: a run that is wanted, or one that is locked."""

    @property
    def address(self) -> str:
        """The run's name for people."""

    @property
    def job(self) -> str:
        """The name of its job."""

    @property
    def axes(self) -> tuple[tuple[str, str], ...]:
        """Its axes, each with its label."""


class Selector(msgspec.Struct, frozen=True):
    """One `--target` or `--replace`; `*` and `?` are the only wildcards."""

    text: str

    def matches(self, run: Selectable) -> bool:
        """Whether the run is meant."""
        if self.text == run.job or _wild(self.text).fullmatch(run.address):
            return True
        axis, equals, label = self.text.partition("=")
        return (
            bool(equals)
            and "[" not in axis
            and any(name == axis and _wild(_unquoted(label)).fullmatch(value) for name, value in run.axes)
        )


def select(selectors: Iterable[str], runs: Iterable[Selectable], option: str) -> frozenset[str]:
    """Return the addresses that any selector means; raise `UsageError` for one that means none."""
    known = list(runs)
    chosen: set[str] = set()
    for text in selectors:
        selector = Selector(text)
        found = {run.address for run in known if selector.matches(run)}
        if not found:
            raise UsageError(_nothing(text, known, option))
        chosen |= found
    return frozenset(chosen)


def _nothing(text: str, runs: list[Selectable], option: str) -> Diagnostic:
    names = {run.job for run in runs} | {run.address for run in runs[:10_000]}
    names |= {f"{name}={label}" for run in runs[:10_000] for name, label in run.axes}
    near = nearest(text, names, limit=3)
    hint = f"near: {', '.join(near)}" if near else "run `specrun plan --full SPEC` for the addresses"
    return Diagnostic(summary="nothing selected", detail=f'{option} "{text}" matches no run', hint=hint)


def _wild(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def _unquoted(label: str) -> str:
    return label[1:-1] if len(label) > 1 and label[0] == label[-1] == '"' else label
