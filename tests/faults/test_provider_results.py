"""What comes back, in all its shapes, over real sockets: looked at whole, never paid for twice."""

import base64
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from asking import KEY, ask
from fault_server import Exchange, FaultServer, picture
from faults import good, gzipped, images, linked, says

from specrun.provider.outcome import FailedItem, ImageItem, Received
from specrun.provider.results import Arrived, Missing, Unusable


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def in_lines(content: bytes) -> str:
    return base64.encodebytes(content).decode().replace("\n", "\r\n")


SHAPES: dict[str, Callable[[bytes], str]] = {
    "plain": b64,
    "a data URL": lambda content: f"data:image/png;base64,{b64(content)}",
    "a data URL with parameters": lambda content: f"DATA:image/webp;name=x.png;base64,{b64(content)}",
    "line breaks": in_lines,
    "a data URL with line breaks": lambda content: f"data:image/png;base64,\n{in_lines(content)}",
    "no padding": lambda content: b64(content).rstrip("="),
    "spaces around": lambda content: f"  {b64(content)}\n",
    "the URL-safe alphabet": lambda content: base64.urlsafe_b64encode(content).decode(),
    "URL-safe, no padding": lambda content: base64.urlsafe_b64encode(content).decode().rstrip("="),
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_base64_is_read_in_every_shape(shape: Callable[[bytes], str]) -> None:
    with FaultServer([images(lambda content: {"b64_json": shape(content)})]) as server:
        answer = ask(server)
    (arrival,) = answer.arrivals
    assert isinstance(arrival, Arrived)
    assert arrival.image.data == picture("a lamp 1 0")


@pytest.mark.parametrize(
    ("kind", "media_type", "extension"),
    [
        ("PNG", "image/png", "png"),
        ("JPEG", "image/jpeg", "jpg"),
        ("WEBP", "image/webp", "webp"),
        ("GIF", "image/gif", "gif"),
        ("AVIF", "image/avif", "avif"),
    ],
)
def test_an_image_is_what_its_bytes_say(kind: str, media_type: str, extension: str) -> None:
    with FaultServer(
        [images(lambda content: {"b64_json": f"data:image/png;base64,{b64(content)}"}, kind=kind)]
    ) as server:
        answer = ask(server)
    (arrival,) = answer.arrivals
    assert isinstance(arrival, Arrived)
    image = arrival.image
    assert (image.media_type, image.extension, image.width, image.height) == (media_type, extension, 48, 40)


def broken(change: Callable[[bytes], bytes]) -> Any:
    return images(lambda content: {"b64_json": b64(change(content))})


@pytest.mark.parametrize(
    ("behaviour", "cause"),
    [
        (broken(lambda content: content[: len(content) // 2]), "starts like image/png, but is broken or incomplete"),
        (broken(lambda content: content[:-12]), "starts like image/png, but is broken or incomplete"),
        (broken(lambda content: content.replace(b"IDAT", b"IDAt")), "broken or incomplete"),
        (broken(lambda _content: b"<html>quota</html>"), "is not a PNG, JPEG, WebP, GIF or AVIF image"),
        (broken(lambda _content: b"\x89PNG\r\n\x1a\n"), "broken or incomplete"),
        (images(lambda _content: {"b64_json": "%%%"}), "is not base64"),
    ],
    ids=["half", "no end", "a damaged chunk", "a page", "a signature", "not base64"],
)
def test_bytes_that_are_no_image_are_kept_and_named(behaviour: Any, cause: str) -> None:
    with FaultServer([behaviour]) as server:
        answer = ask(server)
    (arrival,) = answer.arrivals
    assert isinstance(arrival, Unusable)
    assert cause in arrival.cause
    assert arrival.data
    assert len(server.posts) == 1


def test_good_images_survive_a_bad_neighbour() -> None:
    async def mixed(exchange: Exchange) -> None:
        exchange.bill(2)
        first, second, _ = exchange.pictures()
        failed = {"error": {"code": "model_server_error", "message": "out of memory"}}
        await exchange.reply(200, {"data": [{"b64_json": b64(first)}, failed, {"b64_json": b64(second)}, {}, "x"]})

    with FaultServer([mixed]) as server:
        answer = ask(server, images=3)
    assert isinstance(answer.settled, Received)
    assert answer.settled.items[1:2] + answer.settled.items[3:] == (
        FailedItem(cause='the server said "out of memory" (model_server_error)'),
        FailedItem(cause="the server gave neither a URL nor an image"),
        FailedItem(cause="the server listed something that is not an image"),
    )
    assert [type(arrival) for arrival in answer.arrivals] == [Arrived, Missing, Arrived, Missing, Missing]
    assert len(server.posts) == 1


@pytest.mark.parametrize(("count", "asked"), [(0, 1), (1, 4), (3, 2)])
def test_what_came_is_what_counts(count: int, asked: int) -> None:
    with FaultServer([images(lambda content: {"b64_json": b64(content)}, count=count)]) as server:
        answer = ask(server, images=asked)
    assert [type(arrival) for arrival in answer.arrivals] == [Arrived] * count
    assert len(server.posts) == 1


def test_an_error_beside_good_images_is_remembered() -> None:
    document = {"data": [{"b64_json": b64(picture("x"))}], "error": {"message": "one of two failed"}}
    with FaultServer([says(200, document, bill=True)]) as server:
        answer = ask(server)
    assert isinstance(answer.settled, Received)
    assert answer.settled.cause == '"one of two failed"'
    assert isinstance(answer.arrivals[0], Arrived)


def test_a_reply_that_was_compressed_unasked_is_read() -> None:
    with FaultServer([gzipped]) as server:
        answer = ask(server)
    assert isinstance(answer.arrivals[0], Arrived)
    assert server.posts[0].headers["accept-encoding"] == "identity"


def test_an_image_by_url_is_fetched_without_the_key() -> None:
    with FaultServer([linked()]) as server:
        answer = ask(server, images=2)
    assert [type(arrival) for arrival in answer.arrivals] == [Arrived, Arrived]
    assert len(server.gets) == 2
    assert KEY not in str(server.gets)


def test_a_relative_url_is_the_provider_s_and_gets_the_key() -> None:
    with FaultServer([linked(relative=True)]) as server:
        answer = ask(server)
    assert isinstance(answer.arrivals[0], Arrived)
    assert server.gets[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_signed_url_is_asked_for_as_it_was_written() -> None:
    query = "?X-Amz-Signature=a%2Fb%3d&X=1+2&&y=%zz&z=[~]|^'\"é"
    with FaultServer([linked(query=query)]) as server:
        answer = ask(server)
        assert isinstance(answer.arrivals[0], Missing)
    assert server.gets[0].target == "/img/1-0.png" + query.replace("é", "%C3%A9")


def test_a_data_url_where_a_url_is_expected_is_read() -> None:
    with FaultServer([images(lambda content: {"url": f"data:image/png;base64,{b64(content)}"})]) as server:
        answer = ask(server)
    assert isinstance(answer.arrivals[0], Arrived)


def test_with_both_a_url_and_base64_nothing_is_fetched() -> None:
    with FaultServer(
        [images(lambda content: {"b64_json": b64(content), "url": f"{server.origin}/img/x.png"})]
    ) as server:
        answer = ask(server)
    assert isinstance(answer.arrivals[0], Arrived)
    assert server.gets == []


def test_broken_base64_beside_a_url_is_fetched() -> None:
    with FaultServer([images(lambda content: {"b64_json": b64(content[:60]), "url": "/img/x.png"})]) as server:
        server.store("/img/x.png", picture("x"))
        answer = ask(server)
    assert isinstance(answer.arrivals[0], Arrived)
    assert len(server.posts) == 1


@pytest.mark.parametrize("statuses", [[500, 503, 429], [404, 404], [408]], ids=str)
def test_a_failed_download_is_a_download_again_and_not_a_generation(statuses: list[int]) -> None:
    with FaultServer([linked(statuses=list(statuses))]) as server:
        answer = ask(server, retry_for=30.0)
    assert isinstance(answer.arrivals[0], Arrived)
    assert len(server.gets) == len(statuses) + 1
    assert len(server.posts) == 1


def test_a_download_that_breaks_off_is_made_again() -> None:
    with FaultServer([linked(tears=2)]) as server:
        answer = ask(server, retry_for=30.0)
    assert isinstance(answer.arrivals[0], Arrived)
    assert len(server.gets) == 3
    assert len(server.posts) == 1


@pytest.mark.parametrize(("status", "gets"), [(403, 1), (410, 1), (404, 4)])
def test_an_image_that_is_gone_is_missing_and_its_url_kept(status: int, gets: int) -> None:
    with FaultServer([linked(statuses=[status] * 50)]) as server:
        answer = ask(server, retry_for=30.0)
    assert answer.arrivals == (
        Missing(cause=f"the server of the image answered {status}", url=f"{server.origin}/img/1-0.png"),
    )
    assert len(server.gets) == gets
    assert len(server.posts) == 1


def test_a_fetched_file_that_is_no_image_is_fetched_once_more_and_kept() -> None:
    with FaultServer([images(lambda _content: {"url": "/img/page"})]) as server:
        server.store("/img/page", b"<html>expired</html>", "text/html")
        answer = ask(server)
    (arrival,) = answer.arrivals
    assert isinstance(arrival, Unusable)
    assert (arrival.data, arrival.url) == (b"<html>expired</html>", "/img/page")
    assert len(server.gets) == 2


def test_a_download_without_an_end_is_given_up() -> None:
    async def drip(exchange: Exchange) -> None:
        await exchange.reply(200, {"data": [{"url": "/img/endless"}]})

    with FaultServer([drip]) as server:
        server.store("/img/endless", b"", endless=True)
        answer = ask(server, timeout=30.0)
    assert answer.arrivals == (Missing(cause="the reply is larger than 64 MiB", url="/img/endless"),)


def test_a_redirect_to_another_host_takes_no_key_along() -> None:
    with FaultServer([good()]) as cdn, FaultServer([images(lambda _content: {"url": "/img/moved"})]) as server:
        target = cdn.store("/signed.png?sig=a%2Fb", picture("x"))
        server.store("/img/moved", b"", statuses=[302], headers={"location": target})
        answer = ask(server)
    assert isinstance(answer.arrivals[0], Arrived)
    assert server.gets[0].headers["authorization"] == f"Bearer {KEY}"
    assert "authorization" not in cdn.gets[0].headers
    assert cdn.gets[0].target == "/signed.png?sig=a%2Fb"


def test_a_redirect_on_the_same_host_takes_no_key_along() -> None:
    with FaultServer([images(lambda _content: {"url": "/img/moved"})]) as server:
        server.store("/img/moved", b"", statuses=[307], headers={"location": "/img/there"})
        server.store("/img/there", picture("x"))
        answer = ask(server)
    assert isinstance(answer.arrivals[0], Arrived)
    assert ["authorization" in asked.headers for asked in server.gets] == [True, False]


def test_redirects_in_a_circle_end() -> None:
    with FaultServer([images(lambda _content: {"url": "/img/moved"})]) as server:
        server.store("/img/moved", b"", statuses=[302] * 50, headers={"location": "/img/moved"})
        answer = ask(server)
    assert answer.arrivals == (Missing(cause="more than 5 redirects", url="/img/moved"),)
    assert len(server.gets) == 6


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("http://127.0.0.2:1/x.png", "127.0.0.2 is in a private network"),
        ("http://localhost:1/x.png", "is in a private network"),
        ("http://2130706433:1/x.png", "2130706433 (127.0.0.1) is in a private network"),
        ("http://0x7f.2:1/x.png", "0x7f.2 (127.0.0.2) is in a private network"),
        ("http://[::1]:1/x.png", "::1 is in a private network"),
        ("http://[::ffff:10.0.0.1]:1/x.png", "is in a private network"),
        ("http://169.254.169.254/latest/meta-data/", "169.254.169.254 is in a private network"),
        ("https://10.1.2.3/x.png", "10.1.2.3 is in a private network"),
        ("http://user:word@127.0.0.1/x.png", "holds a user name"),
        ("http://example.com\\@127.0.0.2/x.png", "holds a user name"),
        ("file:///etc/passwd", "not one of http or https"),
        ("ftp://example.com/x.png", "not one of http or https"),
        ("http://[/x.png", "the URL leads nowhere: its host or port cannot be understood"),
        ("http://a..b/x", "the URL leads nowhere: its host is no host name"),
        ("http://.example/x", "its host is no host name"),
        ("http://xn--/x", "its host is no host name"),
        ("http://xn--a/x", "its host is no host name"),
        (f"http://{'a' * 64}.com/x", "its host is no host name"),
        (f"http://{'a.' * 200}com/x", "its host is no host name"),
        ("http://a%00b/x", "its host is no host name"),
        ("http://exa\u00admple.com/x", "its host is no host name"),
        ("http://256.1.1.1/x", "its host is no IP address"),
        ("http://[::g]/x", "its host or port cannot be understood"),
        ("http://[v1.x]/x", "its host is no IP address"),
        ("http://example.com:0/x", "port 0 is nobody's"),
        ("http://example.com:99999/x", "its host or port cannot be understood"),
        ("http://example.com:-1/x", "its host or port cannot be understood"),
        ("http://example\ud800.com/x", "it holds a control character"),
        ("http://a b/x.png", "not one of http or https"),
    ],
)
def test_a_server_cannot_send_us_where_it_likes(url: str, cause: str) -> None:
    with FaultServer([images(lambda _content: {"url": url})]) as server:
        answer = ask(server)
    (arrival,) = answer.arrivals
    assert isinstance(arrival, Missing)
    assert cause in arrival.cause
    assert server.gets == []


def test_a_redirect_into_a_private_network_is_not_followed() -> None:
    with FaultServer([images(lambda _content: {"url": "/img/moved"})]) as server:
        server.store("/img/moved", b"", statuses=[302], headers={"location": "http://127.0.0.3:9/admin"})
        answer = ask(server)
    assert answer.arrivals == (Missing(cause="127.0.0.3 is in a private network", url="/img/moved"),)


def test_private_addresses_are_reached_where_the_provider_allows_them() -> None:
    with FaultServer(
        [images(lambda _content: {"url": server.origin.replace("127.0.0.1", "localhost") + "/x"})]
    ) as server:
        server.store("/x", picture("x"))
        answer = ask(server, allow_private=True)
    assert isinstance(answer.arrivals[0], Arrived)


def test_a_url_that_holds_the_key_is_not_asked_for_nor_kept() -> None:
    with FaultServer([images(lambda _content: {"url": f"https://example.com/x?key={KEY}"})]) as server:
        answer = ask(server)
    assert answer.arrivals == (Missing(cause="the server gave a URL at another server that holds the API key"),)


def test_the_key_never_shows_in_what_a_server_echoes() -> None:
    message = f"key {KEY} and {quote(KEY, safe='')}, cut at {'x' * 283}{KEY}"
    documents = [
        {"error": {"message": message, "code": KEY, "param": f"req/{KEY}"}},
        {"error": KEY},
        {"detail": [{"loc": [KEY], "msg": KEY}]},
        {"data": [{"error": {"message": f"{KEY[:9]}\u200b{KEY[9:]}"}}, {"b64_json": "", "url": ""}]},
    ]
    for status in (200, 400, 401, 429, 500, 502):
        for document in documents:
            with FaultServer([says(status, document, {"x-request-id": KEY})]) as server:
                answer = ask(server, retry_for=0.001)
            assert not re.search("canary", str(answer.settled) + str(answer.arrivals) + str(answer.journal))


def test_answers_are_one_line_without_control_characters() -> None:
    message = "\x1b[2J\u202evil\r\n\x00 and\u2028so on " + "long " * 200
    with FaultServer([says(400, {"error": {"message": message}})]) as server:
        answer = ask(server)
    assert answer.settled.cause.startswith('the server answered 400 Bad Request: "[2Jvil and so on long long')
    assert answer.settled.cause.isprintable()
    assert len(answer.settled.cause) < 400


def test_an_item_holds_no_pixels_when_shown() -> None:
    assert repr(ImageItem(encoded="A" * 1000)) == "ImageItem(url=None)"
