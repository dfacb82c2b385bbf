"""Where an apply's requests leave from: this process, or a Ray cluster."""

import contextlib
import os
import re
from contextlib import AbstractContextManager
from typing import Literal

import click

from specrun.cluster.start import Cluster

_ADDRESS = re.compile(r"auto|(?:[^\s:/]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}")


def read_cluster_address(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Read where a cluster's head listens."""
    if value is None or _ADDRESS.fullmatch(value):
        return value
    if value.startswith("ray://"):
        reason = (
            f"{value!r} is for Ray's remote client; run this on a machine of the cluster, with its head's HOST:PORT"
        )
    else:
        reason = f"{value!r} is not a HOST:PORT like 10.0.0.1:6379, nor auto"
    raise click.BadParameter(reason, context, parameter)


def cluster_for(executor: Literal["local", "ray"], address: str | None) -> AbstractContextManager[Cluster | None]:
    """Return the cluster to enter, None inside where requests leave from this process; raises `UsageError`."""
    if executor == "ray":
        return Cluster(address or os.environ.get("RAY_ADDRESS") or None)
    if address is not None:
        raise click.UsageError("--address is a Ray cluster's; it goes with --executor ray")
    return contextlib.nullcontext()
