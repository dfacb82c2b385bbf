import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from specrun.model.money import Figures, Sum
from specrun.model.run import Price
from specrun.report.history import history_of
from specrun.report.history_json import as_json
from specrun.report.history_text import as_text, seconds
from specrun.store.attempts import Attempt, AttemptState, Ending, Intent, StoredImage
from specrun.store.manifest import ImageFacts

HOUR = 3600.0
FACTS = ImageFacts(media_type="image/png", width=1, height=1, bytes=1)


def attempt(
    state: AttemptState,
    *,
    address: str = "shots[n=1]",
    model: str = "acme/one",
    price: str | None = "0.35",
    sent: float | None = 0.0,
    took: float = 2.0,
    images: int = 1,
    cause: str = "",
    status: int | None = None,
) -> Attempt:
    intent = Intent(
        hold="h",
        spec="specs/s.yaml",
        address=address,
        provider="acme",
        model=model,
        request_digest="sha256:r",
        take=1,
        images=images,
        price=None if price is None else Price(amount=Decimal(price), currency="CNY"),
    )
    stored = tuple(StoredImage(index=index, blob="b", facts=FACTS) for index in range(1, images + 1))
    return Attempt(
        id=1,
        intent=intent,
        ending=Ending(state=state, cause=cause, status=status),
        intended_at=0,
        sent_at=sent,
        ended_at=None if sent is None else sent + took,
        images=stored if state is AttemptState.RECEIVED else (),
    )


def test_money_is_counted_exactly_and_what_may_have_been_billed_apart() -> None:
    total = history_of(
        "specs/s.yaml",
        [
            *(attempt(AttemptState.RECEIVED, price="0.1") for _ in range(3)),
            attempt(AttemptState.PARTIAL, price="0.70", images=2),
            attempt(AttemptState.UNUSABLE, price="0.20"),
            attempt(AttemptState.UNKNOWN, price="0.35"),
            attempt(AttemptState.UNKNOWN, price=None, images=3),
            attempt(AttemptState.FAILED, price="9"),
            attempt(AttemptState.REFUSED, price="9"),
            attempt(AttemptState.RECEIVED, price=None),
        ],
    ).total
    assert total.figures == Figures(
        had=Sum(prices=(Price(amount=Decimal("0.3"), currency="CNY"),), unpriced=1),
        lost=Sum(prices=(Price(amount=Decimal("1.60"), currency="CNY"),)),
        perhaps=Sum(prices=(Price(amount=Decimal("0.35"), currency="CNY"),), unpriced=3),
    )
    assert (total.requests, total.failed, total.held) == (10, 1, 5)


def test_images_that_nobody_asked_for_are_not_counted() -> None:
    extra = attempt(AttemptState.RECEIVED, images=4)
    found = replace(extra, intent=replace(extra.intent, images=2))
    assert history_of("specs/s.yaml", [found]).total.images == 2


def test_what_never_left_this_machine_does_not_count() -> None:
    assert history_of("s", [attempt(AttemptState.FAILED, sent=None)]).total.requests == 0


def test_models_and_jobs_are_told_apart() -> None:
    history = history_of(
        "s",
        [
            attempt(AttemptState.RECEIVED, model="b", address="x[n=1]"),
            attempt(AttemptState.RECEIVED, model="a", address="x"),
            attempt(AttemptState.RECEIVED, model="a", address="y"),
        ],
    )
    assert [(each.name, each.requests) for each in history.models] == [("a", 2), ("b", 1)]
    assert [(each.name, each.requests) for each in history.jobs] == [("x", 2), ("y", 1)]


def test_times_are_those_of_requests_that_brought_images() -> None:
    total = history_of(
        "s",
        [*(attempt(AttemptState.RECEIVED, took=took) for took in range(1, 11)), attempt(AttemptState.FAILED, took=900)],
    ).total
    assert [total.quantile(share) for share in (0.1, 0.5, 0.9, 1.0)] == [1, 5, 9, 10]


@pytest.mark.parametrize(
    ("span", "hours", "periods"), [(0, 1, 1), (47, 1, 48), (48, 6, 9), (24 * 40, 24, 41), (24 * 400, 24 * 28, 15)]
)
def test_time_is_parted_so_that_a_chart_can_show_it(span: int, hours: int, periods: int) -> None:
    history = history_of("s", [attempt(AttemptState.RECEIVED), attempt(AttemptState.FAILED, sent=span * HOUR)])
    assert (history.hours, len(history.periods)) == (hours, periods)
    assert sum(period.made for period in history.periods) == 1
    assert history.periods[-1].failed == 1


@given(st.lists(st.floats(0, 4e9), max_size=30))
def test_every_request_is_in_one_period_and_there_are_never_too_many(times: list[float]) -> None:
    history = history_of("s", [attempt(AttemptState.RECEIVED, sent=sent) for sent in times])
    assert sum(period.made for period in history.periods) == len(times)
    assert len(history.periods) <= 140


def test_the_text_has_a_line_for_each_model_and_job_and_the_causes() -> None:
    found = history_of(
        "specs/s.yaml",
        [
            attempt(AttemptState.RECEIVED),
            attempt(AttemptState.FAILED, cause="too many\nrequests", status=429),
            attempt(AttemptState.UNKNOWN, cause="no answer"),
        ],
    )
    lines = list(as_text([found]))
    assert lines == [
        "specs/s.yaml",
        "",
        "  model     requests  images  spent     perhaps   failed  held  median  nine in ten",
        "  acme/one  3         1       0.35 CNY  0.35 CNY  1       1     2 s     2 s",
        "",
        "  job    requests  images  spent     perhaps   failed  held  median  nine in ten",
        "  shots  3         1       0.35 CNY  0.35 CNY  1       1     2 s     2 s",
        "",
        "  what went wrong",
        r"         1  429 too many\nrequests",
        "         1  no answer",
        "",
        "3 requests, 1 image; spent 0.35 CNY; 0.35 CNY may have been spent.",
    ]


def test_a_spec_that_was_never_asked_for_says_so() -> None:
    assert list(as_text([history_of("s", [])])) == ["s", "  no request has been sent for it from this machine"]


def test_the_json_holds_the_same() -> None:
    (spec,) = json.loads(as_json([history_of("s", [attempt(AttemptState.RECEIVED)])]))["specs"]
    assert spec["total"]["spent"] == [{"amount": "0.35", "currency": "CNY"}]
    assert spec["total"]["seconds"] == {"median": 2.0, "nine_in_ten": 2.0, "slowest": 2.0}
    assert spec["periods"] == [{"start": "1970-01-01T00:00:00+00:00", "made": 1, "held": 0, "failed": 0}]


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (0.254, "0.25 s"), (9.87, "9.9 s"), (42.4, "42 s"), (200, "3 min")]
)
def test_times_read_well(value: float | None, text: str) -> None:
    assert seconds(value) == text
