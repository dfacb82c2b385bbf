"""What an apply tells, for programs: one JSON object a line."""

import dataclasses
import re
from datetime import datetime
from enum import Enum
from typing import Any

import msgspec

from specrun.apply.events import Event
from specrun.diagnostics import Diagnostic
from specrun.model.run import Price
from specrun.report import inert
from specrun.report.diagnostics import as_records
from specrun.report.record import price_record

FORMAT_VERSION = "1.0"


def as_line(event: Event, time: datetime) -> str:
    """Return one event as a line: its format, its time, its kind (`run_done`), and its fields by their names."""
    kind = re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()
    head = {"format_version": FORMAT_VERSION, "time": time.isoformat(timespec="milliseconds"), "event": kind}
    fields = {field.name: _plain(getattr(event, field.name)) for field in dataclasses.fields(event)}
    return inert.json_text(msgspec.json.encode(head | fields).decode()) + "\n"


def _plain(value: Any) -> Any:
    match value:
        case Price():
            return price_record(value)
        case Diagnostic():
            return as_records([value])[0]
        case Enum():
            return value.value
        case tuple():
            return [_plain(item) for item in value]
        case _:
            return value
