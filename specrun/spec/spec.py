"""The spec as read: structure checked, templates not yet evaluated."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from specrun.canonical import Json
from specrun.diagnostics import Source, Span
from specrun.model.project import Budget
from specrun.model.provenance import ProvenanceSettings
from specrun.spec.nodes import Node, Scalar
from specrun.spec.text import Text

# What templates find beside the axes; no axis may take these names.
RESERVED = frozenset(("vars", "job", "prompt", "model", "sample", "index", "key", "seed", "ext"))


class Params(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters as written in one layer: name to its key and value."""

    entries: Mapping[str, tuple[Scalar, Node]] = msgspec.field(default_factory=dict)


class Alias(msgspec.Struct, frozen=True, kw_only=True):
    """A name for a model, with the params that only it takes."""

    name: str
    model: Text
    params: Params


class AxisSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One named list of values: written out, or an expression that gives a list; `label` names each value.

    Without `values` there are only those that `include` names.
    """

    name: str
    values: Node | None
    label: Text | None
    span: Span


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """A partial cell: axis names to values."""

    entries: Mapping[str, tuple[Scalar, Node]]
    span: Span


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """Params, or protection, for the cells that match."""

    match: Match
    params: Params
    protect: bool | None


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One entry under `jobs`. Exactly one of `prompt` and `prompts` is set, and of `model` and `models`.

    `unread` names the axes that are faulty, which has been said; `strange` are keys that no job has, which has not
    been said, each with the fix where its place tells it.
    """

    name: str
    span: Span
    prompt: Text | None
    prompts: tuple[Scalar, ...] | None
    model: Text | None
    models: tuple[Text, ...] | None
    axes: tuple[AxisSpec, ...]
    exclude: tuple[Match, ...]
    include: tuple[Match, ...]
    where: Scalar | None
    overrides: tuple[Override, ...]
    samples: Node | None
    revision: Node | None
    params: Params
    output: Text | None
    protect: bool
    unread: frozenset[str] = frozenset()
    strange: tuple[tuple[Scalar, str], ...] = ()


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """One spec file; a prompt or model alias that is None is named there and faulty, which has been said.

    `files` are the paths, as it names them, of the files that its prompts are in.
    """

    path: Path
    source: Source
    name: str
    provider: str | None
    provider_span: Span | None
    vars: Mapping[str, Json]
    var_spans: Mapping[str, Span]
    defaults: Params
    prompts: Mapping[str, Text | None]
    models: Mapping[str, Alias | None]
    jobs: Mapping[str, Job]
    max_runs: int
    budget: Budget | None
    provenance: ProvenanceSettings
    omit_spans: Mapping[str, Span]
    files: tuple[Path, ...]
