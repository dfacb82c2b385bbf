"""What a person can do about runs that an apply passes over: held ones, and those whose images are lost."""

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence

from specrun.model.lock import State
from specrun.model.plan import Action, Plan, Verb
from specrun.model.run import Price
from specrun.report import inert
from specrun.report.totals import added, held_cost
from specrun.report.words import count, money

HELD_FIX: Mapping[State, str] = {
    State.UNKNOWN: "ask the provider whether it was billed; --retry-unknown asks (and may pay) again",
    State.PARTIAL: "the images that came are kept; --replace asks (and pays) again",
    State.UNUSABLE: "the bytes are kept in .specrun/quarantine; --replace asks (and pays) again",
    State.REFUSED: "change the prompt or the images; the same request is not sent again",
    State.ORPHAN: "it is no longer in the spec",
}


def steps(plan: Plan) -> Iterator[str]:
    """Yield the lines that say, of each kind of run that is passed over, how many they are and what ends it."""
    if not (plan.totals.actions.get(Verb.HELD) or plan.totals.actions.get(Verb.LOST)):
        return
    kinds: dict[State | None, list[Action]] = {}
    for action in plan.actions:
        if action.verb in (Verb.HELD, Verb.LOST):
            kinds.setdefault(_state(action) if action.verb is Verb.HELD else None, []).append(action)
    for state, actions in kinds.items():
        example = f", for example {inert.line(actions[0].address)}" if len(actions) > 1 else ""
        what = "Lost" if state is None else f"Held as {state.value}"
        yield f"{what}: {count(len(actions), 'run')}{example}{_stake(actions)}."
        yield f"  next: {inert.line(lost_step(plan, actions) if state is None else held_step(plan, state))}"


def held_step(plan: Plan, state: State) -> str:
    """Return what ends a state of held runs."""
    return HELD_FIX[state].replace("--retry-unknown", _command(plan, "apply --retry-unknown"))


def lost_step(plan: Plan, actions: Iterable[Action]) -> str:
    """Return what brings lost images back, and what asking for them again costs."""
    cost = _cost_again(actions)
    price = f", {', '.join(map(money, cost))}" if cost else ""
    return (
        "bring the outputs folder back from git or a backup, or .specrun/store from the machine that made them;"
        f" where a shared store has them, name it as `store` in specrun.yaml, then {_command(plan, 'pull')}"
        f" fetches them; {_command(plan, 'apply --regenerate-lost')} asks (and pays{price}) again"
    )


def _state(action: Action) -> State:
    """Return how a run is held; where only the ledger knows, the reason says it."""
    row = action.origin or action.row
    if row is not None and row.state is not None:
        return row.state
    return next((state for state in State if state.why == action.reason), State.UNKNOWN)


def _stake(actions: Sequence[Action]) -> str:
    stake = held_cost(actions)
    return f"; {', '.join(map(money, stake))} at stake" if stake else ""


def _cost_again(actions: Iterable[Action]) -> Sequence[Price]:
    runs = [action.run for action in actions if action.run is not None]
    prices = [
        Price(amount=run.price.amount * run.images, currency=run.price.currency)
        for run in runs
        if run.price is not None
    ]
    return [price for price in added(prices) if price.amount]


def _command(plan: Plan, verb: str) -> str:
    name = f" --name {shlex.quote(plan.asked.variant)}" if plan.asked.variant else ""
    return f"`specrun {verb}{name} {shlex.quote(plan.spec.as_posix())}`"
