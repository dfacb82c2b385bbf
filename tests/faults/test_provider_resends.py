"""How often and how soon a server is asked again, over real sockets."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from asking import ENVIRON, QUICK, Recorder, ask, provider, request, with_client
from fault_server import Behaviour, FaultServer, Post, by_prompt
from faults import close_after_reading, error, good, hang, raw, slow

from specrun.diagnostics import InvalidInputError
from specrun.provider.client import ImageClient
from specrun.provider.outcome import Doom, Failed, Outcome, Received, Resend, Stopped, Unknown


def busy(**headers: str) -> Behaviour:
    return error(429, "rate_limit", headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        (busy(retry_after="0.2"), 0.2),
        (busy(retry_after="0.2", retry_after_ms="300"), 0.3),
        (busy(retry_after="1"), 1.0),
        (raw(503, b"", headers={"retry-after": "0.2"}), 0.2),
    ],
    ids=["a fraction", "milliseconds", "seconds", "503"],
)
def test_the_wait_that_a_server_asks_for_is_kept(fault: Behaviour, seconds: float) -> None:
    with FaultServer([fault, good()]) as server:
        answer = ask(server, retry_for=30.0)
    assert isinstance(answer.settled, Received)
    first, second = server.posts
    assert second.at - first.at >= seconds


def test_a_date_to_come_back_at_is_kept() -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    headers = {"retry_after": format_datetime(now + timedelta(seconds=1), usegmt=True), "date": format_datetime(now)}
    with FaultServer([busy(**headers), good()]) as server:
        ask(server, retry_for=30.0)
    first, second = server.posts
    assert second.at - first.at >= 1.0


@pytest.mark.parametrize("wish", ["0", "", "soon", "-5", "nan", "1e999", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_wish_that_cannot_be_kept_is_no_wish(wish: str) -> None:
    with FaultServer([busy(retry_after=wish), good()]) as server:
        answer = ask(server, retry_for=30.0)
    assert isinstance(answer.settled, Received)
    assert len(server.posts) == 2


def test_a_wait_longer_than_allowed_is_not_begun() -> None:
    with FaultServer([busy(retry_after="3600"), good()]) as server:
        answer = ask(server, retry_for=600.0)
    assert isinstance(answer.settled, Failed)
    assert answer.settled.cause.endswith("(rate_limit); tried once within 600 s")
    assert answer.settled.hint == "apply again later, or raise retry_for"
    assert len(server.posts) == 1


def test_resends_end_when_their_time_is_over() -> None:
    with FaultServer([busy()]) as server:
        answer = ask(server, retry_for=1.0)
    assert isinstance(answer.settled, Failed)
    assert answer.settled.status == 429
    assert 1 < len(server.posts) == len(answer.journal.outcomes)


def test_one_wish_holds_back_everyone() -> None:
    script = by_prompt({"first": [busy(retry_after="0.5"), good()]}, good())

    async def talk(client: ImageClient) -> None:
        first = asyncio.create_task(client.generate(request(1, prompt="first"), Recorder()))
        await until(lambda: was_told(server))
        await client.generate(request(2), Recorder())
        await first

    with FaultServer(script) as server:
        with_client(server, talk, retry_for=30.0)
    told, *others = server.posts
    assert [post.at - told.at >= 0.5 for post in others] == [True, True]


def test_a_wish_longer_than_allowed_holds_back_nobody() -> None:
    script = by_prompt({"first": [busy(retry_after="3600")]}, good())

    async def talk(client: ImageClient) -> list[Outcome | Stopped]:
        return [await client.generate(request(n, prompt=prompt), Recorder()) for n, prompt in enumerate(["first", "x"])]

    with FaultServer(script) as server:
        ends = with_client(server, talk, retry_for=600.0)
    assert [type(end) for end in ends] == [Failed, Received]


def was_told(server: FaultServer) -> bool:
    return bool(server.posts) and not server.in_flight


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 (the server lives in another thread)
        await asyncio.sleep(0.01)


def unsteady(post: Post) -> Behaviour:
    """Three in ten are told to slow down, one in ten that the service is away."""
    lot = post.number % 10
    if lot in (1, 4, 7):
        return busy(retry_after="0.01")
    return raw(503, b"") if lot == 9 else good()


def test_an_unsteady_server_makes_every_image_for_less_than_two_requests_each() -> None:
    async def talk(client: ImageClient) -> list[Outcome | Stopped]:
        return await asyncio.gather(*(client.generate(request(n), Recorder()) for n in range(200)))

    with FaultServer(unsteady) as server:
        ends = with_client(server, talk, retry_for=60.0)
    assert all(isinstance(end, Received) for end in ends)
    assert server.images_billed == 200
    assert len(server.posts) <= 1.8 * 200


def test_replies_lost_after_billing_are_never_asked_for_again() -> None:
    async def talk(client: ImageClient) -> list[Outcome | Stopped]:
        return await asyncio.gather(*(client.generate(request(n), Recorder()) for n in range(500)))

    with FaultServer([close_after_reading]) as server:
        ends = with_client(server, talk, concurrency=16)
    assert all(isinstance(end, Unknown) for end in ends)
    assert server.posts_by_key == {f"sha256:{n}.1": 1 for n in range(500)}


def test_no_more_are_under_way_than_allowed() -> None:
    async def talk(client: ImageClient) -> None:
        await asyncio.gather(*(client.generate(request(n), Recorder()) for n in range(40)))

    with FaultServer([slow(0.01, good())]) as server:
        with_client(server, talk, concurrency=4)
    assert server.most_in_flight == 4
    assert server.connections == 4


def test_a_bad_key_stops_all_at_once() -> None:
    async def talk(client: ImageClient) -> list[Outcome | Stopped]:
        return await asyncio.gather(*(client.generate(request(n), Recorder()) for n in range(100)))

    with FaultServer([error(401, "auth_error")]) as server:
        ends = with_client(server, talk, concurrency=4)
    assert all(isinstance(end, Doom) for end in ends)
    assert len(server.posts) <= 4


def test_a_doom_ends_what_waits_for_its_resend() -> None:
    script = by_prompt({"busy": [busy(retry_after="60")]}, slow(0.3, error(401, "auth_error")))

    async def talk(client: ImageClient) -> list[Outcome | Stopped]:
        busy_one, doomed = request(1, prompt="busy"), request(2)
        return await asyncio.gather(*(client.generate(each, Recorder()) for each in (busy_one, doomed)))

    with FaultServer(script) as server:
        ends = with_client(server, talk, retry_for=600.0)
    assert [type(end) for end in ends] == [Doom, Doom]


def test_stop_lets_finish_what_is_under_way_and_sends_nothing_more() -> None:
    async def talk(client: ImageClient) -> list[Outcome | Stopped]:
        tasks = [asyncio.create_task(client.generate(request(n), Recorder())) for n in range(10)]
        await until(lambda: len(server.posts) == 2)
        client.stop()
        return await asyncio.gather(*tasks)

    with FaultServer([slow(0.2, good())]) as server:
        ends = with_client(server, talk, concurrency=2)
    assert [type(end) for end in ends] == [Received] * 2 + [Stopped] * 8
    assert len(server.posts) == 2


def test_stop_ends_a_wait_for_a_resend() -> None:
    async def talk(client: ImageClient) -> Outcome | Stopped:
        task = asyncio.create_task(client.generate(request(), Recorder()))
        await until(lambda: was_told(server))
        client.stop()
        return await task

    with FaultServer([busy(retry_after="60")]) as server:
        end = with_client(server, talk, retry_for=600.0)
    assert end == Stopped(cause="stopped before it was sent")


def test_a_connection_that_the_server_closed_while_idle_is_not_used_again() -> None:
    async def talk(client: ImageClient) -> None:
        await client.generate(request(1), Recorder())
        await asyncio.to_thread(server.drop_connections)
        journal = Recorder()
        await client.generate(request(2), journal)
        assert [type(outcome) for outcome in journal.outcomes] == [Received]

    with FaultServer([good()]) as server:
        with_client(server, talk)
    assert server.connections == 2


def test_a_connection_lost_just_before_the_first_byte_took_nothing_with_it() -> None:
    class Dropping(Recorder):
        async def sent(self, attempt: int) -> None:
            if attempt == 1:
                await asyncio.to_thread(server.drop_connections)
                await asyncio.sleep(0.05)

    async def talk(client: ImageClient) -> None:
        await client.generate(request(1), Recorder())
        journal = Dropping()
        end = await client.generate(request(2), journal)
        assert [type(outcome) for outcome in journal.outcomes] == [Resend, Received]
        assert isinstance(end, Received)

    with FaultServer([good()]) as server:
        with_client(server, talk, retry_for=30.0)
    assert server.posts_by_key == {"sha256:1.1": 1, "sha256:2.1": 1}


@pytest.mark.parametrize("kind", [OSError, RuntimeError])
def test_what_cannot_be_recorded_is_not_sent(kind: type[Exception]) -> None:
    class Full(Recorder):
        async def sent(self, attempt: int) -> None:
            raise kind("the disk is full")

    with FaultServer([good()]) as server, pytest.raises(kind, match="the disk is full"):
        with_client(server, lambda client: client.generate(request(), Full()))
    assert server.posts == []


def test_a_cancelled_request_leaves_nothing_behind() -> None:
    async def talk(client: ImageClient) -> None:
        task = asyncio.create_task(client.generate(request(1), Recorder()))
        await until(lambda: len(server.posts) == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert isinstance(await client.generate(request(2, prompt="other"), Recorder()), Received)

    with FaultServer(by_prompt({"other": [good()]}, hang)) as server:
        with_client(server, talk, concurrency=1)


def test_without_a_key_nothing_is_sent_and_the_variable_is_named() -> None:
    async def enter() -> None:
        async with ImageClient(provider(server), environ={"FAULT_KEY": "  "}):
            pass

    with FaultServer([good()]) as server, pytest.raises(InvalidInputError) as caught:
        asyncio.run(enter())
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.detail == (
        "provider faulty reads its key from the environment variable FAULT_KEY, which is not set"
    )
    assert server.connections == 0


def test_the_key_is_read_when_it_is_needed() -> None:
    environ = {"FAULT_KEY": "first\n"}

    async def talk() -> None:
        async with ImageClient(provider(server), environ=environ, backoff=QUICK) as client:
            await client.generate(request(1), Recorder())
            environ["FAULT_KEY"] = "second"
            await client.generate(request(2), Recorder())

    with FaultServer([good()]) as server:
        asyncio.run(talk())
    assert [post.headers["authorization"] for post in server.posts] == ["Bearer first", "Bearer second"]


def test_a_provider_without_a_key_is_asked_without_one() -> None:
    with FaultServer([good()]) as server:
        ask(server, api_key_env=None)
    assert "authorization" not in server.posts[0].headers
    assert ENVIRON["FAULT_KEY"] not in str(server.posts)
