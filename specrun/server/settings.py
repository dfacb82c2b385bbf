"""How a server is run: what it lets in, how much at once, and for how long it keeps results."""

from dataclasses import dataclass, field
from pathlib import Path

WEEK = 7 * 24 * 3600
MEBIBYTE = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The defaults suit the sandbox inside the program itself; `specrun serve` narrows them.

    `api_key` None asks for none. `hosts` are the names that a request's Host header may give, None for any.
    `url_ttl` is seconds. `results` is the folder that keeps result files, None for memory. `running` images are made
    at once while at most `waiting` further requests wait. `fetches` says whether input images may be URLs.
    """

    api_key: str | None = field(default=None, repr=False)
    hosts: frozenset[str] | None = None
    url_ttl: float = WEEK
    results: Path | None = None
    results_bytes: int = 256 * MEBIBYTE
    body_bytes: int = 32 * MEBIBYTE
    running: int = 4
    waiting: int = 1_000_000
    fetches: bool = False
