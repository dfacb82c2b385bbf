"""Keys and seeds: a recipe's canonical JSON, spliced from the canonical texts of its values."""

import hashlib
from collections.abc import Iterable, Mapping

from specrun.canonical import canonical, digest


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

    def fill(self, texts: Mapping[str, str]) -> str:
        pieces = self._pieces.copy()
        for position, name in self._slots:
            pieces[position] = texts[name]
        return "".join(pieces)


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

    def key(self, texts: Mapping[str, str], sample: int | None) -> str:
        """Return the key over the canonical texts of all params; `sample` only for models without a seed."""
        end = "}" if sample is None else f',"sample":{sample}}}'
        return digest(self._head + self._params.fill(texts) + self._tail + end)

    def seed(self, texts: Mapping[str, str], sample: int) -> int:
        """Return the seed that model, params without seed and images, sample and revision give."""
        return _first_31_bits(f"{self._head}{self._seedless.fill(texts)}{self._seed_tail}{sample}}}")


def sample_seed(seed: int, sample: int) -> int:
    """Return the seed of a sample after an explicit first one."""
    return seed if sample == 1 else _first_31_bits(canonical({"sample": sample, "seed": seed}))


def _first_31_bits(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
