"""Replies that make libraries raise what is no network error: each is that request's own end, sent once."""

import asyncio

import pytest
from asking import KEY, ask, provider
from fault_server import Behaviour, Exchange, FaultServer, picture

from specrun.provider.download import Downloader, DownloadError
from specrun.provider.outcome import Failed, Received, Settled, Unknown
from specrun.provider.results import Arrived, Missing


def whole(content: bytes) -> Behaviour:
    """Answer with bytes as they are, and close."""

    async def answer(exchange: Exchange) -> None:
        exchange.bill()
        exchange.writer.write(content)
        await exchange.writer.drain()
        exchange.writer.close()

    return answer


def reply(*headers: bytes, status: bytes = b"200 OK", body: bytes = b'{"data": []}') -> bytes:
    lines = [b"HTTP/1.1 " + status, *headers, b"content-length: %d" % len(body), b"", body]
    return b"\r\n".join(lines)


ODD: dict[str, tuple[bytes, type[Settled]]] = {
    "an endless wait": (reply(b"retry-after: " + b"9" * 400, status=b"503 Busy"), Failed),
    "a wait beyond the calendar": (
        reply(b"retry-after: Fri, 99 Foo 99999 99:99:99 +99999999", status=b"503 B"),
        Failed,
    ),
    "a wait across all of it": (
        reply(
            b"retry-after: Mon, 01 Jan 0001 00:00:00 +2359", b"date: Fri, 31 Dec 9999 23:59:59 -2359", status=b"429 B"
        ),
        Failed,
    ),
    "a charset of no name": (reply(b"content-type: application/json; charset=\xff\x80"), Received),
    "an encoding of no name": (reply(b"content-encoding: \xff"), Unknown),
    "a broken gzip": (reply(b"content-encoding: gzip", body=b"\x1f\x8bxxxxxxxxxxxxxxx"), Unknown),
    "a length below zero": (b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", Unknown),
    "a length of 300 digits": (b"HTTP/1.1 200 OK\r\ncontent-length: " + b"9" * 300 + b"\r\n\r\n", Unknown),
    "a chunk without an end": (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"F" * 40 + b"\r\nx",
        Unknown,
    ),
    "a flood of headers": (reply(*[b"a%d: b" % number for number in range(50_000)]), Unknown),
    "a header of a megabyte": (reply(b"a: " + b"b" * 1_000_000), Unknown),
    "a status of 20 digits": (b"HTTP/1.1 99999999999999999999 OK\r\n\r\n", Unknown),
    "only promises": (b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000, Unknown),
    "another protocol": (b"HTTP/1.1 101 Switch\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nabc", Unknown),
    "deep lists": (reply(body=b"[" * 200_000), Unknown),
    "deep errors": (reply(body=b'{"error":' * 50_000 + b"1" + b"}" * 50_000), Unknown),
    "a code of 5,000 digits": (reply(body=b'{"error":{"code":' + b"9" * 5_000 + b"}}", status=b"400 Bad"), Failed),
    "half a pair": (reply(body=b'{"error":{"message":"\\ud800 x"}}', status=b"400 Bad"), Failed),
    "half a pair as a URL": (reply(body=b'{"data":[{"url":"http://\\ud800/x"}]}'), Received),
    "half a pair as base64": (reply(body=b'{"data":[{"b64_json":"\\ud800"}]}'), Received),
    "numbers as images": (reply(body=b'{"data":[{"url":1e999,"b64_json":NaN}]}'), Received),
}


@pytest.mark.parametrize(("content", "expected"), ODD.values(), ids=ODD)
def test_an_odd_reply_is_its_request_s_own_end(content: bytes, expected: type[Settled]) -> None:
    with FaultServer([whole(content)]) as server:
        answer = ask(server, retry_for=0.0)
    assert isinstance(answer.settled, expected)
    assert not any(isinstance(arrival, Arrived) for arrival in answer.arrivals)
    assert len(server.posts) == 1


@pytest.mark.parametrize(
    "location",
    ["http://a..b/x", "http://xn--/x", "//.example/x", "http://[::g]/x", "http://a:99999/x", "x" * 70_000, "https:x"],
)
def test_a_redirect_to_nowhere_is_that_image_s_own_end(location: str) -> None:
    async def link(exchange: Exchange) -> None:
        exchange.bill(2)
        await exchange.reply(200, {"data": [{"url": "/moved"}, {"url": "/there"}]})

    with FaultServer([link]) as server:
        server.store("/moved", b"", statuses=[302] * 9, headers={"location": location})
        server.store("/there", picture("x"))
        moved, there = ask(server, images=2).arrivals
    assert isinstance(moved, Missing)
    assert not isinstance(there, Missing)


def test_whatever_else_a_reply_makes_raise_is_unknown_and_never_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last resort, for what nobody has thought of."""

    def stumble(*_arguments: object) -> object:
        raise ArithmeticError

    monkeypatch.setattr("specrun.provider.courier.decide", stumble)
    with FaultServer([whole(reply())]) as server:
        answer = ask(server, retry_for=30.0)
    assert answer.settled == Unknown(cause="what the server answered cannot be read (ArithmeticError)")
    assert len(server.posts) == 1


def test_whatever_else_a_download_makes_raise_is_that_image_s(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fetch() -> bytes:
        async with Downloader(provider(server)) as downloader:
            return await downloader.get(f"{server.origin}/x")

    def stumble(*_arguments: object) -> object:
        raise ArithmeticError

    monkeypatch.setattr("specrun.provider.download.read_body", stumble)
    with FaultServer([]) as server:
        server.store("/x", picture("x"))
        with pytest.raises(DownloadError, match="cannot be read"):
            asyncio.run(fetch())


def test_an_image_at_the_provider_s_own_url_with_the_key_in_it_is_fetched_and_the_url_told_nowhere() -> None:
    async def link(exchange: Exchange) -> None:
        exchange.bill()
        await exchange.reply(200, {"data": [{"url": f"/x.png?key={KEY}"}]})

    with FaultServer([link]) as server:
        server.store(f"/x.png?key={KEY}", picture("x"))
        answer = ask(server)
    assert isinstance(answer.settled, Received)
    assert answer.settled.items[0].link is None  # type: ignore[union-attr] # an image
    assert "canary" not in str(answer)
    assert not isinstance(answer.arrivals[0], Missing)
