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
    """Return one model's facts, then each parameter with what it takes and does."""
    yield ink(inert.line(model.id), Role.STRONG)
    if model.description:
        yield f"  {inert.line(model.description)}"
    yield from (f"  {inert.line(fact)}" for fact in _facts(model))
    for name in model.properties:
        yield ""
        yield f"  {ink(inert.line(name), Role.STRONG)}  {inert.line(_takes(model, name))}"
        if description := model.properties[name].get("description"):
            yield f"      {inert.line(str(description))}"


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


def _takes(model: ModelSchema, name: str) -> str:
    parts = [allowed(model.properties[name], image=name in model.inputs)]
    if name in model.required:
        parts.append("required")
    if name in model.defaults:
        parts.append(f"default {show(model.defaults[name])}")
    return "; ".join(parts)
