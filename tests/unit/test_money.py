"""What requests came to is the same sum in every view, whatever became of them."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specrun.apply.events import Event, Finished, How, RunHeld
from specrun.apply.money import money_of
from specrun.apply.results import Done, Failed, Held, Result
from specrun.apply.tally import Tally
from specrun.catalog.load import load_catalog
from specrun.catalog.models import Catalog
from specrun.catalog.prices import Prices, image_price
from specrun.diagnostics import Source, Span
from specrun.model.held import held_row
from specrun.model.lock import LockedOutput, LockRow, State
from specrun.model.money import Counting, Figures, Paid, Sum, answered, held_paid, row_paid
from specrun.model.plan import Action, Verb
from specrun.model.project import Provider
from specrun.model.run import Common, Price, Run
from specrun.report.history import history_of
from specrun.report.totals import held_figures
from specrun.store.attempts import Attempt, AttemptState, Ending, Intent, StoredImage
from specrun.store.manifest import ImageFacts

FACTS = ImageFacts(media_type="image/png", width=1, height=1, bytes=1)
NOWHERE = Span(source=Source(name="s.yaml", text=""), line=1, column=1, end_line=1, end_column=2)
ASKED = {
    AttemptState.RECEIVED: None,
    AttemptState.UNKNOWN: State.UNKNOWN,
    AttemptState.PARTIAL: State.PARTIAL,
    AttemptState.UNUSABLE: State.UNUSABLE,
    AttemptState.REFUSED: State.REFUSED,
    AttemptState.FAILED: None,
}


class One(msgspec.Struct, frozen=True, kw_only=True):
    """One run, asked for once: how its attempt ended, and how many of the images that it asked for came."""

    number: int
    ended: AttemptState
    asked: int
    came: int
    price: Price | None

    @property
    def address(self) -> str:
        return f"shots[i={self.number}]"

    @property
    def digest(self) -> str:
        return f"sha256:{self.number}"

    @property
    def blobs(self) -> tuple[tuple[int, str], ...]:
        return tuple((index, f"{self.digest}.{index}") for index in range(1, self.came + 1))

    @property
    def outputs(self) -> tuple[LockedOutput, ...]:
        return tuple(LockedOutput(index=index, path=f"{blob}.png", blob=blob, file=blob) for index, blob in self.blobs)

    @property
    def run(self) -> Run:
        common = Common(
            job="shots",
            axes=("i",),
            provider="shop",
            model="acme/one",
            names=(),
            fixed={"n": self.asked},
            defaults=(),
            inputs=(),
            revision=1,
            schema_digest="sha256:s",
            price=self.price,
            protect=False,
            span=NOWHERE,
        )
        paths = tuple(f"{index}.png" for index in range(self.asked))
        return Run(self.address, common, (str(self.number),), (), None, 1, self.digest, paths)

    @property
    def attempt(self) -> Attempt:
        intent = Intent(
            hold="h",
            spec="s.yaml",
            address=self.address,
            provider="shop",
            model="acme/one",
            request_digest=self.digest,
            take=1,
            images=self.asked,
            price=self.price,
        )
        images = tuple(StoredImage(index=index, blob=blob, facts=FACTS) for index, blob in self.blobs)
        ending = Ending(state=self.ended)
        return Attempt(id=1, intent=intent, ending=ending, intended_at=0, sent_at=0, ended_at=1, images=images)

    @property
    def row(self) -> LockRow:
        return LockRow(
            address=self.address,
            key=self.digest,
            request_digest=self.digest,
            seed=None,
            provider="shop",
            # Rows are priced by their model.
            model=str(self.number),
            params={"n": self.asked},
            defaults=(),
            revision=1,
            sample=1,
            schema_digest="sha256:s",
            inputs={},
            outputs=self.outputs,
            state=ASKED[self.ended],
        )

    def result(self, *, asked: bool) -> Result:
        state = ASKED[self.ended]
        if self.ended is AttemptState.FAILED:
            return Failed(cause="no")
        if state is None:
            return Done(
                request_digest=self.digest,
                take=1,
                outputs=self.outputs,
                how=How.REQUESTED if asked else How.RESTORED,
            )
        return Held(
            state=state,
            cause="",
            request_digest=self.digest,
            take=1,
            blobs=self.blobs,
            outputs=self.outputs,
            asked=asked,
        )


@st.composite
def histories(draw: st.DrawFn) -> list[One]:
    found = []
    for number in range(draw(st.integers(0, 6))):
        ended, asked = draw(st.sampled_from(list(ASKED))), draw(st.integers(1, 4))
        came = asked if ended is AttemptState.RECEIVED else 0
        if ended is AttemptState.PARTIAL:
            came = draw(st.integers(0, asked - 1))
        amount, currency = draw(st.sampled_from(["0", "0.10", "0.333", "7"])), draw(st.sampled_from(["CNY", "EUR"]))
        price = draw(st.none() | st.just(Price(amount=Decimal(amount), currency=currency)))
        found.append(One(number=number, ended=ended, asked=asked, came=came, price=price))
    return found


def told(history: Sequence[One], *, asked: bool) -> tuple[Finished, list[RunHeld]]:
    events: list[Event] = []
    tally = Tally(events.append)
    for one in history:
        tally.add(one.run, one.result(asked=asked))
    held = [event for event in events if isinstance(event, RunHeld)]
    return tally.finished(interrupted=False, unshared=0), held


def summed(parts: Sequence[Figures]) -> Figures:
    counting = Counting()
    for part in parts:
        for name in ("had", "lost", "perhaps"):
            total: Sum = getattr(part, name)
            counting.add(Paid(**{name: total.unpriced}), None)
            for price in total.prices:
                counting.add(Paid(**{name: 1}), price)
    return counting.figures()


@given(histories())
def test_every_view_tells_the_same_figures(history: list[One]) -> None:
    summary = history_of("s.yaml", [one.attempt for one in history])
    figures = summary.total.figures
    assert summed([model.figures for model in summary.models]) == figures
    finished, _ = told(history, asked=True)
    assert (finished.figures, finished.earlier) == (figures, Figures())
    manifest = money_of([one.row for one in history], lambda row: history[int(row.model)].price)
    assert [manifest.spent, manifest.wasted, manifest.unknown] == [
        {price.currency: price.amount for price in total.prices}
        for total in (figures.had, figures.lost, figures.perhaps)
    ]
    assert manifest.unpriced == figures.unpriced == finished.unpriced


@given(histories())
def test_what_is_held_is_the_same_in_the_plan_in_the_next_apply_and_run_by_run(history: list[One]) -> None:
    held = [held_row(one.row, one.price) for one in history]
    plan = held_figures([Action(Verb.HELD, "", "", held=each) for each in held])
    finished, runs = told(history, asked=False)
    assert finished.figures == Figures()
    assert finished.earlier == plan == summed([run.figures for run in runs])
    asked, runs_asked = told(history, asked=True)
    assert (asked.figures.lost, asked.figures.perhaps) == (plan.lost, plan.perhaps)
    assert [run.figures for run in runs_asked] == [run.figures for run in runs]


@given(histories())
def test_each_image_that_is_paid_for_is_in_one_class(history: list[One]) -> None:
    for one in history:
        paid = one.attempt.paid
        billed = one.ended not in (AttemptState.FAILED, AttemptState.REFUSED)
        assert paid.had + paid.lost + paid.perhaps == (one.asked if billed else 0)
        assert paid.had == (one.came if billed else 0)
        assert (paid.on_order, row_paid(one.row)) == (0, paid)


def test_one_request_that_serves_two_addresses_is_paid_for_once() -> None:
    one = One(number=0, ended=AttemptState.UNKNOWN, asked=1, came=0, price=Price(amount=Decimal(1), currency="CNY"))
    twin = msgspec.structs.replace(one.row, address="twin")
    assert money_of([one.row, twin], lambda _: one.price).unknown == {"CNY": Decimal(1)}
    events: list[Event] = []
    tally = Tally(events.append)
    tally.add(one.run, one.result(asked=True))
    tally.add(msgspec.structs.replace(one.run, address="twin"), one.result(asked=False))
    assert [event.stake for event in events if isinstance(event, RunHeld)] == [one.price, None]
    finished = tally.finished(interrupted=False, unshared=0)
    assert (finished.stake, finished.earlier) == ((one.price,), Figures())


def test_an_apply_counts_what_it_paid_for_and_could_not_deliver() -> None:
    one = One(number=0, ended=AttemptState.RECEIVED, asked=2, came=2, price=Price(amount=Decimal(1), currency="CNY"))
    tally = Tally(lambda _: None)
    tally.add(one.run, Failed(cause="not delivered", paid=True))
    assert tally.finished(interrupted=False, unshared=0).spent == (Price(amount=Decimal(2), currency="CNY"),)


@pytest.mark.parametrize(
    ("state", "paid"),
    [
        (AttemptState.INTENDED, Paid()),
        (AttemptState.SENT, Paid(perhaps=2)),
        (AttemptState.ARRIVED, Paid(perhaps=2)),
    ],
)
def test_what_is_under_way_may_have_been_paid_once_it_has_left(state: AttemptState, paid: Paid) -> None:
    assert One(number=0, ended=state, asked=2, came=0, price=None).attempt.paid == paid


def test_a_reply_with_more_images_than_asked_for_costs_what_was_asked_for() -> None:
    assert answered(1, 3) == Paid(had=1)
    assert held_paid(State.PARTIAL, 3, 1) == Paid(had=1, lost=2)


def priced(**facts: Any) -> Any:
    """A model of the shape that pricing looks at."""
    model = load_catalog(Path("nowhere")).models["black-forest-labs/FLUX.1-dev"]
    return msgspec.structs.replace(model, facts=msgspec.structs.replace(model.facts, **facts))


EURO, YUAN = Price(amount=Decimal("0.12"), currency="EUR"), Price(amount=Decimal("0.10"), currency="CNY")
SHOP, SANDBOX = Provider(name="shop", base_url="https://shop"), Provider(name="sandbox", base_url=None)


def test_an_image_costs_what_the_project_says_before_what_its_schema_says_and_nothing_where_it_is_free() -> None:
    model = priced(price=YUAN, aliases=("flux",))
    assert image_price(model.id, model, SHOP, {}) == YUAN
    assert image_price(model.id, model, SHOP, {model.id: EURO}) == EURO
    assert image_price(model.id, model, SHOP, {"flux": EURO}) == EURO
    assert image_price(model.id, model, SANDBOX, {"flux": EURO}) == Price(amount=Decimal(0), currency="EUR")
    assert image_price("gone", None, None, {}) is None
    assert image_price("gone", None, SANDBOX, {}) == Price(amount=Decimal(0), currency="CNY")


def test_a_locked_run_costs_what_a_planned_one_does() -> None:
    model = priced(price=YUAN, aliases=("flux",))
    catalog = Catalog(models={model.id: model}, aliases={"flux": model.id})
    row = msgspec.structs.replace(
        One(number=0, ended=AttemptState.RECEIVED, asked=1, came=1, price=None).row, model=model.id
    )
    for own in ({}, {"flux": EURO}, {model.id: EURO}):
        for provider in (SHOP, SANDBOX):
            prices = Prices(providers={"shop": provider}, catalog=catalog, own=own)
            assert prices.of(row) == image_price(model.id, model, provider, own)
