"""How a server is run: what it lets in, how much at once, and for how long it keeps results."""

from dataclasses import dataclass, field
from pathlib import Path

from specrun.server.chaos import Rule

WEEK = 7 * 24 * 3600.0
MEBIBYTE = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The defaults suit the sandbox inside the program itself; `specrun serve` narrows them.

    `api_key` None asks for none. `hosts` are the names that a request's Host header may give, None for any;
    `addresses` lets any IP address pass too, which no rebound name can be. `url_ttl` and `engine_seconds` are
    seconds. `images` is the most that one request may ask for, `inputs` the most that it may send. `results` is the
    folder that keeps result files, None for memory. `running` requests are worked on at once while at most `waiting`
    more wait. `fetches` says whether input images may be URLs. `latency` is the shortest and longest wait, in
    seconds, before an answer.
    """

    api_key: str | None = field(default=None, repr=False)
    hosts: frozenset[str] | None = None
    addresses: bool = False
    url_ttl: float = WEEK
    results: Path | None = None
    results_bytes: int = 256 * MEBIBYTE
    body_bytes: int = 32 * MEBIBYTE
    engine_seconds: float | None = None
    images: int = 100
    inputs: int = 10_000
    running: int = 4
    waiting: int = 1_000_000
    fetches: bool = False
    logs: bool = False
    latency: tuple[float, float] = (0.0, 0.0)
    requests_per_minute: int | None = None
    chaos: tuple[Rule, ...] = ()
