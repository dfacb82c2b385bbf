"""Shared stores by their address: a folder, or a bucket through fsspec."""

import contextlib
import hashlib
import logging
import pkgutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from specrun.atomic import write_atomic
from specrun.diagnostics import Diagnostic, SpecrunError
from specrun.model.project import StoreSettings
from specrun.store.shared import Objects, SharedStore

# Seconds; a bucket that says nothing for so long counts as out of reach.
_CONNECT, _READ = 10, 60


class NoClientError(SpecrunError):
    """The client of a shared store's service is not installed."""


class UnopenedError(SpecrunError):
    """A shared store whose client does not find what it needs."""


class _Service(msgspec.Struct, frozen=True, kw_only=True):
    """How a service is spoken to: the class of its client, its options, and the exceptions that are the network's."""

    client: str
    extra: str
    faults: tuple[str, ...]
    options: Mapping[str, Any] = msgspec.field(default_factory=dict)


# One try each, since `SharedStore` tries again itself.
_S3 = _Service(
    client="s3fs:S3FileSystem",
    extra="s3",
    faults=("botocore.exceptions:BotoCoreError", "botocore.exceptions:ClientError", "aiohttp:ClientError"),
    options={
        "config_kwargs": {
            "connect_timeout": _CONNECT,
            "read_timeout": _READ,
            "retries": {"total_max_attempts": 1, "mode": "standard"},
        },
        "max_concurrency": 1,  # else each read begins with a question for the size
    },
)
_SERVICES: Mapping[str, _Service] = {
    "s3": _S3,
    "gs": _Service(
        client="gcsfs:GCSFileSystem",
        extra="gs",
        faults=("gcsfs.retry:HttpError", "google.auth.exceptions:GoogleAuthError", "aiohttp:ClientError"),
    ),
    "az": _Service(
        client="adlfs:AzureBlobFileSystem",
        extra="az",
        # Removals that fail are wrapped in a RuntimeError.
        faults=("azure.core.exceptions:AzureError", "aiohttp:ClientError", "builtins:RuntimeError"),
    ),
    "http": _Service(
        client="fsspec.implementations.http:HTTPFileSystem", extra="http", faults=("aiohttp:ClientError",)
    ),
}


class _Folder:
    """A folder as a bucket; written atomically, which fsspec's own local files are not."""

    def cat_file(self, path: str) -> bytes:
        return Path(path).read_bytes()

    def pipe_file(self, path: str, value: bytes) -> None:
        write_atomic(Path(path), value)

    def info(self, path: str) -> Mapping[str, Any]:
        data = Path(path).read_bytes()
        since = datetime.fromtimestamp(Path(path).stat().st_mtime, UTC)
        return {"size": len(data), "ETag": hashlib.md5(data, usedforsecurity=False).hexdigest(), "mtime": since}

    def find(self, path: str, *, detail: bool) -> Mapping[str, Mapping[str, Any]]:  # noqa: ARG002 - fsspec's signature
        found: dict[str, Mapping[str, Any]] = {}
        for file in Path(path).rglob("*"):
            with contextlib.suppress(FileNotFoundError):  # a temporary file that has got its name meanwhile
                if file.is_file():
                    status = file.stat()
                    since = datetime.fromtimestamp(status.st_mtime, UTC)
                    found[file.as_posix()] = {"size": status.st_size, "mtime": since}
        return found

    def rm(self, path: list[str]) -> None:
        for name in path:
            Path(name).unlink(missing_ok=True)


def open_shared(settings: StoreSettings) -> SharedStore:
    """Return the store that a project names. Raises `NoClientError`, `UnopenedError`."""
    parts = urlsplit(settings.url)
    if parts.scheme == "file":
        return SharedStore(
            _Folder(), unquote(parts.path), url=settings.url, writable=settings.writable, faults=(OSError,)
        )
    service = _SERVICES[parts.scheme.replace("https", "http")]
    root = settings.url if service.extra == "http" else f"{parts.netloc}{parts.path}"
    _quieten(service)
    try:
        client = pkgutil.resolve_name(service.client)
        faults = tuple(pkgutil.resolve_name(name) for name in service.faults)
    except ImportError as error:
        raise NoClientError(
            Diagnostic(
                summary="shared store without its client",
                detail=f"{settings.url} needs a package that is not installed: {error.name}",
                hint=f"pip install 'specrun[{service.extra}]'",
            )
        ) from error
    faults = (OSError, ValueError, *faults)
    try:
        objects: Objects = client(skip_instance_cache=True, use_listings_cache=False, **service.options)
    except faults as error:
        # Clients of Google and Azure look for credentials at once.
        raise UnopenedError(
            Diagnostic(
                summary="shared store that cannot be opened",
                detail=f"{settings.url}: {error}",
                hint="set the service's credentials in the environment",
            )
        ) from error
    if hasattr(objects, "retries"):
        objects.retries = 1
    return SharedStore(objects, root, url=settings.url, writable=settings.writable, faults=faults)


def _quieten(service: _Service) -> None:
    """Keep clients from logging, tracebacks included, what this store says in words of its own."""
    for name in {path.partition(".")[0].partition(":")[0] for path in (service.client, *service.faults)}:
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
