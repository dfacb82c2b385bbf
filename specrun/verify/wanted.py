"""The lock against the spec: what the spec wants by now, as its plan says."""

from collections.abc import Collection, Iterator
from typing import assert_never

from msgspec.structs import replace

from specrun.model.plan import Action, Plan, Verb
from specrun.verify.finding import Finding, Kind
from specrun.verify.target import Target


def check_wanted(target: Target, plan: Plan, damaged: Collection[str]) -> Iterator[Finding]:
    """Yield where spec and lock part; runs whose files are `damaged` (addresses) have been spoken of."""
    for action in plan.actions:
        finding = _finding(target, plan, action, damaged)
        if finding is not None:
            yield finding


def _finding(target: Target, plan: Plan, action: Action, damaged: Collection[str]) -> Finding | None:
    apply = target.command("apply")
    made = action.row is not None and bool(action.row.outputs)
    kind = Kind.STALE
    match action.verb:
        case Verb.KEEP:
            return None
        case Verb.CREATE | Verb.RESTORE | Verb.LOST | Verb.BLOCKED if made and action.address in damaged:
            return None
        case Verb.REPLACE:
            # Whether that is meant, only a person can say: what swaps pictures is nothing to recommend.
            detail = f"the spec wants another image there: {action.reason}"
            fix = f"{target.command('plan')} shows the change; undo it, or apply it"
        case Verb.CREATE | Verb.BLOCKED:
            detail, fix = f"the spec wants it, and it is not made: {action.reason}", f"{apply} makes it"
        case Verb.RESTORE | Verb.MOVE:
            detail, fix = (
                f"it is not where or as the spec wants it: {action.reason}",
                f"{apply} does, for nothing",
            )
        case Verb.LOST:
            detail = f"the spec wants an image that is gone: {action.reason.partition('; ')[0]}"
            again = target.command("apply --regenerate-lost")
            fix = f"bring it back from git or a backup; or {again} asks for it again, and pays"
        case Verb.HELD:
            kind, detail, fix = Kind.HELD, action.reason, _ways_on(action, plan)
        case Verb.ORPHAN:
            detail, fix = "it is locked, and no longer in the spec", f"{target.command('prune')} removes it"
        case _:
            assert_never(action.verb)
    return Finding(kind=kind, subject=action.address, detail=detail, fix=fix, address=action.address)


def _ways_on(action: Action, plan: Plan) -> str:
    """Return what can be done about a held run."""
    held = action.held
    steps = () if held is None else held.steps(replace(plan.place, selector=action.address))
    return "; ".join(f"{step.when}: `{step.command}`" for step in steps)
