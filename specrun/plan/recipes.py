"""The runs of a job that share model, prompt and overrides: params resolved, seeds derived, keys taken."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from specrun.canonical import canonical
from specrun.catalog.schema import ModelSchema
from specrun.diagnostics import Diagnostic, Span
from specrun.model.inputs import Param, recipe_param
from specrun.plan.columns import Cell, Column, Grid, TextColumn
from specrun.plan.compile import Compiler
from specrun.plan.faults import Failed, together
from specrun.plan.params import TRANSPORT, Resolved, check_param, resolve_param
from specrun.plan.pins import Pins, explicit_text
from specrun.plan.recipe import RecipeWriter, sample_seed
from specrun.plan.takes import Written
from specrun.plan.template import Constant, EvaluationError, Joined, names_in


class Recipe(msgspec.Struct, frozen=True, gc=False):
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
    """Makes the recipes of one group of runs; every parameter is a column, evaluated and checked once a value.

    Params that are the same in all of the group's cells are resolved, and written into the splice, only once.
    """

    def __init__(self, kind: Kind, grid: Grid, compiler: Compiler, pins: Pins) -> None:
        self._kind = kind
        self._pins = pins
        self._prompt = TextColumn(grid, kind.prompt)
        self._checked_prompts: dict[str, Resolved | Failed] = {}
        self._checked_bodies: dict[str, Failed | None] = {}
        columns = {
            name: self._column(grid, compiler, written)
            for name, written in kind.written.items()
            if name in kind.model.properties
        }
        self.axes = frozenset(self._prompt.axes).union(*(column.axes for column in columns.values()))
        self._transport = columns.pop(TRANSPORT, None)
        self._seed = columns.pop("seed", None)
        self._defaults = {
            name: check_param(value, name, kind.model, Constant(value=value, span=kind.span))
            for name, value in kind.model.defaults.items()
            if name not in columns and name not in (TRANSPORT, "seed")
        }
        self._fixed: dict[str, Resolved] = dict(self._defaults)
        self._varying: list[tuple[str, Column[Resolved]]] = []
        self._sort_out(columns)
        self._fixed_values = {name: found.value for name, found in self._fixed.items()}
        self._fixed_complete = all(found.text is not None for found in self._fixed.values())
        self._writer = self._recipe_writer({"prompt", *columns, *self._defaults}, self._fixed)

    def make(self, cell: Cell, sample: int) -> Recipe | Failed:
        """Return the recipe of one cell, or everything that is wrong with its params."""
        varying: dict[str, Resolved] = {}
        failed: list[Failed] = []
        prompt = self._prompt_at(cell)
        if isinstance(prompt, Failed):
            failed.append(prompt)
        else:
            varying["prompt"] = prompt
        for name, column in self._varying:
            found = column.at(cell)
            if isinstance(found, Failed):
                failed.append(found)
            else:
                varying[name] = found
        explicit = None if self._seed is None else self._seed.at(cell)
        transport = None if self._transport is None else self._transport.at(cell)
        failed += [single for single in (explicit, transport) if isinstance(single, Failed)]
        if failed or isinstance(explicit, Failed) or isinstance(transport, Failed):
            return together(failed)
        recipe = self._pinned(varying, explicit, sample) or self._own(varying, explicit, sample)
        wrong = None if self._kind.model.separable else self._body_fault(recipe)
        if wrong is not None:
            return wrong
        return recipe if transport is None else _with_transport(recipe, transport)

    def _sort_out(self, columns: Mapping[str, Column[Resolved]]) -> None:
        """Part the params that no axis changes from those that vary; a faulty one stays where each cell meets it."""
        for name, column in columns.items():
            found = None if column.axes else column.at(())
            if found is None or isinstance(found, Failed):
                self._varying.append((name, column))
            else:
                self._fixed[name] = found

    def _own(self, varying: Mapping[str, Resolved], explicit: Resolved | None, sample: int) -> Recipe:
        """Return the recipe by the schema as it stands."""
        params = dict(self._fixed_values)
        texts: dict[str, str] = {}
        complete = self._fixed_complete
        for name, found in varying.items():
            params[name] = found.value
            texts[name] = found.text or "null"
            complete = complete and found.text is not None
        model = self._kind.model
        return self._recipe(
            self._writer, params, texts, explicit, sample, complete, tuple(self._defaults), model.digest
        )

    def _recipe(
        self,
        writer: RecipeWriter,
        params: dict[str, Param],
        texts: dict[str, str],
        explicit: Resolved | None,
        sample: int,
        complete: bool,
        defaults: tuple[str, ...],
        schema_digest: str,
    ) -> Recipe:
        seed = None
        if self._kind.model.has_seed:
            written = None if explicit is None else explicit.value
            seed = writer.seed(texts, sample) if written in (None, -1) else sample_seed(int(str(written)), sample)
            params["seed"] = seed
            texts["seed"] = str(seed)
        key = writer.key(texts, sample if seed is None else None) if complete else None
        return Recipe(params, defaults, None, seed, key, schema_digest)

    def _pinned(self, varying: Mapping[str, Resolved], explicit: Resolved | None, sample: int) -> Recipe | None:
        """Return the recipe with the defaults it was locked with, where only the schema has moved since."""
        kind = self._kind
        earlier = self._pins.earlier(kind.model.id, kind.model.digest)
        if not earlier:
            return None
        own = {name: found for name, found in self._fixed.items() if name not in self._defaults} | dict(varying)
        said = {name: recipe_param(found.value) for name, found in own.items()}
        row = earlier.get(explicit_text(said, kind.provider, kind.revision, sample))
        if row is None:
            return None
        then = {name: Resolved(row.params[name], canonical(row.params[name])) for name in row.defaults}
        params = {name: found.value for name, found in (own | then).items()}
        texts = {name: found.text for name, found in (own | then).items() if found.text is not None}
        writer = self._recipe_writer(set(params), {})
        complete = len(texts) == len(params)
        recipe = self._recipe(writer, params, texts, explicit, sample, complete, row.defaults, row.schema_digest)
        return recipe if recipe.key == row.key else None

    def _recipe_writer(self, names: set[str], fixed: Mapping[str, Resolved]) -> RecipeWriter:
        kind = self._kind
        seeded = ("seed",) if kind.model.has_seed else ()
        texts = {name: found.text or "null" for name, found in fixed.items()}
        return RecipeWriter(kind.provider, kind.model.id, kind.revision, (*names, *seeded), kind.model.inputs, texts)

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
                found = Failed(error.explained(()))
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
