"""Keys and seeds: a recipe's canonical JSON, spliced from the canonical texts of its values."""

import hashlib
import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat

from specrun.canonical import canonical


class _Splice:
    """A JSON object's members with some values left open; neighbours that never change are joined once."""

    def __init__(self, names: Iterable[str], fixed: Mapping[str, str]) -> None:
        # RFC 8785 sorts names by UTF-16 units.
        ordered = sorted(names, key=lambda name: name.encode("utf-16-be"))
        self._pieces = [""]
        self._slots: list[tuple[int, str]] = []
        for position, name in enumerate(ordered):
            self._pieces[-1] += ("," if position else "") + canonical(name) + ":"
            if name in fixed:
                self._pieces[-1] += fixed[name]
            else:
                self._slots.append((len(self._pieces), name))
                self._pieces += ["", ""]

    def fill(
        self, texts: Mapping[str, Sequence[str]], count: int, head: str, tail: str, *more: Iterable[str]
    ) -> list[str]:
        """Return `count` objects between a head and a tail; `texts` hold a text an object, `more` what follows it."""
        pieces: list[str | Sequence[str]] = [head, *self._pieces, tail]
        for position, name in self._slots:
            pieces[1 + position] = texts[name]
        columns = [repeat(piece, count) if isinstance(piece, str) else piece for piece in pieces]
        return list(map("".join, zip(*columns, *more, strict=True)))


class RecipeWriter:
    """Writes the recipes of runs that share provider, model, revision and parameter names.

    What it splices equals `canonical` over the whole recipe. `fixed` holds the canonical texts of the params that are
    the same in all of them; `inputs` are the params that take images, which seeds do not depend on.
    """

    def __init__(
        self,
        provider: str,
        model: str,
        revision: int,
        names: tuple[str, ...],
        inputs: tuple[str, ...],
        fixed: Mapping[str, str] | None = None,
    ) -> None:
        self._params = _Splice(names, fixed or {})
        self._seedless = _Splice((name for name in names if name != "seed" and name not in inputs), fixed or {})
        self._head = f'{{"model":{canonical(model)},"params":{{'
        self._tail = f'}},"provider":{canonical(provider)},"revision":{revision}'
        self._seed_tail = f'}},"revision":{revision},"sample":'

    def keys(
        self, texts: Mapping[str, Sequence[str]], count: int, samples: Sequence[int] | None = None
    ) -> list[str | None]:
        """Return keys over the canonical texts of all params; `samples` only for models without a seed."""
        if samples is None:
            recipes = self._params.fill(texts, count, self._head, self._tail + "}")
        else:
            ends = [f"{sample}}}" for sample in samples]
            recipes = self._params.fill(texts, count, self._head, self._tail + ',"sample":', ends)
        sha256 = hashlib.sha256
        return [f"sha256:{sha256(recipe.encode()).hexdigest()}" for recipe in recipes]

    def seeds(self, texts: Mapping[str, Sequence[str]], samples: Sequence[int]) -> list[int | None]:
        """Return the seeds that model, params without seed and images, sample and revision give."""
        ends = [f"{sample}}}" for sample in samples]
        recipes = self._seedless.fill(texts, len(samples), self._head, self._seed_tail, ends)
        sha256 = hashlib.sha256
        digests = b"".join([sha256(recipe.encode()).digest() for recipe in recipes])
        # Of the eight words of each digest, the first.
        words = array("I", digests)[::8]
        if sys.byteorder == "little":
            words.byteswap()
        return [word >> 1 for word in words]


def sample_seed(seed: int, sample: int) -> int:
    """Return the seed of a sample after an explicit first one."""
    return seed if sample == 1 else _first_31_bits(canonical({"sample": sample, "seed": seed}))


def _first_31_bits(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
