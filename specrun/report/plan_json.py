"""A plan for programs: one JSON document, an action a line, the same bytes for the same plan."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from specrun.model.inputs import Param, recipe_param
from specrun.model.lock import LockRow
from specrun.model.plan import Action, Asked, Plan, Totals
from specrun.model.run import Run
from specrun.report import inert
from specrun.report.record import figures_record, price_record
from specrun.report.totals import held_figures

FORMAT_VERSION = "1.1"
# How many actions are encoded together.
_AT_ONCE = 1000
_ENCODER = msgspec.json.Encoder()


def as_json(plan: Plan, spec: str) -> Iterator[str]:
    """Return the lines of a document as `plan.schema.json` describes it; 100,000 actions pass one at a time.

    `spec` is the spec's path from the project root. Last stands the digest of all that stands before it, by which
    `apply` knows that nobody edited the plan since.
    """
    content = hashlib.sha256()
    for piece in _unsealed(plan, spec):
        content.update(piece.encode())
        yield piece
    yield f',\n"content": "sha256:{content.hexdigest()}"\n}}\n'


def _unsealed(plan: Plan, spec: str) -> Iterator[str]:
    yield "{\n"
    for name, value in _head(plan, spec).items():
        yield f'"{name}": {_json(value)},\n'
    yield '"actions": [\n'
    bases: dict[int, dict[str, Any]] = {}
    for start in range(0, len(plan.actions), _AT_ONCE):
        lines = _ENCODER.encode_lines([_action(action, bases) for action in plan.actions[start : start + _AT_ONCE]])
        text = inert.json_text(lines.decode().replace("\n", ",\n"))
        yield text if start + _AT_ONCE < len(plan.actions) else text.removesuffix(",\n") + "\n"
    yield "]"


def _json(value: Any) -> str:
    return inert.json_text(msgspec.json.encode(value).decode())


def _head(plan: Plan, spec: str) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "spec": spec,
        "name": plan.name,
        "digest": plan.digest,
        "asked": _asked(plan.asked),
        "bound": plan.bound,
        "files": _sorted(plan.files),
        "vars": _sorted(plan.vars),
        "totals": _totals(plan.totals) | _held(plan),
    }


def _asked(asked: Asked) -> dict[str, Any]:
    return {
        "variant": asked.variant,
        "vars": {name: asked.vars[name] for name in sorted(asked.vars)},
        "targets": asked.targets,
        "replace": asked.replace,
        "retry_unknown": asked.retry_unknown,
        "regenerate_lost": asked.regenerate_lost,
    }


def _sorted(digests: Mapping[str, str]) -> dict[str, str]:
    return {name: digests[name] for name in sorted(digests)}


def _totals(totals: Totals) -> dict[str, Any]:
    return {
        "actions": {verb.value: number for verb, number in totals.actions.items()},
        "requests": totals.requests,
        "images": totals.images,
        "cost": [price_record(price) for price in totals.cost],
        "unpriced": totals.unpriced,
    }


def _held(plan: Plan) -> dict[str, Any]:
    """Return what is lost, and what may be, in held runs."""
    figures = figures_record(held_figures(plan.actions))
    return {"held": {name: figures[name] for name in ("wasted", "stake")}}


def _action(action: Action, bases: dict[int, dict[str, Any]]) -> dict[str, Any]:
    run, row = action.run, action.row
    subject = _run(run, bases) if run is not None else _row(row) if row is not None else {}
    return {
        "action": action.verb.value,
        "address": action.address,
        "key": action.key,
        "reason": action.reason,
        "changes": [{"field": change.field, "old": change.old, "new": change.new} for change in action.changes],
        **subject,
        "shares": action.shares,
        "take": action.take,
        "request": action.requested,
    }


def _run(run: Run, bases: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """Return what is known of a run; `bases` keep what it has in common with others, by what they share."""
    common = run.common
    base = bases.get(id(common))
    if base is None:
        base = bases[id(common)] = _base(run)
    params = base["params"] | dict(zip(common.names, run.values, strict=True))
    if run.seed is not None:
        params["seed"] = run.seed
    for name in common.inputs:
        params[name] = recipe_param(params[name])
    axes = dict(zip(common.axes, run.labels, strict=True))
    return base | {"axes": axes, "seed": run.seed, "params": params, "images": len(run.outputs), "outputs": run.outputs}


def _base(run: Run) -> dict[str, Any]:
    price = None if run.price is None else price_record(run.price)
    # With every key in its place already.
    return {
        "job": run.job,
        "axes": None,
        "provider": run.provider,
        "model": run.model,
        "seed": None,
        "params": {name: run.params[name] for name in sorted(run.params)},
        "images": None,
        "price": price,
        "outputs": None,
    }


def _row(row: LockRow) -> dict[str, Any]:
    """Return what is known of a run that the spec no longer has."""
    return {
        "provider": row.provider,
        "model": row.model,
        "seed": row.seed,
        "params": _params(row.params),
        "images": len(row.outputs),
        "outputs": [output.path for output in row.outputs],
    }


def _params(params: Mapping[str, Param]) -> dict[str, Any]:
    return {name: recipe_param(params[name]) for name in sorted(params)}
