"""When the server wants to be asked again, in every form that servers say it."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds to wait, from `retry-after-ms` or `retry-after` (seconds, perhaps a fraction, or a date).

    None where the server says nothing that can be understood. A date is compared with the reply's own `date`, so
    that a wrong clock on either side does no harm.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    wish = headers.get("retry-after")
    seconds = _number(wish)
    if seconds is not None:
        return seconds
    until = _date(wish)
    if until is None:
        return None
    since = _date(headers.get("date")) or now or datetime.now(UTC)
    return max(0.0, (until - since).total_seconds())


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _date(text: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    # A date without a zone means UTC in HTTP.
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
