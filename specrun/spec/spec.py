"""The spec as read: structure checked, templates not yet evaluated."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from specrun.canonical import Json
from specrun.diagnostics import Source, Span
from specrun.model.project import Budget
from specrun.model.provenance import ProvenanceSettings
from specrun.spec.nodes import Node, Scalar
from specrun.spec.text import Text

# What templates find beside the axes; no axis may take these names.
RESERVED = frozenset(("vars", "job", "prompt", "model", "sample", "index", "key", "seed", "ext"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Params:
    """Parameters as written in one layer: name to its key and value."""

    entries: Mapping[str, tuple[Scalar, Node]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Alias:
    """A name for a model, with the params that only it takes."""

    name: str
    model: Text
    params: Params


@dataclass(frozen=True, kw_only=True, slots=True)
class AxisSpec:
    """One named list of values: written out, or an expression that gives a list; `label` names each value."""

    name: str
    values: Node
    label: Text | None
    span: Span


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """A partial cell: axis names to values."""

    entries: Mapping[str, tuple[Scalar, Node]]
    span: Span


@dataclass(frozen=True, kw_only=True, slots=True)
class Override:
    """Params, or protection, for the cells that match."""

    match: Match
    params: Params
    protect: bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One entry under `jobs`. Exactly one of `prompt` and `prompts` is set, and of `model` and `models`."""

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Spec:
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
