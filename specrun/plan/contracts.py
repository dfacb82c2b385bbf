"""Contracts that have moved: what the catalogue says now against what locked runs were made under."""

from collections.abc import Iterable, Iterator
from typing import Any

from specrun.canonical import canonical
from specrun.catalog.models import Catalog
from specrun.catalog.schema import ModelSchema
from specrun.diagnostics import Diagnostic, Severity
from specrun.model.lock import LockRow
from specrun.model.plan import Action


def moved_contracts(actions: Iterable[Action], catalog: Catalog) -> tuple[Diagnostic, ...]:
    """Return a warning for each model whose contract has moved under locked runs that stay as they are."""
    rows: dict[str, list[LockRow]] = {}
    for action in actions:
        row = action.row
        if action.run is not None and row is not None and row.key == action.run.key:
            model = catalog.models.get(row.model)
            if model is not None and model.digest != row.schema_digest:
                rows.setdefault(row.model, []).append(row)
    return tuple(_moved(catalog.models[name], rows[name]) for name in sorted(rows))


def _moved(model: ModelSchema, rows: list[LockRow]) -> Diagnostic:
    told = list(dict.fromkeys(text for row in rows for text in _differences(model, row)))
    how = "; ".join(told) or "nothing that these runs send"
    return Diagnostic(
        summary="contract moved",
        detail=f"{model.id} is described otherwise than when these runs were locked; changed: {how}",
        hint="they stay as they were locked; `specrun lock --upgrade SPEC` takes the new contract",
        severity=Severity.WARNING,
        runs=len(rows),
        example=rows[0].address,
    )


def _differences(model: ModelSchema, row: LockRow) -> Iterator[str]:
    """Yield what a row sends that the contract now says otherwise."""
    for name in row.defaults:
        then, now = row.params.get(name), model.defaults.get(name)
        if name in model.properties and canonical(then) != canonical(now):
            yield f"{name} was {_text(then)} by default and is {_text(now)}"
    for name in sorted(row.params.keys() - model.properties.keys()):
        yield f"{name} is gone"
    for name in sorted(model.properties.keys() - row.params.keys() - {"response_format"}):
        if name in model.required:
            yield f"{name} is required"
        elif name in model.defaults:
            yield f"{name} is new, {_text(model.defaults[name])} by default"


def _text(value: Any) -> str:
    return "none" if value is None else canonical(value)
