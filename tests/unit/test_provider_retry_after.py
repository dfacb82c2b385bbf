"""When to come back, in every form that servers say it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specrun.provider.backoff import Backoff
from specrun.provider.retry_after import retry_after

NOW = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7.0),
        ({"retry-after": "Fri, 01 May 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Fri, 01 May 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "Fri, 01 May 2026 12:00:30 GMT", "date": "Fri, 01 May 2026 12:00:20 GMT"}, 10.0),
        ({"retry-after": "Fri, 01 May 2026 13:00:30 +0100"}, 30.0),
        ({"retry-after": "Friday, 01-May-26 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Fri, 01 May 2026 12:00:30"}, 30.0),
        ({}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "a while"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "9" * 400}, None),
    ],
)
def test_the_seconds_to_wait_are_read(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


@given(st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms", "date"]), st.text()))
def test_no_header_can_make_it_fail(headers: dict[str, str]) -> None:
    seconds = retry_after(headers, NOW)
    assert seconds is None or seconds >= 0


@given(st.integers(1, 10**6), st.none() | st.floats(0, 10**6))
def test_no_wait_is_shorter_than_asked_or_longer_than_needed(attempt: int, asked: float | None) -> None:
    backoff = Backoff(base=1.0, cap=60.0)
    delay = backoff.delay(attempt, asked)
    assert (asked or 0.0) <= delay <= max(asked or 0.0, min(60.0, 2.0 ** min(attempt - 1, 64)))


def test_waits_are_spread_over_their_whole_range() -> None:
    delays = [Backoff(base=1.0, cap=8.0).delay(4) for _ in range(1000)]
    assert min(delays) < 1.0
    assert max(delays) > 7.0
