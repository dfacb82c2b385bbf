import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import get_args

import pytest

from specrun.apply.events import (
    Event,
    Finished,
    How,
    Recovered,
    Resending,
    RunBlocked,
    RunDone,
    RunFailed,
    RunHeld,
    Sent,
    Started,
    Stopping,
    Waiting,
    Warned,
)
from specrun.diagnostics import Diagnostic, Severity
from specrun.model.lock import State
from specrun.model.run import Price
from specrun.report.diagnostics import as_text
from specrun.report.event_json import as_line
from specrun.report.event_text import progress, result, summary, trouble

YUAN = Price(amount=Decimal("0.70"), currency="CNY")
NOON = datetime(2026, 5, 31, 12, tzinfo=UTC)
NASTY = "\x1b[2J\x07\u202e"
FINISHED = Finished(
    requests=5,
    made=4,
    delivered=3,
    kept=10,
    failed=("a",),
    held=("b",),
    blocked=("c",),
    not_started=2,
    spent=(YUAN,),
    stake=(YUAN,),
    unpriced=1,
    interrupted=False,
)
NOTHING = Finished(
    requests=0,
    made=0,
    delivered=0,
    kept=0,
    failed=(),
    held=(),
    blocked=(),
    not_started=0,
    spent=(),
    stake=(),
    unpriced=0,
    interrupted=False,
)
EVENTS: tuple[Event, ...] = (
    Started(spec="specs/a.yaml", name="a", requests=2, images=4, cost=(YUAN,)),
    Recovered(received=("a",), unknown=(), unsent=("b", "c")),
    Waiting(address="shots[i=1]", spec="specs/b.yaml"),
    Sent(address="shots[i=1]", attempt=1),
    Resending(address="shots[i=1]", attempt=1, cause="too many requests", status=429, request_id="r1"),
    RunDone(address="shots[i=1]", how=How.REQUESTED, files=("shots/1.png",)),
    RunHeld(address="shots[i=2]", state=State.UNKNOWN, cause="the connection was lost", request_id="r2", stake=YUAN),
    RunFailed(address="shots[i=3]", cause="400: bad size", hint="see what it takes", request_id="r3"),
    RunBlocked(address="poster", by="shots[i=3]"),
    Warned(job="shots", diagnostic=Diagnostic(summary="size differs", severity=Severity.WARNING, example="shots[i=1]")),
    Stopping(cause="the key is refused", hint="set MODELVERSE_API_KEY", interrupted=False),
    FINISHED,
)


def test_every_kind_of_event_is_tried_here() -> None:
    assert {type(event) for event in EVENTS} == set(get_args(Event))


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_is_one_json_line_with_its_format_time_and_kind(event: Event) -> None:
    line = as_line(event, NOON)
    assert line.count("\n") == 1
    record = json.loads(line)
    assert (record["format_version"], record["time"]) == ("1.0", "2026-05-31T12:00:00.000+00:00")
    assert set(record) == {"format_version", "time", "event", *type(event).__dataclass_fields__}


def test_a_held_run_as_json_holds_its_state_and_the_exact_money_at_stake() -> None:
    record = json.loads(as_line(EVENTS[6], NOON))
    assert record["event"] == "run_held"
    assert record["state"] == "unknown"
    assert record["stake"] == {"amount": "0.70", "currency": "CNY"}


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (EVENTS[0], "a: 2 requests for 4 images, 0.70 CNY"),
        (EVENTS[1], "recovered from an apply that ended early: 1 received, 2 never sent"),
        (EVENTS[2], "waiting   shots[i=1]: specs/b.yaml asks for the same"),
        (EVENTS[3], ""),
        (EVENTS[4], ""),
    ],
)
def test_progress_is_told_in_one_line(event: Event, line: str) -> None:
    assert progress(event) == line


def test_results_name_the_files_and_how_they_came_about() -> None:
    assert result(EVENTS[5]) == "made      shots[i=1]: shots/1.png"
    assert result(RunDone(address="a", how=How.KEPT, files=("a.png",))) == ""


def told(event: Event) -> str:
    diagnostic = trouble(event)
    return as_text([diagnostic]) if diagnostic is not None else ""


def test_a_held_run_says_what_is_at_stake_and_what_to_do() -> None:
    assert told(EVENTS[6]) == (
        "error: held as unknown\n"
        "  shots[i=2]: the connection was lost (request r2); 0.70 CNY may have been spent\n"
        "  hint: ask the provider whether it was billed; if it was not billed: `specrun resolve --not-billed ADDRESS`; "
        "if the provider has the images: `specrun resolve --file IMAGE ADDRESS`; "
        "to ask, and perhaps pay, again: `specrun apply --retry-unknown --target ADDRESS SPEC`\n"
    )


def test_a_failed_run_says_why_and_what_to_do() -> None:
    assert told(EVENTS[7]) == ("error: not made\n  shots[i=3]: 400: bad size (request r3)\n  hint: see what it takes\n")


def test_a_blocked_run_names_what_it_needs() -> None:
    assert told(EVENTS[8]) == "error: blocked\n  poster needs shots[i=3], which has no image\n"


def test_a_remark_names_an_example() -> None:
    assert told(EVENTS[9]) == "warning: size differs\n  for example shots[i=1]\n"


def test_the_end_says_what_was_made_and_what_it_cost() -> None:
    counts = (
        "4 images made, 3 runs delivered without a request, 10 runs kept, 1 failed, 1 held, 1 blocked, 2 not started"
    )
    assert list(summary(FINISHED, "outputs/a")) == [
        f"Not all done: {counts}.",
        "Requests: 5.",
        "Spent: 0.70 CNY and 1 image of unknown price.",
        "May have been spent: 0.70 CNY.",
        "Images: outputs/a",
    ]
    assert list(summary(NOTHING, "outputs/a")) == ["Done: nothing to do.", "Requests: 0.", "Spent: nothing."]
    assert next(summary(replace(FINISHED, interrupted=True), "outputs/a")).startswith("Interrupted: 4 images made, ")


@pytest.mark.parametrize(
    "event",
    [
        Started(spec=NASTY, name=NASTY, requests=0, images=0, cost=()),
        Waiting(address=NASTY, spec=NASTY),
        Resending(address=NASTY, attempt=1, cause=NASTY, status=None, request_id=NASTY),
        RunDone(address=NASTY, how=How.MOVED, files=(NASTY,)),
        RunHeld(address=NASTY, state=State.REFUSED, cause=NASTY, request_id=NASTY, stake=None),
        RunFailed(address=NASTY, cause=NASTY, hint=NASTY, request_id=NASTY),
        RunBlocked(address=NASTY, by=NASTY),
        Stopping(cause=NASTY, hint=NASTY, interrupted=True),
    ],
)
def test_no_raw_control_byte_of_a_server_reaches_the_terminal(event: Event) -> None:
    shown = result(event) + progress(event) + told(event) + as_line(event, NOON)
    assert not set(shown) & set(NASTY[:1] + NASTY[-2:])
