"""The runs of a job that share model, prompt and overrides: params resolved, seeds derived, keys taken."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from specrun.canonical import canonical
from specrun.catalog.schema import ModelSchema
from specrun.diagnostics import Diagnostic, Span
from specrun.model.inputs import Param, recipe_param
from specrun.plan.columns import Cell, Column, Grid, TextColumn
from specrun.plan.faults import Failed
from specrun.plan.params import TRANSPORT, Resolved, Written, check_param, resolve_param
from specrun.plan.pins import Pins, explicit_text
from specrun.plan.recipe import RecipeWriter, sample_seed
from specrun.plan.template import Compiler, Constant, EvaluationError, Joined, names_in


@dataclass(frozen=True, slots=True)
class Recipe:
    """What one cell asks for."""

    params: Mapping[str, Param]
    defaults: tuple[str, ...]
    response_format: str | None
    seed: int | None
    key: str | None
    schema_digest: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """What the runs of one group share."""

    provider: str
    model: ModelSchema
    revision: int
    prompt: Joined
    written: Mapping[str, Written]
    span: Span


class RecipeMaker:
    """Makes the recipes of one group of runs; every parameter is a column, evaluated and checked once a value."""

    def __init__(self, kind: Kind, grid: Grid, compiler: Compiler, pins: Pins) -> None:
        self._kind = kind
        self._pins = pins
        self._prompt = TextColumn(grid, kind.prompt)
        self._checked_prompts: dict[str, Resolved | Failed] = {}
        self._checked_bodies: dict[str, Failed | None] = {}
        self._columns = {
            name: self._column(grid, compiler, written)
            for name, written in kind.written.items()
            if name in kind.model.properties
        }
        self._defaults = {
            name: check_param(value, name, kind.model, Constant(value=value, span=kind.span))
            for name, value in kind.model.defaults.items()
            if name not in self._columns and name not in (TRANSPORT, "seed")
        }
        names = {"prompt", *self._columns, *self._defaults} - {TRANSPORT, "seed"}
        self._writer = self._recipe_writer(names)
        self.axes = frozenset(self._prompt.axes).union(*(column.axes for column in self._columns.values()))

    def make(self, cell: Cell, sample: int) -> Recipe | Failed:
        """Return the recipe of one cell, or everything that is wrong with its params."""
        resolved: dict[str, Resolved] = dict(self._defaults)
        failed: list[Diagnostic] = []
        prompt = self._prompt_at(cell)
        for name, found in (("prompt", prompt), *((name, column.at(cell)) for name, column in self._columns.items())):
            if isinstance(found, Failed):
                failed.extend(found.diagnostics)
            else:
                resolved[name] = found
        if failed:
            return Failed(tuple(failed))
        transport = resolved.pop(TRANSPORT, None)
        explicit = resolved.pop("seed", None)
        earlier = self._pinned(resolved, explicit, sample)
        recipe = earlier or self._recipe(self._writer, resolved, explicit, sample, tuple(self._defaults))
        wrong = None if self._kind.model.separable else self._body_fault(recipe)
        if wrong is not None:
            return wrong
        return recipe if transport is None else _with_transport(recipe, transport)

    def _recipe(
        self,
        writer: RecipeWriter,
        resolved: Mapping[str, Resolved],
        explicit: Resolved | None,
        sample: int,
        defaults: tuple[str, ...],
    ) -> Recipe:
        model = self._kind.model
        params = {name: found.value for name, found in resolved.items()}
        texts = {name: found.text for name, found in resolved.items() if found.text is not None}
        seed = None
        if model.has_seed:
            known = {name: text for name, text in texts.items() if name not in model.inputs}
            written = None if explicit is None else explicit.value
            seed = writer.seed(known, sample) if written in (None, -1) else sample_seed(int(str(written)), sample)
            params["seed"] = seed
            texts["seed"] = str(seed)
        complete = len(texts) == len(params)
        key = writer.key(texts, None if model.has_seed else sample) if complete else None
        return Recipe(params, defaults, None, seed, key, model.digest)

    def _pinned(self, resolved: Mapping[str, Resolved], explicit: Resolved | None, sample: int) -> Recipe | None:
        """Return the recipe with the defaults it was locked with, where only the schema has moved since."""
        kind = self._kind
        earlier = self._pins.earlier(kind.model.id, kind.model.digest)
        if not earlier:
            return None
        own = {name: found for name, found in resolved.items() if name not in self._defaults}
        said = {name: recipe_param(found.value) for name, found in own.items()}
        row = earlier.get(explicit_text(said, kind.provider, kind.revision, sample))
        if row is None:
            return None
        then = {name: Resolved(row.params[name], canonical(row.params[name])) for name in row.defaults}
        writer = self._recipe_writer({*own, *then})
        recipe = self._recipe(writer, own | then, explicit, sample, row.defaults)
        if recipe.key != row.key:
            return None
        return Recipe(recipe.params, row.defaults, None, recipe.seed, recipe.key, row.schema_digest)

    def _recipe_writer(self, names: set[str]) -> RecipeWriter:
        kind = self._kind
        seeded = ("seed",) if kind.model.has_seed else ()
        return RecipeWriter(kind.provider, kind.model.id, kind.revision, (*names, *seeded), kind.model.inputs)

    def _column(self, grid: Grid, compiler: Compiler, written: Written) -> Column[Resolved]:
        value = compiler.value(written.node)
        model, urls = self._kind.model, self._pins.urls
        return Column(grid, names_in(value), lambda scope: resolve_param(value, written.name, model, scope, urls))

    def _prompt_at(self, cell: Cell) -> Resolved | Failed:
        text = self._prompt.at(cell)
        if isinstance(text, Failed):
            return text
        found = self._checked_prompts.get(text)
        if found is None:
            try:
                found = check_param(text, "prompt", self._kind.model, Constant(value=text, span=self._kind.prompt.span))
            except EvaluationError as error:
                found = Failed((error.diagnostic,))
            self._checked_prompts[text] = found
        return found

    def _body_fault(self, recipe: Recipe) -> Failed | None:
        """Check a whole body, for schemas whose params depend on each other."""
        known = recipe.key or canonical({name: recipe_param(value) for name, value in recipe.params.items()})
        if known not in self._checked_bodies:
            from specrun.catalog.validate import faults as body_faults  # noqa: PLC0415 - 200 ms few schemas need

            found = tuple(
                Diagnostic(summary=fault.summary, detail=fault.detail, span=self._span(fault.path), hint=fault.hint)
                for fault in body_faults(self._kind.model, recipe.params)
            )
            self._checked_bodies[known] = Failed(found) if found else None
        return self._checked_bodies[known]

    def _span(self, path: tuple[Any, ...]) -> Span:
        written = self._kind.written.get(str(path[0])) if path else None
        return self._kind.span if written is None else written.node.span


def _with_transport(recipe: Recipe, transport: Resolved) -> Recipe:
    return Recipe(recipe.params, recipe.defaults, str(transport.value), recipe.seed, recipe.key, recipe.schema_digest)
