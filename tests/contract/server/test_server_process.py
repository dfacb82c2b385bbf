import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from api_server import FLUX, InProcess, Start

from specrun.catalog.models import Catalog

BODY = {"model": FLUX, "prompt": "a lamp", "size": "256x256", "seed": 1}


def connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return socket.create_connection((parts.hostname, parts.port), timeout=20)


def run(*options: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "specrun", "serve", *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=os.environ | env,
    )


def test_a_served_picture_is_that_of_the_sandbox_inside(start: Start, sandbox: InProcess) -> None:
    with httpx.Client(base_url=start().url) as client:
        url = client.post("/v1/images/generations", json=BODY).json()["data"][0]["url"]
        served = client.get(url).content
    inside = sandbox.generate(BODY).json()["data"][0]["url"]
    assert served == sandbox.get(inside).content


def test_pictures_drawn_in_other_processes_are_the_same(start: Start, sandbox: InProcess) -> None:
    with httpx.Client(base_url=start("--workers", "2").url) as client:
        bodies = [BODY | {"seed": seed, "response_format": "b64_json"} for seed in range(20)]
        served = [client.post("/v1/images/generations", json=body).json()["data"] for body in bodies]
    assert served == [sandbox.generate(body).json()["data"] for body in bodies]


def test_each_request_is_a_line_of_the_log(start: Start) -> None:
    served = start()
    with httpx.Client(base_url=served.url) as client:
        reply = client.post("/v1/images/generations", json=BODY | {"n": 2})
        client.get("/v1/nothing%1b[31m")
    assert served.interrupt() == 0
    made, missing = served.log
    assert made["request_id"] == reply.headers["x-request-id"]
    assert (made["method"], made["path"], made["status"]) == ("POST", "/v1/images/generations", 200)
    assert (made["model"], made["billed"], made["client"]) == (FLUX, 2, "127.0.0.1")
    assert missing["status"] == 404
    assert served.said[-1] == "stopped\n"


def test_what_comes_after_an_early_answer_leaves_no_traceback_in_the_log(start: Start) -> None:
    served = start()
    head = b"POST /nope HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
    with connect(served.url) as early:
        early.sendall(head + b"5\r\nhello\r\n")
        assert early.recv(1000).startswith(b"HTTP/1.1 404 ")
        early.sendall(b"no length of a chunk\r\n")
        while early.recv(1000):
            pass
    assert served.interrupt() == 0
    assert not any("Traceback" in line or "Error" in line for line in served.said)


def test_a_failure_is_told_within_its_line_of_the_log(start: Start, tmp_path: Path) -> None:
    served = start(env={"TMPDIR": str(tmp_path)})
    (folder,) = tmp_path.glob("specrun-serve-*")
    folder.rmdir()
    with httpx.Client(base_url=served.url) as client, connect(served.url) as garbage:
        garbage.sendall(b"nonsense\r\n\r\n")
        assert garbage.recv(1000).startswith(b"HTTP/1.1 400 ")
        assert client.post("/v1/images/generations", json=BODY).status_code == 500
    assert served.interrupt() == 0
    (line,) = served.log
    assert line["status"] == 500
    assert "FileNotFoundError" in line["error"]
    assert served.said[1:] == ["stopped\n"]


def test_what_is_under_way_is_finished_before_the_server_stops(start: Start) -> None:
    served = start("--latency", "1")
    with ThreadPoolExecutor() as pool, httpx.Client(base_url=served.url) as client:
        reply = pool.submit(client.post, "/v1/images/generations", json=BODY)
        time.sleep(0.5)
        served.process.send_signal(signal.SIGTERM)
        assert reply.result(timeout=30).status_code == 200
    assert served.process.wait(timeout=30) == 0


