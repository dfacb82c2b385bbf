"""Each way a server or a network can fail, over a real socket: what it is taken for, and how often it was asked."""

import pytest
from asking import Recorder, ask, request, with_client
from fault_server import Behaviour, FaultServer
from faults import (
    close_after_reading,
    cut_body,
    endless,
    error,
    good,
    gzip_bomb,
    hang,
    not_http,
    raw,
    reset_after_reading,
    says,
    slow_loris,
    torn_body,
    torn_headers,
)

from specrun.provider.outcome import Doom, Failed, Outcome, Received, Refused, Resend, Unknown

HTML = b"<html><head><title>502 Bad\x1b[31m Gateway</title></head><body>nginx</body></html>"

PERHAPS_BILLED = {
    "no reply in time": (hang, "no end of the reply in 0.5 s, after the request was sent"),
    "a reply that drips": (slow_loris, "the server answered 200 OK, but no end of the reply in 0.5 s"),
    "reset after the request was read": (reset_after_reading, "was lost, after the request was sent"),
    "closed after the request was read": (close_after_reading, "was lost, after the request was sent"),
    "reset in the headers": (torn_headers, "was lost, after the request was sent"),
    "reset in the body": (torn_body, "was lost"),
    "closed in a body of no stated length": (cut_body, "200 OK with a body that is not JSON"),
    "an answer that is not HTTP": (not_http, "not HTTP, after the request was sent"),
    "JSON without an end": (endless, "the reply is larger than 256 MiB"),
    "a gzip bomb": (gzip_bomb, "the reply is larger than 256 MiB"),
    "a gateway's own 524 that states an error": (says(524, {"status": 524, "detail": "A timeout occurred"}), "524"),
    "408": (error(408, "timeout"), '408 Request Timeout: "no" (timeout)'),
    "502 that states an error": (error(502, "internal_error"), '502 Bad Gateway: "no" (internal_error)'),
    "504 that states an error": (error(504, "gateway_timeout_error"), "504 Gateway Timeout"),
    "a bare 500": (raw(500, b""), "500 Internal Server Error with an empty body"),
    "a 500 page": (raw(500, HTML), '500 Internal Server Error with an HTML page: "502 Bad [31m Gateway"'),
    "a 500 whose JSON states nothing": (says(500, {"ok": False}), "JSON that states neither images nor an error"),
    "a 500 that is a timeout behind it": (error(500, "gateway_timeout_error"), "gateway_timeout_error"),
    "a 200 that is a page": (raw(200, HTML), '200 OK with an HTML page: "502 Bad [31m Gateway"'),
    "an empty 200": (raw(200, b"", "application/json"), "200 OK with an empty body"),
    "a 200 without a list": (says(200, {"created": 1}), "200 OK with JSON that states neither images nor an error"),
    "a 200 whose data is null": (says(200, {"data": None, "error": None}), "neither images nor an error"),
    "a 200 of too deep JSON": (raw(200, b"[" * 200_000, "application/json"), "not JSON"),
    "a 202": (says(202, {"task_id": "t1"}), "202 Accepted"),
    "a 200 that is a timeout": (says(200, {"error": {"code": "timeout", "message": "late"}}), '"late" (timeout)'),
}


@pytest.mark.parametrize(("fault", "cause"), PERHAPS_BILLED.values(), ids=PERHAPS_BILLED.keys())
def test_what_may_have_been_billed_is_unknown_and_never_resent(fault: Behaviour, cause: str) -> None:
    with FaultServer([fault, good()]) as server:
        answer = ask(server, timeout=0.5 if fault in (hang, slow_loris) else 20.0)
    assert isinstance(answer.settled, Unknown)
    assert cause in answer.settled.cause
    assert len(server.posts) == 1
    assert answer.journal.events == [("intended", 1), ("sent", 1), ("settled", 1)]


NOT_BILLED = {
    "429": (error(429, "rate_limit"), 429),
    "429 with nothing": (raw(429, b""), 429),
    "503": (error(503, "overloaded"), 503),
    "503 page": (raw(503, HTML), 503),
    "500 that states an error": (error(500, "internal_error", kind="server_error"), 500),
    "500 with error as a string": (says(500, {"error": "out of memory"}), 500),
    "500 with detail as a string": (says(500, {"detail": "out of memory"}), 500),
    "500 with detail as a list": (says(500, {"detail": [{"loc": ["body", "size"], "msg": "odd"}]}), 500),
    "a 200 that is a rate limit": (says(200, {"error": {"code": "rate_limit", "message": "slow down"}}), 200),
}


@pytest.mark.parametrize(("fault", "status"), NOT_BILLED.values(), ids=NOT_BILLED.keys())
def test_what_was_not_billed_is_sent_again_with_the_same_key(fault: Behaviour, status: int) -> None:
    with FaultServer([fault, fault, good()]) as server:
        answer = ask(server, retry_for=30.0)
    first, second, third = answer.journal.outcomes
    assert isinstance(first, Resend)
    assert isinstance(second, Resend)
    assert first.status == status
    assert third == answer.settled
    assert isinstance(answer.settled, Received)
    assert server.posts_by_key == {"sha256:1.1": 3}
    assert server.images_billed == 1
    assert answer.journal.events == [(event, n) for n in (1, 2, 3) for event in ("intended", "sent", "settled")]


