"""A machine's share of an apply, as the command line says it: `2/4`."""

import re

import click

from specrun.model.shard import Shard

_SHARE = re.compile(r"([0-9]{1,6})/([0-9]{1,6})")


def read_share(context: click.Context, parameter: click.Parameter, value: str | None) -> Shard | None:
    """Read a share."""
    if value is None:
        return None
    match = _SHARE.fullmatch(value)
    shard = None if match is None else Shard(number=int(match[1]), count=int(match[2]))
    if shard is None or not 1 <= shard.number <= shard.count:
        raise click.BadParameter(f"{value!r} is not a share like 2/4, of 1/4 to 4/4", context, parameter)
    return shard
