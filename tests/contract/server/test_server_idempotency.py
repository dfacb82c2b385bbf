import asyncio

import httpx
import pytest
from api_server import FLUX, InProcess, generation

from specrun.server.idempotency import Answers

BODY = {"model": FLUX, "prompt": "a lamp", "size": "256x256"}


def billed(sandbox: InProcess) -> int:
    return int(sandbox.get("/healthz").json()["billed_images"])


def test_the_same_key_and_body_get_the_same_answer_and_one_bill(sandbox: InProcess) -> None:
    first, second = (sandbox.generate(BODY, idempotency_key="k.1") for _ in range(2))
    assert first.content == second.content
    assert billed(sandbox) == 1


def test_without_a_key_each_request_is_billed(sandbox: InProcess) -> None:
    first, second = (sandbox.generate(BODY) for _ in range(2))
    assert first.content != second.content
    assert billed(sandbox) == 2


def test_twins_at_the_same_moment_are_made_once(sandbox: InProcess) -> None:
    replies = sandbox(*(generation(BODY, idempotency_key="k.1") for _ in range(5)))
    assert len({reply.content for reply in replies}) == 1
    assert billed(sandbox) == 1


def test_another_body_under_one_key_is_a_conflict(sandbox: InProcess) -> None:
    sandbox.generate(BODY, idempotency_key="k.1")
    reply = sandbox.generate(BODY | {"prompt": "a chair"}, idempotency_key="k.1")
    assert reply.status_code == 409
    assert reply.json()["error"]["code"] == "idempotency_key_reused"
    assert billed(sandbox) == 1


def test_a_refused_request_does_not_use_its_key_up(sandbox: InProcess) -> None:
    assert sandbox.generate(BODY | {"size": "1x1"}, idempotency_key="k.1").status_code == 400
    assert sandbox.generate(BODY, idempotency_key="k.1").status_code == 200


@pytest.mark.parametrize("key", ["", "x" * 256, "two words", "caf\xe9", "tab\there"])
def test_a_key_that_cannot_be_kept_is_refused(sandbox: InProcess, key: str) -> None:
    request = generation(BODY)
    request.headers = httpx.Headers([*request.headers.raw, (b"Idempotency-Key", key.encode("latin-1"))])
    (reply,) = sandbox(request)
    assert reply.status_code == 400
    assert reply.json()["error"]["message"].startswith("an Idempotency-Key is 1 to 255 visible ASCII characters")
    assert billed(sandbox) == 0


def test_keys_are_forgotten_after_a_day_and_where_there_is_no_room() -> None:
    clock = [0.0]
    made: list[str] = []

    async def ask(answers: Answers, key: str) -> None:
        async def work() -> bytes:
            made.append(key)
            return b"x" * 60

        await answers.once(key, "body", work)

    async def story() -> None:
        answers = Answers(kept_bytes=100, now=lambda: clock[0])
        for key in ("a", "a", "b", "b", "a"):
            await ask(answers, key)
        clock[0] += 86_400
        await ask(answers, "a")

    asyncio.run(story())
    assert made == ["a", "b", "a", "a"]


def test_who_waits_for_a_twin_hears_of_its_failure() -> None:
    async def story() -> list[object]:
        answers = Answers()

        async def fail() -> bytes:
            await asyncio.sleep(0)
            raise httpx.HTTPError("out of ink")

        return await asyncio.gather(*(answers.once("k", "b", fail) for _ in range(2)), return_exceptions=True)

    assert [str(failure) for failure in asyncio.run(story())] == ["out of ink", "out of ink"]
