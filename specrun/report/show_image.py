"""One image file, for people and for programs."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from specrun.canonical import canonical
from specrun.provenance.facts import Provenance
from specrun.report import inert
from specrun.report.ink import PLAIN, Ink, Role
from specrun.report.sections import fact, facts
from specrun.verify.likeness import difference
from specrun.verify.trace_image import Condition, ImageTrace, Origin

_GOOD = (Condition.DELIVERED, Condition.RECEIVED)


def image_lines(trace: ImageTrace, again: str, ink: Ink = PLAIN) -> Iterator[str]:
    """Return what there is to know about an image; `again` is the command that makes it once more, empty for none."""
    image = trace.image
    yield ink(inert.line(trace.path.as_posix()), Role.STRONG)
    yield fact("image", f"{image.media_type}, {image.width} x {image.height}, {len(image.data):,} bytes", ink)
    yield fact("digest", image.digest, ink)
    yield f"  {ink('condition'.ljust(16), Role.QUIET)}{_condition(trace, ink)}"
    yield from facts([("damaged", trace.damaged)], ink)
    if trace.facts is not None:
        yield from _told(trace.facts, ink)
    if trace.origin is not None:
        yield from _origin(trace.origin, ink)
    yield from facts([("again", again)], ink)


def image_json(trace: ImageTrace, again: str) -> str:
    """Return the same as one JSON document; what is not known is null."""
    image, origin, comparison = trace.image, trace.origin, trace.comparison
    document: dict[str, Any] = {
        "format_version": "1.0",
        "path": trace.path.as_posix(),
        "media_type": image.media_type,
        "width": image.width,
        "height": image.height,
        "bytes": len(image.data),
        "digest": image.digest,
        "condition": trace.condition.name.lower(),
        "detail": _detail(trace),
        "likeness": None if comparison is None else comparison.likeness.value,
        "distance": None if comparison is None else comparison.distance,
        "pixels": None if comparison is None else comparison.pixels,
        "provenance": None if trace.facts is None else msgspec.to_builtins(trace.facts),
        "damaged": trace.damaged or None,
        "origin": None if origin is None else _origin_record(origin),
        "again": again or None,
    }
    return inert.json_text(json.dumps(document, ensure_ascii=False, indent=2)) + "\n"


def _condition(trace: ImageTrace, ink: Ink) -> str:
    return ink(_detail(trace), Role.ADDED if trace.condition in _GOOD else Role.ERROR)


def _detail(trace: ImageTrace) -> str:
    if trace.comparison is None:
        return trace.condition.value
    return f"{trace.condition.value}: {difference(trace.comparison)}"


def _told(told: Provenance, ink: Ink) -> Iterator[str]:
    yield from facts(
        [
            ("says of itself", "" if told.intact else "its facts were changed after they were written"),
            ("made by", f"specrun {told.specrun}" if told.specrun else None),
            ("for the spec", told.spec),
            ("model", told.model),
            ("provider", told.provider),
            ("prompt", told.prompt),
            ("seed", told.seed),
            ("take", told.take),
            ("params", None if told.params is None else canonical(told.params)),
            ("key", told.key),
            ("request digest", told.request_digest),
            ("received as", told.blob),
            ("withheld", ", ".join(told.omitted)),
        ],
        ink,
    )


def _origin(origin: Origin, ink: Ink) -> Iterator[str]:
    commit = origin.commit
    now = "" if origin.current else ", replaced there since"
    yield fact("address", f"{origin.row.address} in {origin.file.lock.spec}{now}", ink)
    yield fact("path", origin.output.path, ink)
    if commit is not None:
        yield fact("commit", f"{commit.id} {commit.date} {commit.author}: {commit.subject}", ink)


def _origin_record(origin: Origin) -> dict[str, Any]:
    commit = origin.commit
    return {
        "spec": origin.file.lock.spec,
        "address": origin.row.address,
        "index": origin.output.index,
        "path": origin.output.path,
        "current": origin.current,
        "commit": None
        if commit is None
        else {"id": commit.id, "date": commit.date, "author": commit.author, "subject": commit.subject},
    }
