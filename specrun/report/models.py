"""The catalogue and its models for people."""

from collections.abc import Iterator

from specrun.catalog.models import Catalog
from specrun.catalog.schema import ModelSchema
from specrun.catalog.words import allowed, show
from specrun.report import inert
from specrun.report.columns import columns
from specrun.report.ink import PLAIN, Ink, Role
from specrun.report.words import count, money


def catalog_lines(catalog: Catalog, ink: Ink = PLAIN) -> Iterator[str]:
    """Return a table of all models: what they do, what an image costs, how many are free."""
    rows = [("MODEL", "DOES", "AN IMAGE", "FREE"), *(_row(model) for model in catalog.models.values())]
    head, *lines = columns(rows)
    yield ink(head, Role.STRONG)
    yield from lines


def model_lines(model: ModelSchema, ink: Ink = PLAIN) -> Iterator[str]:
    """Return one model's facts, then a table of its parameters, each with what it does below it."""
    yield ink(inert.line(model.id), Role.STRONG)
    if model.description:
        yield f"  {inert.line(model.description)}"
    yield from (f"  {inert.line(fact)}" for fact in _facts(model))
    yield ""
    head, *lines = columns([("PARAMETER", "TAKES", "DEFAULT"), *(_parameter(model, name) for name in model.properties)])
    yield ink(head, Role.STRONG)
    for line, schema in zip(lines, model.properties.values(), strict=True):
        yield line
        if description := schema.get("description"):
            yield ink(f"    {inert.line(str(description))}", Role.QUIET)


def _row(model: ModelSchema) -> tuple[str, ...]:
    facts = model.facts
    price = money(facts.price) if facts.price is not None else "unknown"
    free = f"{facts.free_quota:,}" if facts.free_quota is not None else ""
    return tuple(inert.line(cell) for cell in (model.id, ", ".join(facts.modes), price, free))


def _facts(model: ModelSchema) -> Iterator[str]:
    facts = model.facts
    if facts.modes:
        yield f"does: {', '.join(facts.modes)}"
    yield f"price: {money(facts.price)} an image" if facts.price is not None else "price: unknown"
    if facts.free_quota is not None:
        yield f"free quota: {count(facts.free_quota, 'image')} an account"
    if facts.aliases:
        yield f"also called: {', '.join(facts.aliases)}"
    if facts.source is not None:
        yield f"source: {facts.source.document}, {facts.source.date}"


def _parameter(model: ModelSchema, name: str) -> tuple[str, str, str]:
    takes = allowed(model.properties[name], image=name in model.inputs)
    default = show(model.defaults[name]) if name in model.defaults else "required" if name in model.required else ""
    return inert.line(name), inert.line(takes), inert.line(default)
