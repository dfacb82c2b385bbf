"""Names for people: an axis value's label, a run's address, a path's slug."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from specrun.canonical import canonical, canonical_digest
from specrun.model.inputs import FileImage, OutputImage, UrlImage

_BARE = re.compile(r"[\w.:/-]+")
_LABEL_KEYS = ("id", "sku", "slug", "name", "key")
_NOT_SLUG = re.compile(r"[^a-z0-9]+")
LONGEST_NAME = 120
_BARE_TYPES = frozenset((str, int, float, bool, type(None)))


def label_of(value: Any) -> str:
    """Return an axis value's own label: itself, the id of a mapping, or 8 hex digits of its digest."""
    match value:
        case str():
            return value
        case None | bool() | int() | float():
            return canonical(value)
        case FileImage() | UrlImage():
            return value.source
        case OutputImage():
            return value.address if value.index == 1 else value.source
        case Mapping():
            for key in _LABEL_KEYS:
                named = value.get(key)
                if isinstance(named, (str, int, float)) and named != "":
                    return label_of(named)
        case _:
            pass
    return canonical_digest(jsonable(value)).removeprefix("sha256:")[:8]


def jsonable(value: Any) -> Any:
    """Return a template's value with images replaced by their recipes, fit for canonical JSON."""
    if isinstance(value, (FileImage, UrlImage, OutputImage)):
        return value.recipe()
    if isinstance(value, Mapping):
        return {key: jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [item if type(item) in _BARE_TYPES else jsonable(item) for item in value]
    return value


def quoted(label: str) -> str:
    """Return a label as it stands in an address: bare, or as a JSON string."""
    return label if _BARE.fullmatch(label) else json.dumps(label, ensure_ascii=False)


def address(job: str, axes: Iterable[tuple[str, str]]) -> str:
    """Return `job`, or `job[axis=label,…]`."""
    inner = ",".join(f"{name}={quoted(label)}" for name, label in axes)
    return f"{job}[{inner}]" if inner else job


@lru_cache(maxsize=65536)
def slug(text: str) -> str:
    """Return an ASCII, lower-case, dash-joined form of a text; a short hash where nothing is left of it."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    plain = letters if letters.isascii() else "".join([each for each in letters if not unicodedata.combining(each)])
    return _NOT_SLUG.sub("-", plain).strip("-") or short_hash(text)


def short_hash(text: str) -> str:
    """Return 8 hex digits that stand for a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def fit(name: str, identity: str) -> str:
    """Return a file or folder name, cut to 120 bytes plus a hash of what it stands for where it is longer."""
    if len(name.encode()) <= LONGEST_NAME:
        return name
    cut = name.encode()[:LONGEST_NAME].decode("utf-8", "ignore").rstrip("-. ")
    return f"{cut}-{short_hash(identity)}"
