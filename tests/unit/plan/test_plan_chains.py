import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from specrun.diagnostics import InvalidInputError
from specrun.model.inputs import OutputImage
from specrun.model.run import Run
from specrun.plan.make import expand
from specrun.plan.request import PlanRequest
from specrun.spec.project import load_project

FLUX = "black-forest-labs/FLUX.1-dev"
EDIT = "black-forest-labs/Flux-Kontext-Pro"
PAGE = "black-forest-labs/Flux-Kontext-Pro-multi"


def planned(folder: Path, jobs: Mapping[str, Any]) -> tuple[Run, ...]:
    spec = folder / "spec.yaml"
    spec.write_text(json.dumps({"specrun": 1, "provider": "sandbox", "jobs": jobs}), "utf-8")
    return expand(PlanRequest(spec=spec, environment={}), load_project(folder), None).runs


def edit(source: str) -> dict[str, Any]:
    return {"prompt": "again", "model": EDIT, "params": {"image": f"{{{{ output({source}) }}}}"}}


def sources(run: Run) -> list[str]:
    return [image.source for image in run.inputs]


def test_jobs_come_after_those_they_need_and_else_as_written(tmp_path: Path) -> None:
    first = {"prompt": "a", "model": FLUX}
    jobs = {"d": edit("'b'"), "a": first, "c": edit("'d'"), "b": edit("'e'"), "e": first}
    assert [run.job for run in planned(tmp_path, jobs)] == ["e", "b", "d", "a", "c"]


@pytest.mark.parametrize("backwards", [False, True])
def test_a_chain_may_be_as_long_as_one_likes(backwards: bool, tmp_path: Path) -> None:
    frames = [("f0", {"prompt": "a", "model": FLUX}), *((f"f{n}", edit(f"'f{n - 1}'")) for n in range(1, 400))]
    runs = planned(tmp_path, dict(reversed(frames) if backwards else frames))
    assert [run.job for run in runs] == [f"f{n}" for n in range(400)]
    assert len({run.key for run in runs}) == 400


ANIMALS = {
    "prompt": "{{ animal }} {{ item.title }} {{ flag }}",
    "model": FLUX,
    "matrix": {
        "animal": ["fox", "owl"],
        "item": {"values": [{"ref": 7, "title": "lamp"}, {"ref": 8, "title": "rug"}], "label": "no {{ item.ref }}"},
        "flag": [True, 1.5],
    },
}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("animal='fox', item='no 7', flag=true", ['animals[animal=fox,item="no 7",flag=true]']),
        ("animal='fox', item='no 7', flag='true'", ['animals[animal=fox,item="no 7",flag=true]']),
        ("animal='owl', item={'ref': 8, 'title': 'rug'}, flag=1.5", ['animals[animal=owl,item="no 8",flag=1.5]']),
        ("animal='fox', item='no 7'", [f'animals[animal=fox,item="no 7",flag={flag}]' for flag in ("true", "1.5")]),
        ("item='no 8', flag=true", [f'animals[animal={animal},item="no 8",flag=true]' for animal in ("fox", "owl")]),
        ("animal='cat'", []),
        ("item={'ref': 8}", []),
        ("item=8", []),
        ("flag=1", []),
    ],
)
def test_outputs_are_found_by_label_or_by_value_in_plan_order(asked: str, found: list[str], tmp_path: Path) -> None:
    page = {"prompt": "p", "model": PAGE, "params": {"images": f"{{{{ outputs('animals', {asked}) }}}}"}}
    if not found:
        with pytest.raises(InvalidInputError, match="images is empty"):
            planned(tmp_path, {"animals": ANIMALS, "page": page})
        return
    made = planned(tmp_path, {"page": page, "animals": ANIMALS})[-1]
    assert sources(made) == [f"{address}#1" for address in found]


def test_a_run_with_several_images_gives_them_by_index(tmp_path: Path) -> None:
    jobs = {
        "pair": {"prompt": "a", "model": FLUX, "params": {"n": 2}},
        "each": {
            "prompt": "{{ source.index }} of {{ source.address }}",
            "model": EDIT,
            "matrix": {"source": "{{ outputs('pair') }}"},
            "params": {"image": "{{ source }}"},
        },
        "last": {"prompt": "a", "model": EDIT, "params": {"image": "{{ outputs('pair') | last }}"}},
    }
    pair, one, two, last = planned(tmp_path, jobs)
    assert [sources(run) for run in (one, two, last)] == [["pair#1"], ["pair#2"], ["pair#2"]]
    assert [run.params["prompt"] for run in (one, two)] == ["1 of pair", "2 of pair"]
    assert one.inputs == (OutputImage(address="pair", key=pair.key, index=1),)


def test_a_slip_in_every_run_of_two_jobs_is_told_twice(tmp_path: Path) -> None:
    many = {"model": FLUX, "matrix": {"n": list(range(60))}}
    jobs = {
        "late": many | {"prompt": "{{ n }} {{ outputs('early', n=n) | length }} {{ nowhere }}"},
        "early": many | {"prompt": "{{ n.real }}"},
    }
    with pytest.raises(InvalidInputError) as caught:
        planned(tmp_path, jobs)
    assert [(fault.detail, fault.runs) for fault in caught.value.diagnostics] == [
        ("`nowhere` is not defined here", 60),
        ("`real` of a number cannot be used here", 60),
    ]


def test_what_is_upstream_changes_keys_and_not_seeds(tmp_path: Path) -> None:
    def runs(prompt: str) -> tuple[Run, ...]:
        return planned(tmp_path, {"a": {"prompt": prompt, "model": FLUX}, "b": edit("'a'"), "c": edit("'b'")})

    before, after = runs("a fox"), runs("an owl")
    assert [one.key == other.key for one, other in zip(before, after, strict=True)] == [False, False, False]
    assert [one.seed == other.seed for one, other in zip(before, after, strict=True)] == [False, True, True]


def test_an_image_of_another_job_may_stand_where_a_template_picks_it(tmp_path: Path) -> None:
    picked = "{{ outputs('animals') | selectattr('axes.animal', 'eq', 'owl') | map(attribute='address') | first }}"
    jobs = {"animals": ANIMALS | {"prompt": "a"}, "b": {"prompt": picked, "model": FLUX}}
    assert planned(tmp_path, jobs)[-1].params["prompt"] == 'animals[animal=owl,item="no 7",flag=true]'
