"""What a reply is taken for is decided by pure rules: these hold for any reply."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from specrun.model.project import Provider
from specrun.provider.decide import decide
from specrun.provider.outcome import Doom, Failed, Outcome, Received, Refused, Resend, Unknown
from specrun.provider.reply import NoReply, Reply
from specrun.provider.secret import Secret

PROVIDER = Provider(name="p", base_url="https://api.example/v1", api_key_env="P_KEY")
KEY = "sk-canary/7f3a9b+="

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(KEY) | st.just(f"x{KEY}y"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["data", "error", "detail", "message", "code", "type", "param", "url", "b64_json", "loc", "msg"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)
bodies = st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode())
headers = st.dictionaries(
    st.sampled_from(["retry-after", "retry-after-ms", "x-request-id", "date", "content-type"]),
    st.text(max_size=40) | st.just(KEY),
)
replies = st.builds(
    Reply, status=st.integers(100, 999), headers=headers, body=bodies, torn=st.sampled_from(["", "", "it broke off"])
)


def reply(status: int, document: Any) -> Outcome:
    return decide(Reply(status=status, headers={}, body=json.dumps(document).encode()), PROVIDER)


@given(replies)
def test_every_reply_is_decided_and_none_gives_the_key_away(evidence: Reply) -> None:
    outcome = decide(evidence, PROVIDER, Secret(KEY))
    shown = str(outcome)
    assert "canary" not in shown
    if not isinstance(outcome, Received):
        assert outcome.cause
    assert outcome.cause.isprintable()
    assert outcome.request_id.isprintable()
    assert decide(evidence, PROVIDER, Secret(KEY)) == outcome


@given(replies)
def test_nothing_is_resent_but_what_the_server_says_it_did_not_do(evidence: Reply) -> None:
    outcome = decide(evidence, PROVIDER)
    if isinstance(outcome, Resend):
        assert evidence.status in {429, 503} or not evidence.torn
        assert evidence.status not in {408, 502, 504}
        assert 200 <= evidence.status <= 511
    if evidence.status in {408, 502, 504}:
        assert isinstance(outcome, Unknown)
    if evidence.torn and evidence.status // 100 == 2:
        assert isinstance(outcome, Unknown)


@given(st.integers(200, 299), bodies)
def test_images_are_only_received_from_a_whole_2xx_with_a_list(status: int, body: bytes) -> None:
    outcome = decide(Reply(status=status, headers={}, body=body), PROVIDER)
    if isinstance(outcome, Received):
        assert len(outcome.items) == len(json.loads(body)["data"])


def test_what_never_left_is_resent_and_what_left_is_not() -> None:
    assert decide(NoReply(reason="no connection", left=False), PROVIDER) == Resend(cause="no connection")
    assert decide(NoReply(reason="it was lost", left=True), PROVIDER) == Unknown(
        cause="it was lost, after the request was sent"
    )


def test_a_torn_error_is_judged_by_its_status() -> None:
    torn = {
        status: decide(Reply(status=status, headers={}, torn="lost"), PROVIDER) for status in (400, 401, 429, 500, 503)
    }
    assert {status: type(outcome) for status, outcome in torn.items()} == {
        400: Failed,
        401: Doom,
        429: Resend,
        500: Unknown,
        503: Resend,
    }
    assert torn[429].cause == "the server answered 429 Too Many Requests, but lost"


def test_a_refusal_is_told_by_its_code_and_not_by_its_words() -> None:
    assert isinstance(reply(400, {"error": {"message": "sensitive to moderation", "code": "param_error"}}), Failed)
    assert isinstance(reply(400, {"error": {"message": "no", "type": "content_filter"}}), Refused)
    assert isinstance(reply(500, {"error": {"message": "no", "code": "moderation_blocked"}}), Refused)
    assert isinstance(reply(451, {}), Refused)


def test_doom_says_which_variable_to_look_at() -> None:
    outcome = reply(401, {"error": {"message": "bad key", "code": "auth_error"}})
    assert outcome == Doom(
        cause='the server answered 401 Unauthorized: "bad key" (auth_error)',
        hint="check the key in P_KEY, its quota and its allowed addresses; then apply again",
        status=401,
    )


def test_quota_that_is_gone_says_to_top_up() -> None:
    outcome = reply(429, {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}})
    assert isinstance(outcome, Doom)
    assert outcome.hint == "top up the account of provider p, or raise its quota; then apply again"
