"""The tiles of a plan: each run's image now, what is to become of it, and a drawing where there will be a new one."""

from collections.abc import Callable, Iterator, Mapping

from specrun.model.address import axes_in, job_in
from specrun.model.inputs import recipe_param
from specrun.model.lock import LockedOutput
from specrun.model.plan import Action, Plan, Verb
from specrun.pages.facts import differences, input_pictures, renamed, request_facts, request_params
from specrun.pages.sheet import Difference, Picture, Sheet, Status, Tile, Tone
from specrun.report.money_text import amounts
from specrun.report.totals import asked, held_figures, price
from specrun.report.words import money

# What is in the way comes first, then what changes and costs, then what costs, then what is only put in its place.
_TONES: Mapping[Verb, Tone] = {
    Verb.LOST: Tone.WRONG,
    Verb.HELD: Tone.WRONG,
    Verb.BLOCKED: Tone.WAITING,
    Verb.REPLACE: Tone.CHANGED,
    Verb.CREATE: Tone.NEW,
    Verb.RESTORE: Tone.NEW,
    Verb.MOVE: Tone.CHANGED,
    Verb.ORPHAN: Tone.GONE,
    Verb.KEEP: Tone.PLAIN,
}
_STATUSES: Mapping[Verb, Status] = {
    verb: Status(word=verb.value, tone=tone, rank=rank) for rank, (verb, tone) in enumerate(_TONES.items())
}


def plan_sheet(plan: Plan, arguments: str, preview: Callable[[Action, int], str | None]) -> Sheet:
    """Return the page of one plan; `arguments` name the spec to a command, as a shell takes it.

    `preview` gives the name under which the drawing of an image can be read, None where none is to be shown.
    """
    return Sheet(
        title=f"{plan.name}: plan",
        spec=plan.spec.as_posix(),
        noun="image",
        tiles=tuple(tile for action in plan.actions for tile in _tiles(action, preview)),
        figures=(
            *((verb.value, f"{number:,}") for verb, number in plan.totals.actions.items() if number),
            ("requests", asked(plan.totals)),
            ("price", price(plan.totals)),
            *_held(plan),
        ),
        commands={"command": f"specrun apply --target {{address}} {arguments}"},
        split="status",
    )


def _held(plan: Plan) -> Iterator[tuple[str, str]]:
    figures = held_figures(plan.actions)
    if lost := amounts(figures.lost):
        yield "spent for lost images", lost
    if perhaps := amounts(figures.perhaps):
        yield "may have been spent", perhaps


def _tiles(action: Action, preview: Callable[[Action, int], str | None]) -> Iterator[Tile]:
    subject = action.run or action.row
    if subject is None:
        return
    now = _now(action)
    images = action.run.images if action.run is not None else max(1, len(now))
    for index in range(1, images + 1):
        current = Picture(blob=now[index].blob, path=now[index].path, caption="now") if index in now else None
        new = _drawn(preview(action, index)) if action.asks else _made(action, index)
        yield Tile(
            address=action.address,
            job=job_in(action.address),
            axes=action.run.axes if action.run is not None else axes_in(action.address),
            status=_STATUSES[action.verb],
            note=f"{action.reason}; one request with {action.shares}" if action.shares else action.reason,
            index=index,
            images=images,
            prompt=str(recipe_param(subject.params.get("prompt", ""))),
            model=subject.model,
            provider=subject.provider,
            seed=subject.seed,
            params=request_params(subject),
            facts=tuple(request_facts(subject)),
            changes=(*_renamed(action), *differences(action.changes)),
            price=_price(action),
            before=current if new is not None else None,
            image=new or current,
            inputs=input_pictures(subject if action.verb.asks else action.row or subject),
        )


def _now(action: Action) -> Mapping[int, LockedOutput]:
    """Return a run's images as they are, by index: its own, or those that come from another address."""
    row = action.row if action.row is not None and action.row.outputs else action.origin
    return {} if row is None else {output.index: output for output in row.outputs}


def _made(action: Action, index: int) -> Picture | None:
    """Return an image that was made already and comes without a request, with the file it stands in, if any."""
    blob = dict(action.made).get(index)
    outputs = () if action.origin is None else action.origin.outputs
    path = next((output.path for output in outputs if output.blob == blob), None)
    return None if blob is None else Picture(blob=blob, path=path, caption="made already")


def _renamed(action: Action) -> Iterator[Difference]:
    moved = action.origin if action.verb is Verb.MOVE else action.row
    return renamed(action.address if moved is None else moved.address, action.address)


def _drawn(blob: str | None) -> Picture | None:
    return None if blob is None else Picture(blob=blob, caption="sandbox preview", drawn=True)


def _price(action: Action) -> str:
    if not action.requested or action.run is None:
        return ""
    if action.run.price is None:
        return "price unknown"
    return money(action.run.price) if action.run.price.amount else "free"