ENDED = {
    "moderation": (error(400, "sensitive_check_error"), Refused, '"no" (sensitive_check_error)'),
    "moderation, elsewhere": (error(400, "moderation_blocked"), Refused, "moderation_blocked"),
    "moderation, in camel case": (error(400, "InputImageSensitiveContentDetected"), Refused, "sensitive"),
    "moderation in a 200": (says(200, {"error": {"code": "content_policy_violation"}}), Refused, "content_policy"),
    "moderation for every image": (
        says(200, {"data": [{"error": {"code": "OutputImageSensitiveContentDetected", "message": "hidden"}}]}),
        Refused,
        '"hidden"',
    ),
    "a bad parameter": (error(400, "param_error"), Failed, "param_error"),
    "a model that is not for this key": (error(400, "model_error"), Failed, "model_error"),
    "an error as a string": (says(400, {"error": "bad size"}), Failed, '400 Bad Request: "bad size"'),
    "a validation error": (
        says(422, {"detail": [{"loc": ["body", "size"], "msg": "not a size"}, {"loc": ["body"], "msg": "odd"}]}),
        Failed,
        '"body.size: not a size; body: odd"',
    ),
    "a detail as a string": (says(422, {"detail": "no response_format"}), Failed, '"no response_format"'),
    "404": (raw(404, HTML), Failed, "404 Not Found"),
    "413 page": (raw(413, b"too much", "text/plain"), Failed, "413"),
    "a redirect": (raw(307, b"", headers={"location": "https://elsewhere.example/"}), Failed, "307"),
    "an unknown status": (raw(499, b""), Failed, "499"),
    "a 403 page": (raw(403, HTML), Failed, "403 Forbidden with an HTML page"),
    "a bad key": (error(401, "auth_error"), Doom, "401 Unauthorized"),
    "401 page": (raw(401, HTML), Doom, "401 Unauthorized"),
    "402": (raw(402, b""), Doom, "402 Payment Required"),
    "quota gone": (error(403, "forbidden", kind="permission_error"), Doom, "permission_error"),
    "quota gone as 429": (error(429, "insufficient_quota"), Doom, "insufficient_quota"),
    "overdue": (error(403, "AccountOverdueError"), Doom, "accountoverdueerror"),
}


@pytest.mark.parametrize(("fault", "kind", "cause"), ENDED.values(), ids=ENDED.keys())
def test_what_is_said_for_good_is_asked_once(fault: Behaviour, kind: type[Outcome], cause: str) -> None:
    with FaultServer([fault, good()]) as server:
        answer = ask(server)
    assert type(answer.settled) is kind
    assert cause in answer.settled.cause
    assert len(server.posts) == 1
    assert server.images_billed == 0


def test_a_reset_before_the_request_is_read_may_have_been_billed() -> None:
    with FaultServer([good()]) as server:
        server.unread_resets = 1
        answer = ask(server)
    assert isinstance(answer.settled, Unknown)
    assert server.posts == []


def test_a_request_of_several_megabytes_arrives_whole() -> None:
    large = request(prompt="x" * 5_000_000)
    with FaultServer([good()]) as server:
        settled = with_client(server, lambda client: client.generate(large, Recorder()), timeout=20.0)
    assert isinstance(settled, Received)
    assert server.posts[0].content == large.body


def test_a_reply_of_50_mb_is_read() -> None:
    filler = "x" * 50_000_000
    with FaultServer([says(200, {"data": [], "filler": filler})]) as server:
        answer = ask(server, timeout=60.0)
    assert answer.settled == Received(items=())


def test_an_error_of_50_mb_is_not_read_to_its_end() -> None:
    with FaultServer([says(500, {"error": "x" * 50_000_000})]) as server:
        answer = ask(server, timeout=60.0)
    assert isinstance(answer.settled, Unknown)
    assert answer.settled.cause == "the server answered 500 Internal Server Error, but the reply is larger than 1 MiB"


def test_a_server_that_is_not_there_is_asked_until_the_time_is_over() -> None:
    with FaultServer([good()]) as server:
        pass
    answer = ask(server)
    assert isinstance(answer.settled, Doom)
    assert "Connection refused" in answer.settled.cause
    assert getattr(answer.journal.outcomes[0], "patience", None) == 0.2
    assert f"check base_url, {server.base_url}, and the network" in answer.settled.hint
    assert len(answer.journal.outcomes) > 1
    assert all(isinstance(outcome, Resend) for outcome in answer.journal.outcomes)
    assert ("sent", 1) not in answer.journal.events


def test_a_redirect_takes_the_key_nowhere() -> None:
    with FaultServer([good()]) as elsewhere:
        location = {"location": f"{elsewhere.base_url}/images/generations"}
        with FaultServer([raw(307, b"", headers=location)]) as server:
            answer = ask(server)
    assert isinstance(answer.settled, Failed)
    assert answer.settled.hint == "check the base_url of provider faulty"
    assert elsewhere.posts == []


def test_the_request_id_is_found_in_the_body_and_in_headers() -> None:
    with FaultServer([error(400, "param_error"), raw(400, b"", headers={"X-Request-Id": "abc\x01-1"})]) as server:
        first, second = ask(server), ask(server)
    assert isinstance(first.settled, Failed)
    assert isinstance(second.settled, Failed)
    assert (first.settled.request_id, second.settled.request_id) == ("req-0123456789", "abc -1")


def test_the_name_of_a_parameter_is_no_request_id() -> None:
    body = {"error": {"message": "bad", "code": "invalid_value", "param": "images[0].image_url"}}
    with FaultServer([says(400, body, {"x-request-id": "req-7"})]) as server:
        answer = ask(server)
    assert isinstance(answer.settled, Failed)
    assert answer.settled.request_id == "req-7"
