"""Where an apply's requests leave from: this process, or a Ray cluster."""

import contextlib
import os
import re
from contextlib import AbstractContextManager
from typing import Literal

import click

from specrun.cluster.start import Cluster

_ADDRESS = re.compile(r"(?:[^\s:/]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}")


def read_cluster_address(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Read where a cluster's head listens."""
    wrong = value and _wrong(value)
    if wrong:
        raise click.BadParameter(wrong, context, parameter)
    return value


def cluster_for(executor: Literal["local", "ray"], address: str | None) -> AbstractContextManager[Cluster | None]:
    """Return the cluster to enter, None inside where requests leave from this process; raises `UsageError`."""
    if executor == "local":
        if address is not None:
            raise click.UsageError("--address is a Ray cluster's; it goes with --executor ray")
        return contextlib.nullcontext()
    given = os.environ.get("RAY_ADDRESS")
    if address is None and given and _wrong(given):
        raise click.UsageError(f"RAY_ADDRESS: {_wrong(given)}")
    return Cluster(address or given or None)


def _wrong(address: str) -> str:
    """Return what is wrong with an address, empty where it is one."""
    if address.startswith("ray://"):
        return (
            f"{address!r} is for Ray's remote client; run this on a machine of the cluster, with its head's HOST:PORT"
        )
    return "" if _ADDRESS.fullmatch(address) else f"{address!r} is not a HOST:PORT like 10.0.0.1:6379"
