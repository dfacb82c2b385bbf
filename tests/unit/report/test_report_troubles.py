"""What befalls many runs is told once, and of every run it is."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specrun.apply.events import Event, Resending, RunBlocked, RunFailed, RunHeld, Sent
from specrun.apply.stop import Stop
from specrun.model.lock import State
from specrun.model.plan import Verb
from specrun.model.run import Price
from specrun.report.diagnostics import as_text
from specrun.report.event_text import held_hint
from specrun.report.retries import Retries
from specrun.report.troubles import Troubles

CAUSES = st.sampled_from(["no end of the reply in 1 s", "the connection was lost", "the server answered 404"])
PRICES = st.one_of(
    st.none(), st.builds(lambda cents: Price(amount=Decimal(cents) / 100, currency="EUR"), st.integers(1, 99))
)
KINDS = st.one_of(
    st.builds(
        lambda state, cause, stake: (
            lambda address: RunHeld(
                address=address, state=state, cause=f"{cause} for {address}", request_id=f"id of {address}", stake=stake
            )
        ),
        st.sampled_from([State.UNKNOWN, State.PARTIAL, State.REFUSED]),
        CAUSES,
        PRICES,
    ),
    st.builds(
        lambda cause, hint: lambda address: RunFailed(address=address, cause=cause, hint=hint, request_id=""),
        CAUSES,
        st.sampled_from(["", "apply again"]),
    ),
    st.builds(
        lambda by: lambda address: RunBlocked(address=address, by=by), st.sampled_from(["a[i=1]", "a[i=2]", "b"])
    ),
)


def numbered(kinds: list[Any]) -> list[Event]:
    return [kind(f"shots[i={number}]") for number, kind in enumerate(kinds)]


@given(kinds=st.lists(KINDS, max_size=40))
def test_every_run_is_told_in_exactly_one_group_and_the_money_sums_up(kinds: list[Any], make: Any) -> None:
    events = numbered(kinds)
    troubles = Troubles(make.plan())
    lines = [troubles.add(event) for event in events]
    told = troubles.told()
    assert sum(max(each.runs, 1) for each in told) == len(events)
    assert sum(bool(line) for line in lines) == len(told) <= 17
    stakes = [Decimal(amount) for each in told for amount in re.findall(r"; ([\d.]+) EUR may have", each.detail)]
    assert sum(stakes) == sum(event.stake.amount for event in events if isinstance(event, RunHeld) and event.stake)


def test_sixty_held_runs_are_one_message_with_number_example_money_and_command(make: Any) -> None:
    troubles = Troubles(make.plan())
    price = Price(amount=Decimal("0.12"), currency="EUR")
    told = [
        troubles.add(
            RunHeld(address=f"many[i={i}]", state=State.UNKNOWN, cause="lost", request_id=f"r{i}", stake=price)
        )
        for i in range(60)
    ]
    assert told == ["held      many[i=0]: lost", *[""] * 59]
    assert as_text(troubles.told()) == (
        "error: held as unknown\n"
        "  lost; 7.20 EUR may have been spent\n"
        "  in 60 runs, for example many[i=0] (request r0)\n"
        "  hint: ask the provider whether it was billed;"
        " if it was not billed: `specrun resolve --not-billed --spec specs/shots.yaml many`;"
        " if the provider has the images: `specrun resolve --file IMAGE --spec specs/shots.yaml ADDRESS`;"
        " to ask, and perhaps pay, again: `specrun apply --retry-unknown --target many specs/shots.yaml`\n"
    )


def test_causes_that_differ_in_numbers_are_told_once_and_of_others_no_more_than_a_person_reads(make: Any) -> None:
    def told(causes: list[str]) -> list[tuple[int, str]]:
        troubles = Troubles(make.plan())
        for number, cause in enumerate(causes):
            troubles.add(RunFailed(address=f"shots[i={number}]", cause=cause, hint="", request_id=""))
        return [(each.runs, each.detail) for each in troubles.told()]

    counted = [f"the server answered 400: worker {i} died at 0x{i:x}; look at w-{i}.example:81" for i in range(9)]
    assert told(counted) == [(9, f"{counted[0]} (the first of 9 causes; `specrun show ADDRESS` has each)")]
    # What happened is another cause, whatever else is the same.
    assert len(told(["the server answered 404", "the server answered 500"])) == 2
    worded = told([f"{'x' * i} is wrong" for i in range(1, 61)])
    assert (len(worded), worded[-1][0]) == (9, 52)


@pytest.mark.parametrize(
    ("came", "linked", "first"),
    [
        (0, True, "the next apply looks again, for nothing, for what could not be fetched; "),
        (3, True, "the images that came are kept; the next apply looks again, for nothing, "),
        (3, False, "the images that came are kept; to leave it so: `specrun resolve --accept ADDRESS`; "),
        (0, False, "if the provider has the images: "),
    ],
)
def test_the_next_apply_looks_again_only_for_what_has_a_url(came: int, linked: bool, first: str) -> None:
    event = RunHeld(address="a", state=State.PARTIAL, cause="", request_id="", stake=None, came=came, linked=linked)
    assert held_hint(event).startswith(first)


def test_images_that_a_clone_lacks_are_one_message_with_all_ways_out_and_what_asking_again_costs(make: Any) -> None:
    runs = [make.run(axes={"i": str(i)}) for i in range(102)]
    troubles = Troubles(make.plan(*(make.action(Verb.LOST, run, "its bytes are nowhere") for run in runs)))
    for run in runs:
        troubles.add(RunFailed(address=run.address, cause="its bytes are nowhere", hint="x", request_id=""))
    (lost,) = troubles.told()
    assert (lost.runs, lost.example) == (102, "shots[i=0]")
    for way in ("git", "`specrun pull specs/shots.yaml`", "(and pays, 35.70 CNY) again"):
        assert way in lost.hint


def test_files_in_the_way_of_many_runs_are_one_cause(make: Any) -> None:
    runs = [make.run(axes={"i": str(i)}) for i in range(3)]
    troubles = Troubles(make.plan(*(make.action(Verb.CREATE, run, "not made yet") for run in runs)))
    for run in runs:
        troubles.add(
            RunFailed(address=run.address, cause=f"/x/{run.outputs[0]} is in the way", hint="move it", request_id="")
        )
    assert [each.runs for each in troubles.told()] == [3]


def test_what_is_sent_again_is_told_once_with_its_deadline_and_then_more_and_more_seldom() -> None:
    clock = [datetime(2026, 5, 31, 12)]  # noqa: DTZ001 (people read their own clock)
    retries = Retries(lambda: clock[0])
    lines = []
    for second in range(600):
        clock[0] = datetime(2026, 5, 31, 12) + timedelta(seconds=second)  # noqa: DTZ001
        again = Resending(
            address=f"a[i={second % 8}]",
            attempt=second,
            cause="no connection to h: Connection refused",
            status=None,
            request_id="",
            provider="box",
            base_url="http://h/v1",
            retry_for=600,
        )
        lines.append(retries.add(again))
    assert retries.add(Sent(address="a", attempt=1)) == ""
    whom = "provider box at http://h/v1 is tried"
    first = f"{whom} again for up to 600 s a run (`retry_for`), now until 12:10:00"
    later = f"as before, for 8 runs; {whom} until 12:10:00"
    cause = "again     no connection to h: Connection refused"
    told = {second: line for second, line in enumerate(lines) if line}
    assert told == {0: f"{cause}; {first}", **dict.fromkeys((60, 180, 420), f"{cause}, {later}")}


def test_the_deadline_of_a_server_that_was_never_reached_is_told_as_one_for_all() -> None:
    again = Resending(
        address="a",
        attempt=1,
        cause="no connection to h: Connection refused",
        status=None,
        request_id="",
        provider="box",
        base_url="http://h/v1",
        retry_for=60,
        reached=False,
    )
    line = Retries(lambda: datetime(2026, 5, 31, 12)).add(again)  # noqa: DTZ001 (people read their own clock)
    whom = "provider box at http://h/v1 is tried again for up to 60 s, as it was never reached, until 12:01:00"
    assert line == f"again     no connection to h: Connection refused; {whom}"


def test_interrupting_says_what_waits_and_once_more_what_that_leaves_unknown() -> None:
    told: list[Any] = []
    stop = Stop(told.append, lambda: 8)
    stop.interrupt()
    stop.interrupt()
    stop.interrupt()
    assert [(event.cause, event.hint) for event in told] == [
        ("interrupted", "waiting for the replies to 8 requests; once more ends at once, and leaves them unknown"),
        ("8 requests left unanswered", "they may have been billed, and their runs are held"),
    ]
