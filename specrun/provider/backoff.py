"""How long to wait before a resend: exponential, with full jitter, and never less than the server asks for."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Backoff:
    """Waits are drawn evenly from 0 to a bound that starts at `base` seconds and doubles up to `cap`."""

    base: float = 1.0
    cap: float = 60.0

    def delay(self, attempt: int, retry_after: float | None = None) -> float:
        """Return the seconds to wait after attempt `attempt` (from 1), at least the server's `retry_after`."""
        # The exponent is bounded: 2.0**1024 overflows.
        bound = min(self.cap, self.base * 2.0 ** min(attempt - 1, 64))
        return max(random.uniform(0, bound), retry_after or 0.0)  # noqa: S311 (spreads load, guards nothing)