def test_a_body_that_is_too_large_is_refused_before_it_was_sent(start: Start) -> None:
    with connect(start().url) as connection:
        head = (
            "POST /v1/images/generations HTTP/1.1\r\nHost: localhost\r\n"
            "Content-Type: application/json\r\nContent-Length: 104857600\r\n\r\n"
        )
        connection.sendall(head.encode() + b"{")
        assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_a_body_of_unknown_length_is_refused_at_the_limit(start: Start) -> None:
    with connect(start().url) as connection:
        head = (
            "POST /v1/images/generations HTTP/1.1\r\nHost: localhost\r\n"
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        connection.sendall(head.encode())
        sent = 0
        try:
            while sent < 100 << 20:
                connection.sendall(b"100000\r\n" + b" " * 0x100000 + b"\r\n")
                sent += 0x100000
        except ConnectionError:
            pass
        assert sent < 60 << 20


def test_slow_connections_keep_nobody_waiting(start: Start) -> None:
    url = start("--workers", "2").url
    slow = [connect(url) for _ in range(50)]
    stop = threading.Event()

    def drip() -> None:
        for connection in slow:
            connection.sendall(b"POST /v1/images/generations HTTP/1.1\r\nHost: localhost\r\n")
        while not stop.wait(0.2):
            for connection in slow:
                connection.sendall(b"x")

    dripping = threading.Thread(target=drip)
    dripping.start()
    try:
        with httpx.Client(base_url=url) as client:
            replies = [client.post("/v1/images/generations", json=BODY | {"seed": seed}) for seed in range(20)]
        assert {reply.status_code for reply in replies} == {200}
    finally:
        stop.set()
        dripping.join()
        for connection in slow:
            connection.close()


def test_without_a_key_only_this_machine_is_served() -> None:
    ended = run("--host", "0.0.0.0")
    assert ended.returncode == 64
    assert "asks for no key" in ended.stderr


def test_a_key_that_is_not_set_is_said_before_anything_is_served() -> None:
    ended = run("--api-key-env", "SPECRUN_TEST_KEY", SPECRUN_TEST_KEY=" ")
    assert ended.returncode == 1
    assert "SPECRUN_TEST_KEY is not set, or is empty" in ended.stderr


def test_a_key_from_the_environment_is_asked_for_and_never_shown(start: Start) -> None:
    served = start("--api-key-env", "SPECRUN_TEST_KEY", env={"SPECRUN_TEST_KEY": "canary-3141"})
    with httpx.Client(base_url=served.url) as client:
        assert client.post("/v1/images/generations", json=BODY).status_code == 401
        authorized = {"authorization": "Bearer canary-3141"}
        assert client.post("/v1/images/generations", json=BODY, headers=authorized).status_code == 200
    assert served.interrupt() == 0
    assert "canary" not in str(served.log) + "".join(served.said)


def test_a_port_in_use_is_said_plainly(start: Start) -> None:
    port = urlsplit(start().url).port
    ended = run("--port", str(port))
    assert ended.returncode == 64
    assert f"port {port} at 127.0.0.1 cannot be had" in ended.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--latency", "3-1"), "is no wait"),
        (("--url-ttl", "a week"), "is no duration"),
        (("--url-ttl", "99999999999d"), "is longer than ten years"),
        (("--weights", __file__), "add --engine diffusers"),
        (("--host", "127.0.0.1.nowhere.invalid", "--api-key-env", "PATH"), "give --host an address of this machine"),
        (("--host", "", "--api-key-env", "PATH"), "0.0.0.0 is every address"),
        (("--rate-limit", "0"), "not in the range"),
        (("--chaos", "nowhere.yaml"), "does not exist"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(options: tuple[str, ...], said: str) -> None:
    ended = run(*options)
    assert ended.returncode == 64
    assert said in ended.stderr


def test_a_name_can_be_allowed(start: Start) -> None:
    url = start("--allow-host", "Images.Test", "--allow-host", "other.test:8443").url
    statuses = [
        httpx.get(f"{url}/healthz", headers={"host": host}).status_code
        for host in ("images.test", "other.test:8443", "evil.example")
    ]
    assert statuses == [200, 200, 403]


def test_a_projects_own_models_are_served(start: Start, tmp_path: Path, catalog: Catalog) -> None:
    schema = json.loads(catalog.models[FLUX].path.read_text("utf-8"))
    schema["properties"]["model"]["const"] = "shop/own"
    schema["x-specrun"]["wire"] = {"steps": "num_inference_steps"}
    (tmp_path / "specrun.yaml").write_text("{}\n", "utf-8")
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "own.json").write_text(json.dumps(schema), "utf-8")
    with httpx.Client(base_url=start().url) as client:
        own = BODY | {"model": "shop/own", "response_format": "b64_json"}
        replies = [
            client.post("/v1/images/generations", json=own | steps)
            for steps in ({"num_inference_steps": 4}, {"steps": 4})
        ]
    assert [reply.status_code for reply in replies] == [200, 200]
    assert replies[0].json()["data"] == replies[1].json()["data"]
