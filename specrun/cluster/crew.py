"""The workers of a cluster that carry for one provider, started and seen to be fit for it."""

import asyncio
import secrets
from collections.abc import Iterable

import ray
from msgspec.structs import replace
from ray.exceptions import RayError

from specrun import __version__
from specrun.cluster.line import Line
from specrun.cluster.start import ClusterError
from specrun.cluster.worker import CourierFactory, Opened, Worker
from specrun.diagnostics import Diagnostic
from specrun.store.blobs import Blobs

# A cluster whose processors are all taken may never have one free.
_START = 60.0
_NO_ROOM = Diagnostic(
    summary="no Ray worker starts",
    detail="the cluster has no processor free for one",
    hint="wait for its other work to end, or give it machines; `ray status` shows what it has",
)


async def gather_crew(courier: CourierFactory, store: Blobs, size: int) -> list[Line]:
    """Start workers, spread over the cluster's machines, and return those that run.

    Raises `ClusterError` where none does in time, or where one cannot start or lacks what it needs. None is ever
    started again: a worker that is lost takes with it whether its requests were billed.
    """
    actor = ray.remote(max_restarts=0, max_task_retries=0, scheduling_strategy="SPREAD")(Worker)
    # Where a worker finds this one, it writes to the driver's own store.
    probe = store.put(secrets.token_bytes(32))
    try:
        lines = [Line(actor.remote(courier, store, probe)) for _ in range(size)]
        opening = {asyncio.create_task(line.open()): line for line in lines}
        done, late = await asyncio.wait(opening, timeout=_START) if opening else (set(), set())
    finally:
        store.path(probe).unlink(missing_ok=True)
    for task in late:
        task.cancel()
        opening[task].close()
    troubles = [error for task in done if (error := task.exception()) is not None]
    opened = {opening[task]: task.result() for task in done if task.exception() is None}
    faults = [*_failures(troubles), *_faults(opened.values())]
    if not done:
        faults.append(_NO_ROOM)
    if faults:
        for line in opened:
            line.close()
        raise ClusterError(*faults)
    return list(opened)


def _faults(opened: Iterable[Opened]) -> Iterable[Diagnostic]:
    """Yield what is wrong on each machine, once."""
    for host, version, faults in dict.fromkeys((each.host, each.version, each.faults) for each in opened):
        if version != __version__:
            yield Diagnostic(
                summary="another specrun on a worker",
                detail=f"the Ray worker on {host} has specrun {version}; here it is {__version__}",
                hint="install the same version on all machines of the cluster",
            )
        for fault in faults:
            hint = "workers read keys from their own environment: set it where `ray start` runs on that machine"
            yield replace(fault, detail=f"on the Ray worker on {host}: {fault.detail}", hint=hint)


def _failures(troubles: Iterable[BaseException]) -> Iterable[Diagnostic]:
    """Yield why workers do not start, each reason once."""
    reasons = []
    for trouble in troubles:
        if not isinstance(trouble, RayError):
            raise trouble
        lines = [line.strip() for line in str(trouble).splitlines() if line.strip()]
        reasons.append(next((line for line in reversed(lines) if "Error:" in line), lines[0] if lines else ""))
    for reason in dict.fromkeys(reasons):
        hint = "specrun and what it needs must be installed on every machine of the cluster"
        yield Diagnostic(summary="a Ray worker does not start", detail=reason, hint=hint)
