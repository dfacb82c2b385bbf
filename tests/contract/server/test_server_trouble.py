from pathlib import Path
from typing import Any

import httpx
import pytest
from api_server import FLUX, InProcess, Start, image_of

from specrun.catalog.models import Catalog
from specrun.diagnostics import InvalidInputError
from specrun.imaging import ImageError, decode_image
from specrun.server.app import create_app
from specrun.server.chaos import Chaos, Rule, Trouble
from specrun.server.chaos_file import load_chaos
from specrun.server.errors import ApiError
from specrun.server.pace import RateLimit
from specrun.server.settings import Settings

BODY = {"model": FLUX, "prompt": "a lamp", "size": "256x256"}


def troubled(catalog: Catalog, *rules: Rule) -> InProcess:
    return InProcess(create_app(catalog, settings=Settings(chaos=rules)))


def billed(sandbox: InProcess) -> int:
    return int(sandbox.get("/healthz").json()["billed_images"])


@pytest.mark.parametrize(
    ("status", "type_"),
    [(429, "rate_limit"), (500, "internal_error"), (503, "internal_error"), (402, "invalid_request_error")],
)
def test_a_rehearsed_status_is_answered_and_nothing_billed(catalog: Catalog, status: int, type_: str) -> None:
    sandbox = troubled(catalog, Rule(trouble=Trouble.STATUS, status=status, retry_after=0.5))
    reply = sandbox.generate(BODY)
    assert reply.status_code == status
    assert reply.json()["error"]["type"] == type_
    assert reply.headers["retry-after"] == "0.5"
    assert billed(sandbox) == 0


def test_a_rehearsed_refusal_reads_like_one_of_moderation(catalog: Catalog) -> None:
    reply = troubled(catalog, Rule(trouble=Trouble.MODERATION, match={"prompt": "*lamp*"})).generate(BODY)
    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == "sensitive_check_error"


def test_a_partial_answer_lacks_an_image_and_bills_the_rest(catalog: Catalog) -> None:
    sandbox = troubled(catalog, Rule(trouble=Trouble.PARTIAL))
    assert len(sandbox.generate(BODY | {"n": 3}).json()["data"]) == 2
    assert billed(sandbox) == 2


def test_an_expired_url_leads_nowhere(catalog: Catalog) -> None:
    sandbox = troubled(catalog, Rule(trouble=Trouble.EXPIRED_URL))
    reply = sandbox.generate(BODY)
    assert reply.status_code == 200
    assert sandbox.get(reply.json()["data"][0]["url"]).status_code == 404


def test_a_broken_image_does_not_decode(catalog: Catalog) -> None:
    sandbox = troubled(catalog, Rule(trouble=Trouble.BROKEN_IMAGE))
    broken = sandbox.get(sandbox.generate(BODY).json()["data"][0]["url"])
    with pytest.raises(ImageError):
        decode_image(broken.content)


def test_trouble_is_for_the_requests_that_match(catalog: Catalog) -> None:
    rules = (
        Rule(trouble=Trouble.STATUS, status=500, match={"model": "*/Flux-Kontext-*"}),
        Rule(trouble=Trouble.STATUS, status=503, match={"seed": "7", "prompt": "a*"}),
    )
    sandbox = troubled(catalog, *rules)
    assert [sandbox.generate(BODY | {"seed": seed}).status_code for seed in (6, 7)] == [200, 503]


def test_trouble_passes_after_so_many_times(catalog: Catalog) -> None:
    sandbox = troubled(catalog, Rule(trouble=Trouble.STATUS, times=2))
    assert [sandbox.generate(BODY).status_code for _ in range(4)] == [500, 500, 200, 200]


def test_lots_are_drawn_at_the_rate_and_alike_in_each_rehearsal() -> None:
    def struck(seed: int) -> list[bool]:
        chaos = Chaos([Rule(trouble=Trouble.PARTIAL, rate=0.25, seed=seed)])
        return [chaos.strike(BODY) is not None for _ in range(2000)]

    assert struck(1) == struck(1) != struck(2)
    assert 420 < sum(struck(1)) < 580


