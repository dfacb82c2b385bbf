"""What a person can do about runs whose images are lost."""

from collections.abc import Iterable, Iterator

from specrun.model.held import Place
from specrun.model.money import Paid, counted
from specrun.model.plan import Action, Plan, Verb
from specrun.report import inert
from specrun.report.money_text import amounts
from specrun.report.words import count


def steps(plan: Plan) -> Iterator[str]:
    """Yield the lines that say how many runs have lost their images, and what brings them back."""
    if not plan.totals.actions.get(Verb.LOST):
        return
    lost = [action for action in plan.actions if action.verb is Verb.LOST]
    example = f", for example {inert.line(lost[0].address)}" if len(lost) > 1 else ""
    yield f"Lost: {count(len(lost), 'run')}{example}."
    yield f"  next: {inert.line(lost_step(plan.place, lost))}"


def lost_step(place: Place, actions: Iterable[Action]) -> str:
    """Return what brings lost images back, and what asking for them again costs."""
    runs = [action.run for action in actions if action.run is not None]
    cost = amounts(counted((Paid(had=run.images), run.price) for run in runs).had)
    price = f", {cost}" if cost else ""
    return (
        "bring the outputs folder back from git or a backup, or .specrun/store from the machine that made them;"
        " where a shared store has them, name it as `store` in specrun.yaml, then"
        f" `specrun pull {place.arguments}` fetches them;"
        f" `specrun apply --regenerate-lost {place.arguments}` asks (and pays{price}) again"
    )
