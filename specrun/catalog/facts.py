"""What a model's schema says about the model itself, in its `x-specrun` annotation."""

import re
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec

from specrun.diagnostics import did_you_mean
from specrun.model.run import Price

ANNOTATION = "x-specrun"

# Called with the path inside the schema, what is wrong there, and what to do about it.
Complain: TypeAlias = Callable[[tuple[str | int, ...], str, str], None]

_FIELDS = ("source", "modes", "price", "free_quota", "aliases", "inputs", "wire", "media_type")
_AMOUNT = re.compile(r"[0-9]+(\.[0-9]+)?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}(-[0-9]{2})?")
_MEDIA_TYPE = re.compile(r"image/[a-z0-9.+-]+")


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """The document that a schema was written from; `date` is YYYY-MM or YYYY-MM-DD."""

    document: str
    date: str


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What no request holds but a plan needs.

    `price` is for one image, None where unknown. `free_quota` counts images. `inputs` names the parameters that take
    images. `wire` maps parameters to the names that the service gives them, where those differ. `media_type` is what
    images are expected to be before any has arrived.
    """

    source: Source | None = None
    modes: tuple[str, ...] = ()
    price: Price | None = None
    free_quota: int | None = None
    aliases: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    wire: Mapping[str, str] = msgspec.field(default_factory=dict)
    media_type: str = "image/png"


def read_facts(annotation: Any, parameters: Collection[str], complain: Complain) -> Facts:
    """Read an `x-specrun` annotation; what is wrong in it goes to `complain` and reads as absent."""
    reader = _Reader(complain)
    fields = reader.mapping(annotation, (ANNOTATION,))
    for name in fields:
        if name not in _FIELDS:
            hint = did_you_mean(name, _FIELDS) or f"the fields are {', '.join(_FIELDS)}"
            complain((ANNOTATION, name), f'{ANNOTATION} has no field "{name}"', hint)
    return Facts(
        source=reader.source(fields.get("source")),
        modes=reader.names(fields, "modes"),
        price=reader.price(fields.get("price")),
        free_quota=reader.quota(fields.get("free_quota")),
        aliases=reader.names(fields, "aliases"),
        inputs=reader.parameters(fields, "inputs", parameters),
        wire=reader.wire(fields.get("wire", {}), parameters),
        media_type=reader.matching(
            fields.get("media_type", "image/png"), (ANNOTATION, "media_type"), _MEDIA_TYPE, "image/png"
        ),
    )


class _Reader:
    """Readers that compose: each is told its path, complains there, and returns what is usable."""

    def __init__(self, complain: Complain) -> None:
        self._complain = complain

    def mapping(self, value: Any, path: tuple[str | int, ...]) -> Mapping[str, Any]:
        if isinstance(value, Mapping):
            return value
        self._complain(path, f"{path[-1]} is not an object", "write it as {…}")
        return {}

    def matching(self, value: Any, path: tuple[str | int, ...], form: re.Pattern[str], example: str) -> str:
        if isinstance(value, str) and form.fullmatch(value):
            return value
        self._complain(path, f"{path[-1]} is not of the form that it needs", f'write it like "{example}"')
        return example

    def names(self, fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
        value = fields.get(name, [])
        if isinstance(value, list) and all(isinstance(item, str) and item for item in value):
            return tuple(value)
        self._complain((ANNOTATION, name), f"{name} is not a list of names", 'write it like ["…", "…"]')
        return ()

    def parameters(self, fields: Mapping[str, Any], name: str, known: Collection[str]) -> tuple[str, ...]:
        names = self.names(fields, name)
        for index, parameter in enumerate(names):
            self._known(parameter, (ANNOTATION, name, index), known)
        return tuple(parameter for parameter in names if parameter in known)

    def wire(self, value: Any, known: Collection[str]) -> Mapping[str, str]:
        path = (ANNOTATION, "wire")
        renamed: dict[str, str] = {}
        for parameter, wire_name in self.mapping(value, path).items():
            self._known(parameter, (*path, parameter), known)
            if not isinstance(wire_name, str) or not wire_name:
                self._complain((*path, parameter), f"the wire name of {parameter} is not a name", "write it as text")
            else:
                renamed[parameter] = wire_name
        sent = [renamed.get(parameter, parameter) for parameter in known]
        for parameter, wire_name in renamed.items():
            if sent.count(wire_name) > 1:
                detail = f'two parameters would be sent as "{wire_name}"'
                self._complain((*path, parameter), detail, "give each a wire name of its own")
        return renamed

    def source(self, value: Any) -> Source | None:
        if value is None:
            return None
        path = (ANNOTATION, "source")
        fields = self.mapping(value, path)
        document = fields.get("document")
        if not isinstance(document, str) or not document:
            self._complain((*path, "document"), "source names no document", 'add "document": "…"')
            document = ""
        return Source(document=document, date=self.matching(fields.get("date"), (*path, "date"), _DATE, "2026-05-31"))

    def price(self, value: Any) -> Price | None:
        if value is None:
            return None
        path = (ANNOTATION, "price")
        fields = self.mapping(value, path)
        # Text, because a JSON number has been through binary floating point in most tools that touch it.
        amount = self.matching(fields.get("amount"), (*path, "amount"), _AMOUNT, "0.35")
        currency = self.matching(fields.get("currency"), (*path, "currency"), _CURRENCY, "CNY")
        return Price(amount=Decimal(amount), currency=currency)

    def quota(self, value: Any) -> int | None:
        if value is None or (type(value) is int and value >= 0):
            return value
        self._complain((ANNOTATION, "free_quota"), "free_quota is not a count of images", "write a whole number from 0")
        return None

    def _known(self, parameter: str, path: tuple[str | int, ...], known: Collection[str]) -> None:
        if parameter not in known:
            hint = did_you_mean(parameter, known) or f"the parameters are {', '.join(known)}"
            self._complain(path, f'the schema has no parameter "{parameter}"', hint)
