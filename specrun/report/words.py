"""Counts, money and values as people read them."""

import json
import re

from specrun.canonical import Json
from specrun.model.run import Price
from specrun.report import inert

_DIGEST = re.compile(r"\Asha256:([0-9a-f]{12})[0-9a-f]{52}\Z")
CENTS = -2


def count(number: int, noun: str) -> str:
    """Return `1 run`, `1,200 runs`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def money(price: Price) -> str:
    """Return an exact amount with at least two decimals: `1,234.50 CNY`."""
    exponent = price.amount.as_tuple().exponent
    exact = isinstance(exponent, int) and exponent < CENTS
    return f"{price.amount:,f} {price.currency}" if exact else f"{price.amount:,.2f} {price.currency}"


def value(json_value: Json, limit: int = 60) -> str:
    """Return a value on one line: digests shortened, the middle of long ones left out."""
    if json_value is None:
        return "(none)"
    if isinstance(json_value, str) and (match := _DIGEST.match(json_value)):
        return f"sha256:{match[1]}…"
    return shorten(inert.line(json.dumps(json_value, ensure_ascii=False, default=dict)), limit)


def shorten(text: str, limit: int) -> str:
    """Cut the middle out of a text longer than `limit` characters."""
    if len(text) <= limit:
        return text
    head = (limit - 1) * 2 // 3
    return f"{text[:head]}…{text[len(text) - (limit - 1 - head) :]}"
