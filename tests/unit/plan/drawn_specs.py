"""Specs as Hypothesis draws them: jobs with axes that the prompt reads or does not, samples, params, exclusions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from specrun.canonical import canonical

FLUX = "black-forest-labs/FLUX.1-dev"
KONTEXT = "black-forest-labs/Flux-Kontext-Pro-text2image"


@dataclass(frozen=True)
class Drawn:
    """A job as drawn: axes with their values, and which of them the prompt and the params read."""

    axes: Mapping[str, tuple[Any, ...]]
    read: tuple[str, ...]
    model: str = FLUX
    samples: int | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    exclude: tuple[Mapping[str, Any], ...] = ()

    def spec(self, names: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the job as a spec holds it; `names` are other names for axes."""
        called = {axis: (names or {}).get(axis, axis) for axis in self.axes}
        said = ", ".join(f"{{{{ {called[axis]} }}}}" for axis in self.read)
        job: dict[str, Any] = {
            "model": self.model,
            "prompt": f"a picture of {said}",
            "matrix": {called[axis]: list(values) for axis, values in self.axes.items()},
            "params": dict(self.params),
            "exclude": [{called[axis]: value for axis, value in match.items()} for match in self.exclude],
        }
        return job if self.samples is None else job | {"samples": self.samples}


VALUES = st.integers(0, 40) | st.sampled_from(["red", "two words", "café", "16:9", "no"]) | st.booleans()
PARAMS = st.fixed_dictionaries(
    {}, optional={"guidance_scale": st.integers(1, 10), "seed": st.integers(-1, 9), "n": st.integers(1, 3)}
)


@st.composite
def drawn_jobs(draw: st.DrawFn) -> Drawn:
    names = draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=3, unique=True))
    # A text and a number of the same digits would be called alike.
    values = st.lists(VALUES, min_size=1, max_size=3, unique_by=lambda value: canonical(value).strip('"'))
    axes = {name: tuple(draw(values)) for name in names}
    return Drawn(
        axes=axes,
        read=tuple(name for name in names if draw(st.booleans())),
        model=draw(st.sampled_from([FLUX, KONTEXT])),
        samples=draw(st.none() | st.integers(1, 3)),
        params=draw(PARAMS),
        exclude=tuple({names[0]: value} for value in axes[names[0]][1:] if draw(st.booleans())),
    )


SPECS = st.lists(drawn_jobs(), min_size=1, max_size=3).map(
    lambda jobs: {f"job {number}": job for number, job in enumerate(jobs)}
)
