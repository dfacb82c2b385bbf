"""Amounts of money on the command line."""

import re
from decimal import Decimal

import click

from specrun.model.run import Price

_AMOUNT = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Z]{3})\s*")


def amounts(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[Price, ...]:
    """Read amounts like `25CNY`; a callback of click's."""
    found = []
    for value in values:
        match = _AMOUNT.fullmatch(value)
        if match is None:
            raise click.BadParameter(f"{value!r} is not an amount with its currency, like 25CNY", context, parameter)
        found.append(Price(amount=Decimal(match[1]), currency=match[2]))
    return tuple(found)
