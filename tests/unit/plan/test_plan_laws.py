import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from drawn_specs import FLUX, SPECS, Drawn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from specrun.canonical import LARGEST_INTEGER, Json, canonical, canonical_digest
from specrun.model.run import Run
from specrun.plan.make import expand
from specrun.plan.recipe import RecipeWriter
from specrun.plan.request import PlanRequest
from specrun.spec.project import load_project

# Each example plans a spec or two; how long that takes is not the question here.
laws = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def runs_of(folder: Path, jobs: Mapping[str, Any], **more: Any) -> tuple[Run, ...]:
    return planned(folder, {"specrun": 1, "provider": "sandbox", **more, "jobs": jobs})


def planned(folder: Path, spec: Mapping[str, Any] | str) -> tuple[Run, ...]:
    path = folder / "spec.yaml"
    path.write_text(spec if isinstance(spec, str) else json.dumps(spec, ensure_ascii=False), "utf-8")
    return expand(PlanRequest(spec=path, environment={}), load_project(folder), None).runs


def keys(runs: tuple[Run, ...]) -> dict[tuple[str, frozenset[tuple[str, str]]], str | None]:
    """Return each run's key by what no order changes: its job and its cell."""
    return {(run.job, frozenset(run.axes)): run.key for run in runs}


def shuffled(value: Any, chance: Random) -> Any:
    """Return JSON with the keys of each mapping in another order."""
    if isinstance(value, dict):
        items = [(key, shuffled(item, chance)) for key, item in value.items()]
        chance.shuffle(items)
        return dict(items)
    return [shuffled(item, chance) for item in value] if isinstance(value, list) else value


def commented(value: Any, chance: Random) -> str:
    """Return JSON as YAML with comments and blank lines wherever they may stand."""
    if isinstance(value, dict):
        inner = f",{remark(chance)}".join(f"{json.dumps(k)}: {commented(v, chance)}" for k, v in value.items())
        return f"{{{remark(chance)}{inner}{remark(chance)}}}"
    return json.dumps(value, ensure_ascii=False)


def remark(chance: Random) -> str:
    return chance.choice(["", "\n  ", " # a: {remark}, 'of' \"sorts\"\n  ", "\n\n  #\n  "])


@laws
@given(SPECS, st.randoms(use_true_random=False))
def test_no_order_of_jobs_keys_or_axes_and_no_comment_changes_a_key(
    tmp_path: Path, jobs: dict[str, Drawn], chance: Random
) -> None:
    spec = {"specrun": 1, "provider": "sandbox", "jobs": {name: job.spec() for name, job in jobs.items()}}
    before = keys(planned(tmp_path, spec))
    assert keys(planned(tmp_path, commented(shuffled(spec, chance), chance))) == before


@laws
@given(SPECS, st.data())
def test_another_value_on_an_axis_changes_no_other_key(
    tmp_path: Path, jobs: dict[str, Drawn], data: st.DataObject
) -> None:
    before = keys(runs_of(tmp_path, {name: job.spec() for name, job in jobs.items()}))
    name = data.draw(st.sampled_from(sorted(jobs)))
    axis = data.draw(st.sampled_from(sorted(jobs[name].axes)))
    values = [*jobs[name].axes[axis]]
    values.insert(data.draw(st.integers(0, len(values))), "one more")
    more = jobs | {name: replace(jobs[name], axes={**jobs[name].axes, axis: tuple(values)})}
    after = keys(runs_of(tmp_path, {name: job.spec() for name, job in more.items()}))
    assert {cell: after[cell] for cell in before} == before
    assert len(after) > len(before)


@laws
@given(SPECS)
def test_other_names_of_jobs_axes_aliases_and_outputs_change_no_key(tmp_path: Path, jobs: dict[str, Drawn]) -> None:
    before = runs_of(tmp_path, {name: job.spec() for name, job in jobs.items()})
    other = {axis: f"axis_{axis}" for axis in "abcd"}
    renamed = {
        f"job {name}": job.spec(other)
        | {
            "model": "it" if job.model == FLUX else job.model,
            "output": f"elsewhere/{name[-1]}-{{{{ key }}}}-{{{{ sample }}}}",
        }
        for name, job in jobs.items()
    }
    if any(len({run.key for run in before if run.job == job}) < sum(run.job == job for run in before) for job in jobs):
        for job in renamed.values():
            del job["output"]  # runs that share a request would share the file
    after = runs_of(tmp_path, renamed, name="other", models={"it": {"id": FLUX}})
    assert Counter(run.key for run in after) == Counter(run.key for run in before)
    assert {run.seed for run in after} == {run.seed for run in before}


@laws
@given(st.integers(1, 10), st.integers(1, 50))
def test_a_number_counts_by_value_however_it_is_written(tmp_path: Path, scale: int, steps: int) -> None:
    ways = [
        {"guidance_scale": scale, "steps": steps},
        {"guidance_scale": float(scale), "steps": float(steps)},
        {"guidance_scale": f"{{{{ {scale} }}}}", "steps": f"{{{{ {steps} }}}}"},
        {"guidance_scale": f"{{{{ '{scale}' | float }}}}", "steps": f"{{{{ '{steps}' | int }}}}"},
        {"guidance_scale": f"{{{{ {scale} * 1.0 }}}}", "steps": f"{{{{ {steps}.0 + 0 }}}}"},
    ]
    jobs = {f"way {number}": {"model": FLUX, "prompt": "a", "params": params} for number, params in enumerate(ways)}
    runs = runs_of(tmp_path, jobs)
    assert len({run.key for run in runs}) == 1
    assert len({run.seed for run in runs}) == 1
    assert all(type(run.params["steps"]) is int for run in runs)


