from hypothesis import given
from hypothesis import strategies as st

from specrun.apply.breaker import HANDFUL, UNPROVEN, VAIN, Breaker
from specrun.apply.cause import Cause, Kind, cause_of
from specrun.provider.outcome import Doom, Failed, Refused, Resend, Stopped, Unknown

SCOPES = [(model, f"{model} {job}") for model in "ab" for job in "cd"]
AT_ONCE = (Kind.UNREACHED, Kind.DOOMED)
CAUSES = [Cause(kind=kind, mark=mark, text=mark) for kind in Kind if kind not in AT_ONCE for mark in ("x", "y")]
MET = st.one_of(st.none(), st.sampled_from(CAUSES))
STORIES = st.lists(st.tuples(st.sampled_from(SCOPES), MET), max_size=60)


def live(breaker: Breaker, scope: tuple[str, ...], met: Cause | None) -> bool:
    """Send one request, and say whether what it came to broke something."""
    turn = breaker.start(scope)
    if met is not None:
        return breaker.lost(turn, met) is not None
    breaker.answered(turn)
    breaker.succeeded(turn)
    return False


@given(story=STORIES)
def test_nothing_breaks_before_one_cause_has_met_a_handful_and_none_succeeded_there(
    story: list[tuple[tuple[str, str], Cause | None]],
) -> None:
    breaker = Breaker()
    since: dict[tuple[str, ...], list[Cause]] = {}
    for scope, met in story:
        broken = breaker.lost(breaker.start(scope), met) if met is not None else None
        if met is None:
            live(breaker, scope, None)
        for around in ((), scope[:1], scope):
            since[around] = [] if met is None else [*since.get(around, []), met]
        if broken is not None:
            assert broken.scope == scope[: len(broken.scope)]
            assert since[broken.scope].count(broken.cause) == broken.requests >= HANDFUL


@given(story=STORIES, scope=st.sampled_from(SCOPES), cause=st.sampled_from(CAUSES))
def test_a_handful_of_the_same_in_a_row_breaks_whatever_was_before(
    story: list[tuple[tuple[str, str], Cause | None]], scope: tuple[str, str], cause: Cause
) -> None:
    breaker = Breaker()
    for each, met in story:
        live(breaker, each, met)
    for _ in range(HANDFUL + 1):
        live(breaker, scope, cause)
    assert breaker.broken(scope) is not None


@given(story=STORIES)
def test_there_is_always_room_for_one_and_for_few_until_one_has_succeeded(
    story: list[tuple[tuple[str, str], Cause | None]],
) -> None:
    breaker = Breaker()
    assert breaker.room == UNPROVEN
    for scope, met in story:
        live(breaker, scope, met)
        assert breaker.room is None if met is None else 1 <= (breaker.room or 0) < UNPROVEN


def test_a_cause_ends_what_it_fills_and_the_whole_once_it_is_seen_in_two_parts() -> None:
    breaker = Breaker()
    rejected = Cause(kind=Kind.REJECTED, mark="size", text="size")
    for _ in range(HANDFUL):
        live(breaker, ("a", "c"), rejected)
    assert breaker.broken(("a", "c")) is not None
    assert breaker.broken(("a", "d")) is None
    assert live(breaker, ("a", "d"), rejected)
    assert breaker.broken(("a", "e")) is not None
    assert breaker.broken(("b", "c")) is None
    assert live(breaker, ("b", "c"), rejected)
    assert breaker.broken(("f", "g")) is not None


def test_a_slow_model_ends_all_its_jobs_also_while_another_succeeds() -> None:
    breaker = Breaker()
    late = Cause(kind=Kind.LATE, mark="late", text="late")
    for job in range(HANDFUL):
        live(breaker, ("a", str(job)), late)
        live(breaker, ("b", "c"), None)
    assert breaker.broken(("a", "new")) is not None
    assert breaker.broken(("b", "c")) is None


def test_causes_are_told_apart_by_what_the_server_does_and_only_rejections_by_its_words() -> None:
    def kind(settled: Unknown | Failed) -> tuple[Kind, str]:
        cause = cause_of(settled)
        assert cause is not None
        return cause.kind, cause.mark

    assert kind(Unknown(cause="no reply in 1 s", late=True))[0] is Kind.LATE
    assert kind(Unknown(cause="lost"))[0] is Kind.LOST
    assert kind(Unknown(cause="page 1", status=502)) == kind(Unknown(cause="page 2", status=502))
    assert kind(Unknown(cause="page 1", status=200))[0] is Kind.UNREADABLE
    assert kind(Failed(cause="tried twice", last=Resend(cause="no connection")))[0] is Kind.UNREACHED
    assert kind(Failed(cause="tried", last=Resend(cause="busy", status=429)))[0] is Kind.BUSY
    assert kind(Failed(cause="a", status=404)) == kind(Failed(cause="b", status=404))
    same = [kind(Failed(cause=f"bad size (req_{i})", status=400, request_id=f"req_{i}")) for i in range(2)]
    assert same[0] == same[1]
    assert kind(Failed(cause="bad size 1", status=400)) != kind(Failed(cause="bad size 2", status=400))
    for outcome in (Refused(cause="no"), Stopped(cause="stopped")):
        assert cause_of(outcome) is None


def test_what_dooms_every_request_to_a_provider_breaks_at_once_whatever_came_before() -> None:
    breaker = Breaker()
    live(breaker, ("a", "c"), None)
    doom = cause_of(Doom(cause="no key", hint="set one"))
    assert doom is not None
    assert live(breaker, ("a", "c"), doom)
    broken = breaker.broken(("b", "d"))
    assert broken is not None
    assert (broken.scope, broken.cause.text, broken.cause.hint) == ((), "no key", "set one")


@given(
    parts=st.lists(st.tuples(st.sampled_from(SCOPES), st.sampled_from(list(Kind)), st.integers(0, 99)), min_size=200)
)
def test_what_is_paid_for_in_vain_is_bounded_however_its_causes_change(
    parts: list[tuple[tuple[str, str], Kind, int]],
) -> None:
    breaker = Breaker()
    sent = 0
    for scope, kind, number in parts:
        if breaker.broken(scope) is None:
            live(breaker, scope, Cause(kind=kind, mark=str(number), text="", vain=True))
            sent += 1
    models = len({model for model, _ in SCOPES})
    assert sent <= models * VAIN


def test_images_between_what_is_in_vain_begin_the_count_anew() -> None:
    breaker = Breaker()
    some = Cause(kind=Kind.IMAGES, mark="3 of 4", text="3 of 4")
    for number in range(10 * VAIN):
        met = None if number % VAIN == 0 else Cause(kind=Kind.ERROR, mark=str(number), text="", vain=True)
        assert not live(breaker, ("a", "c"), met)
    for number in range(HANDFUL - 1):
        live(breaker, ("a", "c"), some)
        for lost in range(HANDFUL):
            assert not live(breaker, ("a", "c"), Cause(kind=Kind.ERROR, mark=f"{number} {lost}", text="", vain=True))
