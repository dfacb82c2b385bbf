"""One run, for people and for programs."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from specrun.canonical import canonical
from specrun.model.plan import Verb
from specrun.report import inert
from specrun.report.ink import PLAIN, Ink, Role
from specrun.report.record import price_record
from specrun.report.sections import fact, facts
from specrun.report.words import count, money
from specrun.store.attempts import Attempt
from specrun.verify.trace_run import RunTrace, TracedOutput


def run_lines(trace: RunTrace, again: str, ink: Ink = PLAIN) -> Iterator[str]:
    """Return what there is to know about a run; `again` is the command that makes it once more, empty for none."""
    row = trace.row
    yield f"{ink(inert.line(trace.address), Role.STRONG)} ({inert.line(trace.spec)})"
    pairs: list[tuple[str, object]] = [
        ("plan", _plan(trace)),
        ("held", row.state.value if row.state else None),
        ("model", row.model),
        ("provider", row.provider),
        ("seed", row.seed),
        ("take", row.take),
        ("revision", row.revision),
        ("from the schema", ", ".join(row.defaults)),
        ("contract", row.schema_digest),
    ]
    yield from facts(pairs, ink)
    for source, digest in row.inputs.items():
        yield fact("input", f"{source}  {digest or 'not known yet'}", ink)
    yield from _key(trace, ink)
    for output in trace.outputs:
        yield from _output(output, ink)
    for attempt in trace.attempts:
        yield fact("attempt", attempt_line(attempt), ink)
    yield from facts([("again", again)], ink)


def run_json(trace: RunTrace, again: str) -> str:
    """Return the same as one JSON document; times are in UTC."""
    row = trace.row
    document = {
        "format_version": "1.0",
        "address": trace.address,
        "spec": trace.spec,
        "locked": trace.locked,
        "plan": None if trace.action is None else {"action": trace.action.verb.value, "reason": trace.action.reason},
        "held": row.state.value if row.state else None,
        "request": trace.recipe,
        "key": row.key,
        "request_digest": row.request_digest,
        "take": row.take,
        "defaults": row.defaults,
        "schema_digest": row.schema_digest,
        "inputs": row.inputs,
        "outputs": [_output_record(output) for output in trace.outputs],
        "attempts": [_attempt_record(attempt) for attempt in trace.attempts],
        "again": again or None,
    }
    return inert.json_text(json.dumps(document, ensure_ascii=False, indent=2, default=dict)) + "\n"


def attempt_line(attempt: Attempt) -> str:
    """Return an attempt on one line: when, what came of it, for how much."""
    ending, intent = attempt.ending, attempt.intent
    parts = [
        ending.state.value,
        f"take {intent.take}",
        "" if ending.status is None else f"status {ending.status}",
        f"request {ending.request_id}" if ending.request_id else "",
        count(len(attempt.images), "image") if attempt.images else "",
        f"{money(intent.price)} an image" if intent.price is not None else "",
        "" if attempt.ended_at is None or attempt.sent_at is None else f"{attempt.ended_at - attempt.sent_at:.1f} s",
        ending.cause,
    ]
    return f"{_time(attempt.intended_at)}  {', '.join(part for part in parts if part)}"


def _plan(trace: RunTrace) -> str:
    if trace.action is None:
        return "cannot be planned"
    verb, reason = trace.action.verb, trace.action.reason
    return f"{verb.value}: {reason}" if reason else f"{verb.value}: as locked" if verb is Verb.KEEP else verb.value


def _key(trace: RunTrace, ink: Ink) -> Iterator[str]:
    row = trace.row
    yield fact("key", row.key or "known once every input is", ink)
    yield fact("is SHA-256 of", canonical(trace.recipe), ink)
    if row.request_digest is not None:
        sent = "the key: no input is chained" if row.request_digest == row.key else row.request_digest
        yield fact("request digest", sent, ink)


def _output(traced: TracedOutput, ink: Ink) -> Iterator[str]:
    stored = "in the store" if traced.stored else "not in the store"
    yield fact(f"image {traced.output.index}", f"{traced.path.as_posix()}  {traced.standing.value}, {stored}", ink)
    yield fact("  received", traced.output.blob, ink)
    if traced.output.file != traced.output.blob:
        yield fact("  delivered", traced.output.file, ink)


def _output_record(traced: TracedOutput) -> dict[str, Any]:
    output = traced.output
    return {
        "index": output.index,
        "path": traced.path.as_posix(),
        "blob": output.blob,
        "file": output.file,
        "standing": traced.standing.value,
        "stored": traced.stored,
    }


def _attempt_record(attempt: Attempt) -> dict[str, Any]:
    ending, intent = attempt.ending, attempt.intent
    return {
        "state": ending.state.value,
        "take": intent.take,
        "cause": ending.cause,
        "status": ending.status,
        "request_id": ending.request_id,
        "request_digest": intent.request_digest,
        "price": None if intent.price is None else price_record(intent.price),
        "intended_at": _time(attempt.intended_at),
        "sent_at": None if attempt.sent_at is None else _time(attempt.sent_at),
        "ended_at": None if attempt.ended_at is None else _time(attempt.ended_at),
        "images": [image.blob for image in attempt.images],
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
