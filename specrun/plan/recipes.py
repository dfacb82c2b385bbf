"""The runs of a job that share model, prompt and overrides: params resolved, seeds derived, keys taken."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, cast

import msgspec
from msgspec.structs import replace

from specrun.canonical import canonical
from specrun.catalog.accept import accepts_texts
from specrun.catalog.schema import ModelSchema
from specrun.diagnostics import Diagnostic, Span
from specrun.model.inputs import Param, recipe_param
from specrun.model.lock import LockRow
from specrun.model.run import Common
from specrun.plan.columns import Batch, Column, Grid, TextColumn, failures
from specrun.plan.compile import Compiler
from specrun.plan.faults import Failed
from specrun.plan.params import TRANSPORT, Resolved, check_param, resolve_param
from specrun.plan.pins import Pins, explicit_text
from specrun.plan.recipe import RecipeWriter, sample_seed
from specrun.plan.takes import Written
from specrun.plan.template import Constant, EvaluationError, Joined, names_in

_VALUE, _TEXT = attrgetter("value"), attrgetter("text")


class Recipes(msgspec.Struct, frozen=True, kw_only=True):
    """What the cells of a batch ask for, a list a fact, an entry a cell; `values` are those of `common`'s names."""

    commons: list[Common]
    values: list[tuple[Param, ...]]
    seeds: list[int | None]
    keys: list[str | None]
    formats: list[str | None]

    def images(self) -> list[int]:
        """Return how many images each cell asks for."""
        first = self.commons[0]
        if "n" not in first.names and self.commons.count(first) == len(self.commons):
            return [_count(first, ())] * len(self.commons)
        return [_count(common, values) for common, values in zip(self.commons, self.values, strict=True)]


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """What the runs of one group are asked with; `common` says so too, as far as it is known before the params."""

    common: Common
    model: ModelSchema
    prompt: Joined
    written: Mapping[str, Written]


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
            name: check_param(value, name, kind.model, Constant(value=value, span=kind.common.span))
            for name, value in kind.model.defaults.items()
            if name not in columns and name not in (TRANSPORT, "seed")
        }
        self._fixed: dict[str, Resolved] = dict(self._defaults)
        self._varying: dict[str, Column[Resolved]] = {}
        self._sort_out(columns)
        self._complete = all(found.text is not None for found in self._fixed.values())
        self._common = replace(
            kind.common,
            names=("prompt", *self._varying),
            inputs=tuple(name for name in sorted(kind.model.inputs) if name in columns),
            fixed={name: found.value for name, found in self._fixed.items()},
            defaults=tuple(self._defaults),
        )
        self._writer = self._recipe_writer({"prompt", *columns, *self._defaults}, self._fixed)

    def make(self, batch: Batch, samples: Sequence[int]) -> Recipes | Mapping[int, Failed]:
        """Return the recipes of some cells; where any fails, instead all that is wrong with each, by its position."""
        varying: dict[str, list[Any]] = {"prompt": self._prompts(batch)}
        varying |= {name: column.all(batch) for name, column in self._varying.items()}
        explicit = None if self._seed is None else self._seed.all(batch)
        transport = None if self._transport is None else self._transport.all(batch)
        failed = failures([*varying.values(), explicit or (), transport or ()])
        if failed:
            return failed
        recipes = self._recipes(varying, explicit, samples, transport)
        self._hold_to_pins(recipes, varying, explicit, samples)
        return (None if self._kind.model.separable else self._body_faults(recipes)) or recipes

    def _sort_out(self, columns: Mapping[str, Column[Resolved]]) -> None:
        """Part the params that no axis changes from those that vary; a faulty one stays where each cell meets it."""
        for name, column in columns.items():
            found = None if column.axes else column.only()
            if found is None or isinstance(found, Failed):
                self._varying[name] = column
            else:
                self._fixed[name] = found

    def _recipes(
        self,
        varying: Mapping[str, list[Resolved]],
        explicit: list[Any] | None,
        samples: Sequence[int],
        transport: list[Any] | None,
    ) -> Recipes:
        """Return the recipes by the schema as it stands."""
        count = len(samples)
        known = {name: list(map(_TEXT, column)) for name, column in varying.items()}
        texts = {name: _written(column) for name, column in known.items()}
        seeds = self._seeds(self._writer, texts, explicit, samples)
        keys: list[str | None] = [None] * count
        if self._complete:
            keys = self._keys(self._writer, texts, seeds, samples)
            for column in known.values():
                if None in column:
                    keys = [None if text is None else key for text, key in zip(column, keys, strict=True)]
        return Recipes(
            commons=[self._common] * count,
            values=list(zip(*[map(_VALUE, column) for column in varying.values()], strict=True)),
            seeds=seeds,
            keys=keys,
            formats=[None] * count if transport is None else [str(found.value) for found in transport],
        )

    def _seeds(
        self,
        writer: RecipeWriter,
        texts: Mapping[str, Sequence[str]],
        explicit: list[Any] | None,
        samples: Sequence[int],
    ) -> list[int | None]:
        if not self._kind.model.has_seed:
            return [None] * len(samples)
        derived = writer.seeds(texts, samples)
        if explicit is None:
            return derived
        return [
            own if found.value in (None, -1) else sample_seed(int(str(found.value)), sample)
            for own, found, sample in zip(derived, explicit, samples, strict=True)
        ]

    def _keys(
        self,
        writer: RecipeWriter,
        texts: Mapping[str, Sequence[str]],
        seeds: Sequence[int | None],
        samples: Sequence[int],
    ) -> list[str | None]:
        if self._kind.model.has_seed:
            return writer.keys({**texts, "seed": list(map(str, seeds))}, len(samples))
        return writer.keys(texts, len(samples), samples)

    def _hold_to_pins(
        self,
        recipes: Recipes,
        varying: Mapping[str, list[Resolved]],
        explicit: list[Any] | None,
        samples: Sequence[int],
    ) -> None:
        """Give cells the defaults that they were locked with, where only the schema has moved since."""
        kind = self._kind
        earlier = self._pins.earlier(kind.model.id, kind.model.digest)
        if not earlier:
            return
        own = {name: found for name, found in self._fixed.items() if name not in self._defaults}
        for position, sample in enumerate(samples):
            said = own | {name: column[position] for name, column in varying.items()}
            plain = {name: recipe_param(found.value) for name, found in said.items()}
            row = earlier.get(explicit_text(plain, kind.common.provider, kind.common.revision, sample))
            if row is not None:
                self._hold(recipes, position, row, said, explicit and [explicit[position]], sample)

    def _hold(
        self,
        recipes: Recipes,
        position: int,
        row: LockRow,
        said: Mapping[str, Resolved],
        explicit: list[Any] | None,
        sample: int,
    ) -> None:
        then = {name: Resolved(row.params[name], canonical(row.params[name])) for name in row.defaults}
        found = {**said, **then}
        writer = self._recipe_writer(set(found), {})
        texts = {name: [each.text or "null"] for name, each in found.items()}
        seeds = self._seeds(writer, texts, explicit, [sample])
        known = all(each.text is not None for each in found.values())
        key = self._keys(writer, texts, seeds, [sample])[0] if known else None
        if key == row.key:
            fixed = {name: each.value for name, each in found.items()}
            recipes.commons[position] = replace(
                self._common, names=(), fixed=fixed, defaults=row.defaults, schema_digest=row.schema_digest
            )
            recipes.values[position], recipes.seeds[position], recipes.keys[position] = (), seeds[0], key

    def _recipe_writer(self, names: set[str], fixed: Mapping[str, Resolved]) -> RecipeWriter:
        common, model = self._kind.common, self._kind.model
        seeded = ("seed",) if model.has_seed else ()
        texts = {name: found.text or "null" for name, found in fixed.items()}
        return RecipeWriter(common.provider, model.id, common.revision, (*names, *seeded), model.inputs, texts)

    def _column(self, grid: Grid, compiler: Compiler, written: Written) -> Column[Resolved]:
        value = compiler.value(written.node)
        model, pins = self._kind.model, self._pins
        return Column(grid, names_in(value), lambda scope: resolve_param(value, written.name, model, scope, pins))

    def _prompts(self, batch: Batch) -> list[Resolved | Failed]:
        checked = self._checked_prompts
        texts = self._prompt.all(batch)
        new = [text for text in dict.fromkeys(texts) if isinstance(text, str) and text not in checked]
        if accepts_texts(self._kind.model, "prompt", new):
            checked.update((text, Resolved(text, canonical(text))) for text in new)
        else:
            checked.update((text, self._checked(text)) for text in new)
        return [checked[text] if isinstance(text, str) else text for text in texts]

    def _checked(self, text: str) -> Resolved | Failed:
        try:
            return check_param(text, "prompt", self._kind.model, Constant(value=text, span=self._kind.prompt.span))
        except EvaluationError as error:
            return Failed(error.explained(()))

    def _body_faults(self, recipes: Recipes) -> Mapping[int, Failed]:
        """Check whole bodies, for schemas whose params depend on each other."""
        found = {}
        for position, (common, values) in enumerate(zip(recipes.commons, recipes.values, strict=True)):
            params = common.params(values, recipes.seeds[position])
            known = recipes.keys[position] or canonical({name: recipe_param(each) for name, each in params.items()})
            if known not in self._checked_bodies:
                self._checked_bodies[known] = self._body_fault(params)
            fault = self._checked_bodies[known]
            if fault is not None:
                found[position] = fault
        return found

    def _body_fault(self, params: Mapping[str, Param]) -> Failed | None:
        from specrun.catalog.validate import faults as body_faults  # noqa: PLC0415 - 200 ms few schemas need

        found = tuple(
            Diagnostic(summary=fault.summary, detail=fault.detail, span=self._span(fault.path), hint=fault.hint)
            for fault in body_faults(self._kind.model, params)
        )
        return Failed(found) if found else None

    def _span(self, path: tuple[Any, ...]) -> Span:
        written = self._kind.written.get(str(path[0])) if path else None
        return self._kind.common.span if written is None else written.node.span


def _written(texts: list[str | None]) -> list[str]:
    """Return texts as seeds see them, which do not depend on what inputs turn out to be."""
    return [text or "null" for text in texts] if None in texts else cast("list[str]", texts)


def _count(common: Common, values: tuple[Param, ...]) -> int:
    count = values[common.names.index("n")] if "n" in common.names else common.fixed.get("n", 1)
    return count if isinstance(count, int) else 1
