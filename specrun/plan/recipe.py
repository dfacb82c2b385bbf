"""Keys and seeds: a recipe's canonical JSON, spliced from the canonical texts of its values."""

import hashlib
from collections.abc import Mapping

from specrun.canonical import canonical, digest


class RecipeWriter:
    """Writes the recipes of runs that share provider, model, revision and parameter names.

    What it splices equals `canonical` over the whole recipe: names are sorted as RFC 8785 sorts them, by UTF-16 units.
    """

    def __init__(
        self, provider: str, model: str, revision: int, names: tuple[str, ...], inputs: tuple[str, ...]
    ) -> None:
        ordered = sorted(names, key=lambda name: name.encode("utf-16-be"))
        self._names = [(name, canonical(name) + ":") for name in ordered]
        self._seedless = [(name, text) for name, text in self._names if name != "seed" and name not in inputs]
        self._head = f'{{"model":{canonical(model)},"params":{{'
        self._tail = f'}},"provider":{canonical(provider)},"revision":{revision}'
        self._seed_tail = f'}},"revision":{revision},"sample":'

    def key(self, texts: Mapping[str, str], sample: int | None) -> str:
        """Return the key over the canonical texts of all params; `sample` only for models without a seed."""
        body = ",".join([name + texts[known] for known, name in self._names])
        end = "}" if sample is None else f',"sample":{sample}}}'
        return digest(self._head + body + self._tail + end)

    def seed(self, texts: Mapping[str, str], sample: int) -> int:
        """Return the seed that model, params without seed and images, sample and revision give."""
        body = ",".join([name + texts[known] for known, name in self._seedless])
        return _first_31_bits(f"{self._head}{body}{self._seed_tail}{sample}}}")


def sample_seed(seed: int, sample: int) -> int:
    """Return the seed of a sample after an explicit first one."""
    return seed if sample == 1 else _first_31_bits(canonical({"sample": sample, "seed": seed}))


def _first_31_bits(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
