"""A job's axes: the values to cross, and how each is called."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from specrun.canonical import canonical
from specrun.catalog.models import Catalog
from specrun.catalog.schema import ModelSchema
from specrun.diagnostics import Collector, Diagnostic, Severity, Span, did_you_mean
from specrun.plan.bounds import IMAGES, describe
from specrun.plan.compile import Compiler
from specrun.plan.labels import jsonable, label_of, quoted
from specrun.plan.template import EvaluationError, Scope, evaluate, join
from specrun.spec.spec import Alias, AxisSpec, Job, Spec
from specrun.spec.text import Text

_SHOWN = 12
_MOST_COMPARED = 10_000


class Axis(msgspec.Struct):
    """One axis: what templates see of each value, and its label. `crossed` values are crossed; `include` adds more.

    `label` names a value that is added; it raises `EvaluationError`.
    """

    name: str
    span: Span
    values: list[Any]
    labels: list[str]
    label: Callable[[Any], str] = label_of
    crossed: int = 0

    def __post_init__(self) -> None:
        self.crossed = len(self.values)

    def add(self, value: Any) -> int:
        """Take up a value that only `include` has, and return which one it is."""
        self.labels.append(self.label(value))
        self.values.append(value)
        return len(self.values) - 1

    def index_of(self, wanted: Any) -> int | None:
        """Return which value has this label or is this value."""
        for index, (value, label) in enumerate(zip(self.values, self.labels, strict=True)):
            if same(wanted, value, label):
                return index
        return None

    def matching(self, wanted: Any) -> frozenset[int]:
        """Return which values a match entry means: by label, by value, mappings in part."""
        return frozenset(
            index
            for index, (value, label) in enumerate(zip(self.values, self.labels, strict=True))
            if matches(wanted, value, label)
        )

    def near(self, wanted: Any) -> str:
        """Return a hint for a match entry that means no value."""
        if isinstance(wanted, Mapping):
            keys = {key for value in self.values if isinstance(value, Mapping) for key in value}
            unknown = next((key for key in wanted if key not in keys), None)
            if unknown is not None and keys:
                return did_you_mean(str(unknown), keys) or f"the keys are {_listed(sorted(keys))}"
        return did_you_mean(label_of(wanted), self.labels[:_MOST_COMPARED]) or f"its values: {_listed(self.labels)}"


class ModelChoice(msgspec.Struct, frozen=True, kw_only=True):
    """A model as a job names it: the alias or id, and the schema it means."""

    name: str
    alias: str | None
    schema: ModelSchema


def same(wanted: Any, value: Any, label: str) -> bool:
    """Whether a value as written means this value of an axis."""
    if isinstance(wanted, (str, int, float)) and label_of(wanted) == label:
        return True
    if isinstance(value, IMAGES):
        return bool(wanted == value)
    return canonical(jsonable(wanted)) == canonical(jsonable(value))


def matches(wanted: Any, value: Any, label: str) -> bool:
    """Whether a match entry means this value: as `same`, a list by any member, a mapping if all it names agrees."""
    if isinstance(wanted, Mapping) and isinstance(value, Mapping):
        return all(key in value and matches(item, value[key], label_of(value[key])) for key, item in wanted.items())
    if same(wanted, value, label):
        return True
    return isinstance(wanted, list) and any(matches(item, value, label) for item in wanted)


def _listed(labels: Sequence[str]) -> str:
    return ", ".join(map(quoted, labels[:_SHOWN])) + (", …" if len(labels) > _SHOWN else "")


class AxisReader:
    """Evaluates the axes of one spec's jobs."""

    def __init__(
        self, spec: Spec, catalog: Catalog, compiler: Compiler, origin: Callable[[Any], str], faults: Collector
    ) -> None:
        self._spec = spec
        self._catalog = catalog
        self._compiler = compiler
        self._origin = origin
        self._faults = faults

    def models(self, job: Job, scope: Scope) -> tuple[ModelChoice, ...]:
        """Return the models that a job asks; faulty ones are left out."""
        texts = job.models if job.models is not None else () if job.model is None else (job.model,)
        choices = [self._model(text, scope) for text in texts]
        return tuple(choice for choice in choices if choice is not None)

    def axes(self, job: Job, models: tuple[ModelChoice, ...], scope: Scope) -> list[Axis] | None:
        """Return the axes in address order: prompt, model, the matrix; None where one of them is faulty."""
        axes: list[Axis | None] = []
        if job.prompts is not None:
            names = [str(name.value) for name in job.prompts]
            axes.append(Axis("prompt", job.prompts[0].span if job.prompts else job.span, list(names), names))
        if job.models is not None:
            names = [choice.name for choice in models]
            axes.append(Axis("model", job.models[0].span if job.models else job.span, list(names), names))
        others = {axis.name: "axes do not know each other; pick cells with `where` or `exclude`" for axis in job.axes}
        axes.extend(self._axis(axis, scope, others) for axis in job.axes)
        found = [axis for axis in axes if axis is not None]
        sound = len(found) == len(axes) and not job.unread
        return [self._distinct(axis) for axis in found] if sound else None

    def aliased(self, alias: Alias, scope: Scope) -> ModelChoice | None:
        """Return the model that an alias means; None after saying what is wrong with it."""
        target = self._joined(alias.model, scope)
        return None if target is None else self._known(alias.name, target, alias.name, alias.model.span)

    def _model(self, text: Text, scope: Scope) -> ModelChoice | None:
        name = self._joined(text, scope)
        if name is None:
            return None
        if name not in self._spec.models:
            return self._known(name, name, None, text.span)
        alias = self._spec.models[name]
        return None if alias is None else self.aliased(alias, scope)

    def _joined(self, text: Text, scope: Scope) -> str | None:
        try:
            return join(self._compiler.text(text), scope)
        except EvaluationError as error:
            self._faults.extend(error.explained(scope))
            return None

    def _known(self, name: str, target: str, alias: str | None, span: Span) -> ModelChoice | None:
        schema = self._catalog.find(target)
        if schema is not None:
            return ModelChoice(name=name, alias=alias, schema=schema)
        near = [*self._catalog.nearest(target)[:1]]
        hint = f'did you mean "{near[0]}"?' if near else did_you_mean(target, self._spec.models)
        self._faults.add(
            Diagnostic(
                summary="unknown model",
                detail=f'no model is called "{target}"',
                span=span,
                hint=hint or "run `specrun models` for the ids, or name an alias under the spec's `models`",
            )
        )
        return None

    def _axis(self, axis: AxisSpec, scope: Scope, others: Mapping[str, str]) -> Axis | None:
        if axis.values is None:
            return Axis(axis.name, axis.span, [], [])
        try:
            values = evaluate(self._compiler.value(axis.values), scope)
        except EvaluationError as error:
            self._faults.extend(error.explained(scope, others))
            return None
        if not isinstance(values, list):
            hint = "an axis takes a list; write [a, b], or an expression that gives one"
            detail = f"axis {axis.name} is {describe(values)}, not a list"
            self._fault("wrong type", detail, axis.values.span, hint)
            return None
        if not values:
            warning = f"axis {axis.name} has no values, so its job makes nothing"
            self._faults.add(
                Diagnostic(summary="empty axis", detail=warning, span=axis.span, severity=Severity.WARNING)
            )
        label = self._labelling(axis, scope)
        try:
            labels = [label(value) for value in values]
        except EvaluationError as error:
            self._faults.extend(error.explained({axis.name: values[0] if values else None, **scope}))
            return None
        return Axis(axis.name, axis.span, list(values), labels, label)

    def _labelling(self, axis: AxisSpec, scope: Scope) -> Callable[[Any], str]:
        if axis.label is None:
            return label_of
        template = self._compiler.text(axis.label)
        return lambda value: join(template, {**scope, axis.name: value})

    def _distinct(self, axis: Axis) -> Axis:
        """Return the axis without the values that are called like an earlier one, after saying so."""
        first = {label: index for index, label in reversed([*enumerate(axis.labels)])}
        twins = [(first[label], index) for index, label in enumerate(axis.labels) if first[label] != index]
        if not twins:
            return axis
        one, other = twins[0]
        more = f"; {len(twins) - 1:,} more like that" if len(twins) > 1 else ""
        places = [self._origin(axis.values[index]) for index in (one, other)]
        where = f": {places[0]}, and {places[1]}" if all(places) else ""
        both = f"values {one + 1} and {other + 1} of axis {axis.name} are both called {quoted(axis.labels[one])}"
        detail = f"{both}{where}{more}"
        hint = 'remove one, or name them apart: {values: …, label: "{{ … }}"}'
        self._fault("two runs with one address", detail, axis.span, hint)
        kept = sorted(first.values())
        values, labels = [axis.values[index] for index in kept], [axis.labels[index] for index in kept]
        return Axis(axis.name, axis.span, values, labels, axis.label)

    def _fault(self, summary: str, detail: str, span: Span, hint: str = "") -> None:
        self._faults.add(Diagnostic(summary=summary, detail=detail, span=span, hint=hint))
