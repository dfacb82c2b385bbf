"""Rehearsing trouble: faults that befall requests on purpose, by rule, the same in every rehearsal."""

from collections.abc import Mapping, Sequence
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from specrun.canonical import canonical
from specrun.server.render.dice import Dice


class Trouble(Enum):
    """What befalls a request."""

    STATUS = "status"  # answered with an HTTP error, nothing made
    MODERATION = "moderation"  # refused for what it shows
    LOST_REPLY = "lost-reply"  # made and billed, but the connection closes without an answer
    TRUNCATED = "truncated"  # made and billed, but the answer breaks off half way
    EXPIRED_URL = "expired-url"  # made and billed, but the result URLs lead nowhere
    PARTIAL = "partial"  # one image fewer than asked for
    BROKEN_IMAGE = "broken-image"  # images that break off half way


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a chaos file.

    It is for requests whose every parameter in `match` fits the pattern (`*`, `?`), and befalls the share `rate` of
    them, at most `times` times. `status` and `retry_after` (seconds) are for `Trouble.STATUS`.
    """

    trouble: Trouble
    status: int = 500
    match: Mapping[str, str] = msgspec.field(default_factory=dict)
    rate: float = 1.0
    seed: int = 0
    times: int | None = None
    retry_after: float | None = None

    def fits(self, body: Mapping[str, Any]) -> bool:
        """Whether the rule is for a request."""
        return all(name in body and fnmatchcase(_text(body[name]), glob) for name, glob in self.match.items())


class Chaos:
    """Draws what befalls each request: of the rules that fit, the first whose lot is drawn."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self._lots = [_Lots(rule) for rule in rules]

    def strike(self, body: Mapping[str, Any]) -> Rule | None:
        """Return the rule that befalls a request, None where it is left in peace."""
        return next((lots.rule for lots in self._lots if lots.rule.fits(body) and lots.drawn()), None)


class _Lots:
    """The lots of one rule, drawn in order of the requests that it fits."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._dice = Dice("chaos", rule.seed)
        self._struck = 0

    def drawn(self) -> bool:
        lot = self._dice.between(0, 999_999) < self.rule.rate * 1_000_000
        if not lot or (self.rule.times is not None and self._struck >= self.rule.times):
            return False
        self._struck += 1
        return True


def _text(value: Any) -> str:
    """Return a value as it is written in YAML and JSON: `true`, and 3 also where a client says 3.0."""
    return value if isinstance(value, str) else canonical(value)
