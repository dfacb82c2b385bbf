"""The catalogue beside what a provider serves."""

from collections.abc import Iterator, Sequence

from specrun.catalog.models import Catalog
from specrun.report import inert
from specrun.report.ink import PLAIN, Ink, Role
from specrun.report.words import count


def check_lines(catalog: Catalog, provider: str, served: Sequence[str], ink: Ink = PLAIN) -> Iterator[str]:
    """Return what both know, what only the catalogue describes, and what only the provider serves."""
    ids = set(served)
    both = [model for model in catalog.models if model in ids]
    gone = [model for model in catalog.models if model not in ids]
    new = [model for model in dict.fromkeys(served) if model not in catalog.models]
    yield f"{inert.line(provider)} serves {count(len(ids), 'model')}; {len(both):,} of them are described here"
    yield from _listed("described here, not served", gone, Role.REMOVED, ink)
    yield from _listed("served, not described here (add a schema to use one)", new, Role.ADDED, ink)


def _listed(title: str, models: Sequence[str], role: Role, ink: Ink) -> Iterator[str]:
    if models:
        yield f"{ink(title, role)}:"
        yield from (f"  {inert.line(model)}" for model in models)
