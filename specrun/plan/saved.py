"""A plan that was saved, and whether it still says what is so."""

from pathlib import Path

import msgspec

from specrun.canonical import digest
from specrun.diagnostics import Diagnostic, InvalidInputError
from specrun.model.plan import Action, Asked, Plan, Verb
from specrun.store.contained import read_regular
from specrun.store.document import decode
from specrun.store.named import Named

_NAMES = {
    "spec": "the spec file",
    "files": "a file that its templates read",
    "vars": "a variable",
    "schemas": "a model's schema",
    "lock": "the lock",
    "project": "specrun.yaml",
}

_ASKING = frozenset(verb.value for verb in Verb if verb.asks)


class _Action(msgspec.Struct, kw_only=True, gc=False):
    action: str
    address: str
    key: str | None
    take: int
    shares: str | None
    request: bool = True


class _Document(msgspec.Struct, kw_only=True):
    format_version: str
    spec: str
    name: str
    digest: str
    asked: Asked
    bound: dict[str, str]
    actions: list[_Action]
    content: str


_DOCUMENT = msgspec.json.Decoder(_Document)


class SavedPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a saved plan allows; `spec` is relative to the project.

    `requests` holds each request's key and take; `unkeyed` the addresses of those whose input URLs were not fetched.
    """

    path: Path
    spec: str
    name: str
    digest: str
    asked: Asked
    bound: dict[str, str]
    requests: frozenset[tuple[str | None, int]]
    unkeyed: frozenset[str]


def read_saved(path: Path) -> SavedPlan:
    """Read a file that `plan -o` wrote; raise `InvalidInputError` where it is none."""
    try:
        data = read_regular(path)
    except OSError as error:
        detail = f"{path}: {error.strerror or error}"
        raise InvalidInputError(Diagnostic(summary="unreadable plan", detail=detail)) from None
    document = decode(_DOCUMENT, data, path, "plan", lambda found: Named(spec=found.spec, name=found.name))
    _check_content(document.content, data, path)
    asking = [action for action in document.actions if _asks(action)]
    return SavedPlan(
        path=path,
        spec=document.spec,
        name=document.name,
        digest=document.digest,
        asked=document.asked,
        bound=document.bound,
        requests=frozenset((action.key, action.take) for action in asking),
        unkeyed=frozenset(action.address for action in asking if action.key is None),
    )


def _check_content(content: str, data: bytes, path: Path) -> None:
    """Raise where anything but line ends, which git may change, differs from what was saved."""
    sealed, _, _ = data.replace(b"\r\n", b"\n").rpartition(b',\n"content": ')
    if digest(sealed) != content:
        detail = f"{path} was edited since it was saved"
        hint = "change the spec instead, then plan and review again: specrun plan -o FILE SPEC"
        raise InvalidInputError(Diagnostic(summary="broken plan", detail=detail, hint=hint))


def check_saved(saved: SavedPlan, fresh: Plan) -> None:
    """Raise `InvalidInputError` that names what has moved since the plan was saved, where it would ask for more."""
    moved = [name for name in sorted({*saved.bound, *fresh.bound}) if saved.bound.get(name) != fresh.bound.get(name)]
    if moved:
        raise InvalidInputError(*(_stale(saved, f"{_NAMES.get(name, name)} has changed since") for name in moved))
    extra = [action for action in fresh.actions if action.requested and not _listed(action, saved)]
    if extra:
        more = f" and {len(extra) - 1} more" if len(extra) > 1 else ""
        detail = f"outputs or ledger have changed: {extra[0].address}{more} would now be asked for"
        raise InvalidInputError(_stale(saved, detail))


def check_expected(expected: str, fresh: Plan) -> None:
    """Raise `InvalidInputError` where a plan is not the one that was reviewed."""
    if fresh.digest != expected:
        detail = f"this plan's digest is {fresh.digest}, not {expected}"
        hint = "something that the plan follows from differs from where it was reviewed; plan and review again"
        raise InvalidInputError(Diagnostic(summary="not the plan expected", detail=detail, hint=hint))


def _asks(action: _Action) -> bool:
    return action.action in _ASKING and action.shares is None and action.request


def _listed(action: Action, saved: SavedPlan) -> bool:
    return (action.key, action.take) in saved.requests or action.address in saved.unkeyed


def _stale(saved: SavedPlan, detail: str) -> Diagnostic:
    return Diagnostic(
        summary="stale plan", detail=f"{saved.path}: {detail}", hint="plan again, and review the new plan"
    )
