"""The Ray cluster of one command: joined, or started on this machine, when the first request needs it."""

import importlib.util
import logging
import os
import secrets
import signal
import socket
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

from specrun.diagnostics import Diagnostic, SpecrunError, UsageError

# Nobody answered for so long: nobody will.
_CONNECT: Final = 5.0
_LONGEST: Final = 400
# Read by Ray when it is imported, and passed on to what it starts.
_QUIET: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Else Ray sends the working folder along, store and all, where `uv run` started specrun.
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


class ClusterError(SpecrunError):
    """A Ray cluster that cannot be used."""


class Cluster:
    """Ray, at `address` (`host:port` of a head), or where None one of its own on this machine that ends with this.

    Raises `UsageError` where Ray is not installed.
    """

    def __init__(self, address: str | None) -> None:
        if importlib.util.find_spec("ray") is None:
            detail = "--executor ray hands requests to Ray, which is not installed"
            raise UsageError(
                Diagnostic(summary="extra not installed", detail=detail, hint="pip install 'specrun[ray]'")
            )
        self._address = address
        self._joined = False

    def __enter__(self) -> Self:
        """Prepare what Ray reads when it is imported; nothing is started yet."""
        os.environ.update(_QUIET)
        if self._address is None:
            # Whoever else reaches this machine's ports must not run code here.
            os.environ.setdefault("RAY_AUTH_MODE", "token")
            os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
        else:
            os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "1")
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._joined:
            import ray  # noqa: PLC0415 (not before it is asked for)

            ray.shutdown()

    def join(self) -> int:
        """Connect to the cluster, once, and return how many processors it has; raises `ClusterError`."""
        import ray  # noqa: PLC0415 (not before it is asked for)

        if not self._joined:
            _check_reachable(self._address)
            _init(self._address)
            self._joined = True
        resources: Mapping[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        return int(resources.get("CPU", 0))


def _check_reachable(address: str | None) -> None:
    """Raise `ClusterError` at once where nobody listens; Ray itself would try for minutes."""
    if address is None:
        return
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT).close()
    except (OSError, OverflowError) as error:
        raise _unusable(address, getattr(error, "strerror", None) or "nobody answers") from error


def _init(address: str | None) -> None:
    import ray  # noqa: PLC0415 (not before it is asked for)

    own: dict[str, Any] = {"include_dashboard": False} if address is None else {}
    main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address or "local", log_to_driver=False, logging_level=logging.CRITICAL, **own)
    except Exception as error:
        raise _unusable(address, " ".join(str(error).split())[:_LONGEST]) from error
    finally:
        if main:
            # Ray leaves its own, which would end an apply in the middle.
            signal.signal(signal.SIGTERM, before)


def _unusable(address: str | None, why: str) -> ClusterError:
    where = "on this machine" if address is None else f"at {address}"
    hint = "--address is the host:port that `ray start --head` named; a token, if it wants one, goes in RAY_AUTH_TOKEN"
    return ClusterError(
        Diagnostic(
            summary="no Ray cluster",
            detail=f"no Ray {where} that can be used: {why}",
            hint="see Ray's logs in /tmp/ray/session_latest/logs" if address is None else hint,
        )
    )
