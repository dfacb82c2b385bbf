"""Ages on the command line."""

import re
from datetime import timedelta

import click

_AGE = re.compile(r"([0-9]{1,5})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def age(context: click.Context, parameter: click.Parameter, value: str) -> timedelta:
    """Read an age like `12h` or `30d`; a callback of click's."""
    match = _AGE.fullmatch(value)
    if match is None:
        raise click.BadParameter(f"{value!r} is not an age like 90m, 12h, 30d or 8w", context, parameter)
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
