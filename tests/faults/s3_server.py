"""A real S3-protocol server on loopback, whose answers can be made to go wrong."""

import contextlib
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias

import boto3
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import make_server

Environ: TypeAlias = Mapping[str, Any]
StartResponse: TypeAlias = Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What goes wrong with the next `times` requests of a method to an object: one kind of trouble."""

    method: str
    kind: str  # unavailable, hang, silent, cut, swap, denied
    times: int = 1


@dataclass
class S3Server:
    """The server: its address, what was asked of it, and what shall go wrong next."""

    url: str
    asked: list[tuple[str, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def bucket(self) -> str:
        """Make a bucket of its own and return its name."""
        name = f"team-{uuid.uuid4().hex[:12]}"
        self.client().create_bucket(Bucket=name)
        self.asked.clear()
        self.faults.clear()
        return name

    def client(self) -> Any:
        return boto3.client("s3", endpoint_url=self.url, region_name="us-east-1", **CREDENTIALS)

    def objects(self, bucket: str) -> dict[str, bytes]:
        """Return all that a bucket holds."""
        client = self.client()
        keys = [item["Key"] for item in client.list_objects_v2(Bucket=bucket).get("Contents", [])]
        found = {key: client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}
        del self.asked[-len(keys) - 1 :]
        return found

    def age(self, bucket: str, days: float) -> None:
        """Make all that a bucket holds older."""
        for key in s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[bucket].keys.values():
            key.last_modified -= timedelta(days=days)

    def environment(self) -> dict[str, str]:
        """Return what a person sets to reach it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": CREDENTIALS["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": CREDENTIALS["aws_secret_access_key"],
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def count(self, method: str) -> int:
        """Return how many requests of a method were asked."""
        return sum(asked == method for asked, _ in self.asked)


# Seconds that a request hangs.
HANGS = 1.5
CREDENTIALS = {"aws_access_key_id": "canary-access-4711", "aws_secret_access_key": "canary-secret-0815"}


class _Troubled:
    """The server's application behind one that lets things go wrong."""

    def __init__(self, application: Any, server: S3Server) -> None:
        self._application = application
        self._server = server
        self._lock = threading.Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        with self._lock:
            if "list-type=2" in environ.get("QUERY_STRING", ""):
                method = "LIST"
            self._server.asked.append((method, path))
            # What asks about a bucket as a whole stays well, but for listings and removals.
            fault = self._next(method) if path.count("/") > 1 or method in {"LIST", "POST"} else None
        match None if fault is None else fault.kind:
            case "unavailable":
                start_response("503 Slow Down", [("Content-Length", "0")])
                return [b""]
            case "denied":
                body = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
                start_response("403 Forbidden", [("Content-Length", str(len(body)))])
                return [body]
            case "hang":
                time.sleep(HANGS)
            case "silent":
                self._server.over.wait()
            case "cut" | "swap" as kind:
                return self._spoiled(environ, start_response, kind)
            case _:
                pass
        return self._application(environ, start_response)  # type: ignore[no-any-return]

    def _next(self, method: str) -> Fault | None:
        for position, fault in enumerate(self._server.faults):
            if fault.method == method:
                left = fault.times - 1
                self._server.faults[position : position + 1] = (
                    [Fault(method=method, kind=fault.kind, times=left)] if left else []
                )
                return fault
        return None

    def _spoiled(self, environ: Environ, start_response: StartResponse, kind: str) -> Iterable[bytes]:
        body = b"".join(self._application(environ, start_response))
        return [body[: len(body) // 2] if kind == "cut" else body[::-1]]


@contextlib.contextmanager
def s3_server() -> Iterator[S3Server]:
    """Run a server until the end of the block."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = S3Server(url="")
    application = _Troubled(DomainDispatcherApplication(create_backend_app), server)
    listening = make_server("127.0.0.1", 0, application, threaded=True)
    server.url = f"http://127.0.0.1:{listening.server_port}"
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        listening.shutdown()
        listening.server_close()
        thread.join()
