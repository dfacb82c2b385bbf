"""What an apply tells, for programs: one JSON object a line."""

import dataclasses
import re
from datetime import datetime
from enum import Enum
from typing import Any, get_args

import msgspec

from specrun.apply.events import Event
from specrun.diagnostics import Diagnostic
from specrun.model.money import Figures
from specrun.model.run import Price
from specrun.report import inert
from specrun.report.diagnostics import as_records
from specrun.report.record import figures_record, price_record

FORMAT_VERSION = "1.0"

# By class: what its events are called, and the names of their fields.
_SHAPES = {
    each: (
        re.sub(r"(?<!^)(?=[A-Z])", "_", each.__name__).lower(),
        tuple(field.name for field in dataclasses.fields(each)),
    )
    for each in get_args(Event)
}


def as_line(event: Event, time: datetime) -> str:
    """Return one event as a line: its format, its time, its kind (`run_done`), and its fields by their names."""
    kind, names = _SHAPES[type(event)]
    head = {"format_version": FORMAT_VERSION, "time": time.isoformat(timespec="milliseconds"), "event": kind}
    fields = {name: _plain(getattr(event, name)) for name in names}
    return inert.json_text(msgspec.json.encode(head | fields).decode()) + "\n"


def _plain(value: Any) -> Any:
    match value:
        case Price():
            return price_record(value)
        case Diagnostic():
            return as_records([value])[0]
        case Figures():
            return figures_record(value)
        case Enum():
            return value.value
        case tuple():
            return [_plain(item) for item in value]
        case _:
            return value
