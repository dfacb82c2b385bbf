"""One machine's share of an apply."""

import msgspec


class Shard(msgspec.Struct, frozen=True, kw_only=True):
    """Share `number`, from 1, of `count`."""

    number: int
    count: int

    def __str__(self) -> str:
        """As it stands in the names of files."""
        return f"{self.number}-of-{self.count}"