@laws
@given(st.integers(1, 2**31 - 1), st.integers(2, 5))
def test_seeds_depend_on_no_image(tmp_path: Path, colour: int, samples: int) -> None:
    job = {"model": "black-forest-labs/Flux-Kontext-Pro", "prompt": "a", "samples": samples}
    seeds = []
    for shade in (0, colour % 255 + 1):
        Image.new("L", (1, 1), shade).save(tmp_path / "image.png")
        runs = runs_of(tmp_path, {"edit": job | {"params": {"image": "{{ file('image.png') }}"}}})
        seeds.append([run.seed for run in runs])
        assert len({run.key for run in runs}) == samples
    assert seeds[0] == seeds[1]
    assert all(seed is not None and 0 <= seed < 2**31 for seed in seeds[0])


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
RECIPE_VALUES = st.none() | st.booleans() | st.integers(-LARGEST_INTEGER, LARGEST_INTEGER) | st.floats(0, 1e6) | NAMES


@given(
    st.dictionaries(NAMES, RECIPE_VALUES | st.lists(RECIPE_VALUES, max_size=3), max_size=6),
    st.integers(1, 99),
    st.none() | st.integers(1, 99),
    st.data(),
)
def test_a_spliced_recipe_is_the_canonical_one(
    params: dict[str, Any], revision: int, sample: int | None, data: st.DataObject
) -> None:
    inputs = tuple(data.draw(st.sets(st.sampled_from(sorted(params))))) if params else ()
    constant = data.draw(st.sets(st.sampled_from(sorted(params)))) if params else set[str]()
    texts = {name: canonical(value) for name, value in params.items()}
    fixed = {name: text for name, text in texts.items() if name in constant}
    writer = RecipeWriter("acme", "acme/é", revision, tuple(params), inputs, fixed)

    recipe: dict[str, Json] = {"model": "acme/é", "params": params, "provider": "acme", "revision": revision}
    columns = {name: [text] * 2 for name, text in texts.items()}
    key = canonical_digest(recipe if sample is None else recipe | {"sample": sample})
    assert writer.keys(columns, 2, None if sample is None else [sample] * 2) == [key, key]

    seedless = {name: value for name, value in params.items() if name != "seed" and name not in inputs}
    of_seed: Json = {"model": "acme/é", "params": seedless, "revision": revision, "sample": sample or 1}
    assert writer.seeds(columns, [sample or 1] * 2) == [int(canonical_digest(of_seed)[7:15], 16) >> 1] * 2


def test_a_key_covers_provider_model_params_seed_and_revision(tmp_path: Path) -> None:
    [made] = runs_of(tmp_path, {"a": {"model": FLUX, "prompt": "a fox", "params": {"steps": 9}, "revision": 3}})
    params: dict[str, Json] = {
        "prompt": "a fox",
        "steps": 9,
        "n": 1,
        "size": "1024x1024",
        "strength": 0.8,
        "guidance_scale": 2.5,
    }
    of_seed: Json = {"model": FLUX, "params": params, "sample": 1, "revision": 3}
    seed = int(canonical_digest(of_seed)[7:15], 16) >> 1
    recipe: Json = {"model": FLUX, "params": params | {"seed": seed}, "provider": "sandbox", "revision": 3}
    assert (made.seed, made.key) == (seed, canonical_digest(recipe))


SURROUNDINGS = [
    {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C"},
    {"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo", "LC_ALL": "tr_TR.UTF-8", "PYTHONUTF8": "0"},
    {"PYTHONHASHSEED": "4711", "TZ": "America/St_Johns", "LC_ALL": "de_DE.ISO-8859-1", "HOME": "/nowhere"},
]
TURNING = """
specrun: 1
provider: sandbox
vars: {b: [I, ß, ﬁ, É], a: {z: 1, y: 2}}
prompts:
  one: "{{ letter | upper }} {{ vars.a | tojson }} {{ rows | map(attribute='n') | unique | join }}"
  two: "{{ letter | slug }} {{ letter | lower }} {{ 1 / 3 }} {{ 1e22 }}"
models: {x: black-forest-labs/FLUX.1-dev, y: black-forest-labs/Flux-Kontext-Pro-text2image}
jobs:
  all:
    prompts: [two, one]
    models: [y, x]
    samples: 2
    matrix:
      letter: "{{ vars.b }}"
      rows: [[{n: b}, {n: a}, {n: B}], [{n: ä}, {n: z}]]
    overrides:
      - {match: {letter: I}, params: {guidance_scale: 3}}
      - {match: {rows: 3d7fe763}, params: {guidance_scale: 4}}
"""


def test_a_plan_is_the_same_text_whatever_the_machine_is_set_to(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(TURNING, "utf-8")
    said = set()
    for surroundings in SURROUNDINGS:
        for command in (["plan", "--full"], ["plan", "--format", "json"], ["plan", "--format", "markdown"]):
            ended = subprocess.run(
                [sys.executable, "-m", "specrun", *command, "spec.yaml"],
                cwd=tmp_path,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), **surroundings},
                capture_output=True,
                check=True,
            )
            said.add((*command, ended.stdout, ended.stderr))
    assert len(said) == 3