def test_a_chaos_file_says_what_befalls_whom(tmp_path: Path, catalog: Catalog) -> None:
    path = tmp_path / "trouble.yaml"
    path.write_text(
        """
- trouble: 429
  match: {model: "*/FLUX.1-dev", n: 2}
  rate: 0.5
  retry_after: 2
- trouble: lost-reply
  times: 1
  seed: 9
""",
        "utf-8",
    )
    first, second = load_chaos(path, catalog)
    assert first == Rule(
        trouble=Trouble.STATUS, status=429, match={"model": "*/FLUX.1-dev", "n": "2"}, rate=0.5, retry_after=2
    )
    assert second == Rule(trouble=Trouble.LOST_REPLY, status=0, times=1, seed=9)


def test_all_faults_of_a_chaos_file_are_told_with_their_places(tmp_path: Path, catalog: Catalog) -> None:
    path = tmp_path / "trouble.yaml"
    path.write_text(
        "- {trouble: lost-replies, rate: 3}\n- {rate: 0.5}\n- {trouble: 200}\n- {trouble: 500, when: x}\n"
        "- {trouble: 500, match: {promt: x}}\n- {trouble: 429, retry_after: -1}\n"
        "- {trouble: partial, retry_after: 1}\n",
        "utf-8",
    )
    with pytest.raises(InvalidInputError) as caught:
        load_chaos(path, catalog)
    found = [(fault.span.line if fault.span else 0, fault.summary, fault.hint) for fault in caught.value.diagnostics]
    assert found == [
        (1, "unknown trouble", 'did you mean "lost-reply"?'),
        (1, "value out of range", ""),
        (2, "missing key", found[2][2]),
        (3, "unknown trouble", found[3][2]),
        (4, "unknown key", found[4][2]),
        (5, "unknown parameter", 'did you mean "prompt"?'),
        (6, "value out of range", ""),
        (7, "unfitting key", ""),
    ]


@pytest.mark.parametrize(("pattern", "value"), [("3", 3.0), ("true", True), ("2.5", 2.5), ('["a"]', ["a"])])
def test_a_pattern_meets_values_as_they_are_written(pattern: str, value: Any) -> None:
    assert Rule(trouble=Trouble.PARTIAL, match={"x": pattern.replace("[", "[[]")}).fits({"x": value})


def test_a_rate_limit_lets_a_burst_through_and_then_an_even_flow() -> None:
    clock = [0.0]
    limit = RateLimit(2, now=lambda: clock[0])
    limit.take()
    limit.take()
    with pytest.raises(ApiError) as refused:
        limit.take()
    assert (refused.value.status, refused.value.headers) == (429, {"retry-after": "30"})
    clock[0] = 30
    limit.take()
    with pytest.raises(ApiError):
        limit.take()


@pytest.mark.parametrize("trouble", ["lost-reply", "truncated"])
def test_a_lost_answer_is_billed_but_never_arrives_whole(tmp_path: Path, start: Start, trouble: str) -> None:
    path = tmp_path / "trouble.yaml"
    path.write_text(f"- {{trouble: {trouble}, times: 1}}\n", "utf-8")
    served = start("--chaos", str(path))
    with httpx.Client(base_url=served.url) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            client.post("/v1/images/generations", json=BODY, headers={"idempotency-key": "k.1"})
        assert client.get("/healthz").json()["billed_images"] == 1
        again = client.post("/v1/images/generations", json=BODY, headers={"idempotency-key": "k.1"})
        assert image_of(client.get(again.json()["data"][0]["url"]).content).size == (256, 256)
        assert client.get("/healthz").json()["billed_images"] == 1


def test_the_log_says_which_trouble_struck(tmp_path: Path, start: Start) -> None:
    path = tmp_path / "trouble.yaml"
    path.write_text("- {trouble: partial, times: 1}\n- {trouble: lost-reply}\n", "utf-8")
    served = start("--chaos", str(path))
    with httpx.Client(base_url=served.url) as client:
        client.post("/v1/images/generations", json=BODY | {"n": 2})
        with pytest.raises(httpx.RemoteProtocolError):
            client.post("/v1/images/generations", json=BODY)
    assert served.interrupt() == 0
    told = [(line["chaos"], line["status"], line["billed"]) for line in served.log]
    assert told == [("partial", 200, 1), ("lost-reply", None, 1)]
