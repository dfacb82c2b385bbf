"""The catalogue: all models that can be asked, by id and alias."""

from collections.abc import Mapping

import msgspec

from specrun.catalog.schema import ModelSchema

_LIKENESS = 0.6


class Catalog(msgspec.Struct, frozen=True, kw_only=True):
    """Models by id, in the order of ids; `aliases` maps other names to ids."""

    models: Mapping[str, ModelSchema]
    aliases: Mapping[str, str]

    def find(self, name: str) -> ModelSchema | None:
        """Return the model with this id or alias; case counts, since ids may differ in nothing else."""
        return self.models.get(self.aliases.get(name, name))

    def nearest(self, name: str, *, limit: int = 3) -> tuple[str, ...]:
        """Return the ids most like `name`, best first; the part before the slash may be left out of it."""
        ranked = sorted((-_likeness(name, model), model) for model in self.models)
        return tuple(model for unlikeness, model in ranked if -unlikeness >= _LIKENESS)[:limit]

    @property
    def quotas(self) -> Mapping[str, int]:
        """How many images the models that give any give free, by model id."""
        return {id_: quota for id_, model in self.models.items() if (quota := model.facts.free_quota) is not None}

    def taking(self, parameter: str) -> tuple[str, ...]:
        """Return the ids of the models that have this parameter."""
        return tuple(model.id for model in self.models.values() if parameter in model.properties)


def _likeness(name: str, model: str) -> float:
    """Return 0 to 1, a little more where the case agrees too."""
    candidates = (model, model.partition("/")[2]) if "/" not in name else (model,)
    return max(_ratio(name.casefold(), c.casefold()) + _ratio(name, c) / 100 for c in candidates)


def _ratio(a: str, b: str) -> float:
    from difflib import SequenceMatcher  # noqa: PLC0415 - only for a mistake

    return SequenceMatcher(None, a, b).ratio()
