import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from PIL import Image

from specrun.catalog.load import load_catalog
from specrun.catalog.shipped import format_path
from specrun.spec.nodes import plain
from specrun.spec.yaml import load_yaml

SPECS = Path(__file__).parents[2] / "specs"
# Each example with the images that it makes.
IMAGES = {"quickstart": 6, "catalogue": 30, "comparison": 16, "evaluation": 48, "chain": 11}


def document(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text("utf-8"))


def test_every_example_is_known_here() -> None:
    assert {path.stem for path in SPECS.glob("*.yaml")} == set(IMAGES)


@pytest.mark.parametrize("name", IMAGES)
def test_an_editor_finds_no_fault_in_an_example(name: str) -> None:
    schema = json.loads(format_path("spec").read_text("utf-8"))
    spec = plain(load_yaml(SPECS / f"{name}.yaml", name))
    assert [fault.message for fault in Draft202012Validator(schema).iter_errors(spec)] == []


@pytest.mark.parametrize("name", IMAGES)
def test_an_example_names_the_sandbox_itself_so_that_a_copy_of_it_costs_nothing(name: str) -> None:
    spec = plain(load_yaml(SPECS / f"{name}.yaml", name))
    assert isinstance(spec, dict)
    assert spec["provider"] == "sandbox"


def test_the_comparison_asks_all_eight_models() -> None:
    spec = plain(load_yaml(SPECS / "comparison.yaml", "comparison"))
    assert isinstance(spec, dict)
    aliases: Any = spec["models"]
    asked = {alias["id"] for alias in aliases.values()}
    quoted = {model.id for model in load_catalog(None).models.values() if model.facts.free_quota is not None}
    assert asked == quoted
    assert len(asked) == 8


@pytest.mark.parametrize("name", IMAGES)
def test_an_example_applies_and_a_second_apply_sends_nothing_and_touches_nothing(
    name: str, shared_checkout: Any
) -> None:
    folder = shared_checkout.folder
    assert f"Requests: {IMAGES[name]}." in shared_checkout.run(f"specrun apply --yes specs/{name}.yaml")
    outputs = document(folder, f"outputs/{name}/manifest.json")["outputs"]
    images = [(folder / "outputs" / name / output["path"]).read_bytes() for output in outputs]
    assert len(set(images)) == IMAGES[name]
    for image, output in zip(images, outputs, strict=True):
        with Image.open(BytesIO(image)) as picture:
            picture.load()
            assert picture.size == (output["width"], output["height"])

    made = shared_checkout.state()
    shared_checkout.run(f"specrun plan --detailed-exitcode specs/{name}.yaml")
    assert "Requests: 0." in shared_checkout.run(f"specrun apply --yes specs/{name}.yaml")
    assert shared_checkout.state() == made


@pytest.mark.parametrize("name", ["quickstart", "chain"])
def test_lock_and_manifest_are_as_their_schemas_say(name: str, checkout: Any) -> None:
    checkout.run(f"specrun apply --yes specs/{name}.yaml")
    for kind, path in (("lock", f"specs/{name}.lock.json"), ("manifest", f"outputs/{name}/manifest.json")):
        schema = json.loads(format_path(kind).read_text("utf-8"))
        Draft202012Validator(schema).validate(document(checkout.folder, path))


def test_editing_one_prompt_replaces_just_its_images(checkout: Any) -> None:
    checkout.run("specrun apply --yes specs/comparison.yaml")
    before = checkout.state()
    checkout.edit("specs/comparison.yaml", "three flat colours", "two flat colours")
    plan = checkout.run("specrun plan --detailed-exitcode specs/comparison.yaml", code=2)
    assert "prompt: a screen-printed poster of a desk lamp, [-three-]{+two+} flat colours" in plan
    assert "Requests: 8." in checkout.run("specrun apply --yes specs/comparison.yaml")
    after = checkout.state()
    touched = {name for name in before if name.endswith(".png") and before[name] != after[name]}
    assert touched == {name for name in before if "/poster/" in name}
    assert len(touched) == 8


def test_renaming_the_job_and_reordering_the_matrix_asks_for_nothing(checkout: Any) -> None:
    checkout.run("specrun apply --yes specs/quickstart.yaml")
    before = {content for _, content in checkout.state().values()}
    spec = "specs/quickstart.yaml"
    checkout.edit(spec, "  animals:", "  creatures:")
    checkout.edit(spec, "[red fox, barn owl]", "[barn owl, red fox]")
    checkout.edit(spec, "      animal: [barn owl, red fox]\n", "")
    checkout.edit(spec, "paper collage]\n", "paper collage]\n      animal: [barn owl, red fox]\n")
    assert "Requests: 0." in checkout.run(f"specrun apply --yes {spec}")
    images = {name: content for name, (_, content) in checkout.state().items() if name.endswith(".png")}
    assert set(images.values()) <= before
    assert len(images) == 6
    assert all(name.startswith("outputs/quickstart/creatures/") for name in images)


def test_a_deleted_image_comes_back_without_a_request(checkout: Any) -> None:
    checkout.run("specrun apply --yes specs/quickstart.yaml")
    before = checkout.state()
    gone = "outputs/quickstart/animals/red-fox-woodcut.png"
    (checkout.folder / gone).unlink()
    assert "Requests: 0." in checkout.run("specrun apply --yes specs/quickstart.yaml")
    after = checkout.state()
    assert after.pop(gone)[1] == before.pop(gone)[1]
    assert after == before


def test_a_changed_portrait_remakes_what_follows_from_it_and_nothing_else(checkout: Any) -> None:
    checkout.run("specrun apply --yes specs/chain.yaml")
    before = checkout.state()
    checkout.edit("specs/chain.yaml", "[fox, hare, badger]", "[fox, mountain hare, badger]")
    assert "Requests: 5." in checkout.run("specrun apply --yes specs/chain.yaml")
    after = checkout.state()
    same = {name for name in before if name.endswith(".png") and before[name] == after.get(name)}
    assert {Path(name).stem for name in same} >= {"fox", "badger", "fox-spring", "badger-winter"}
    assert before["outputs/chain/posters/spring.png"] != after["outputs/chain/posters/spring.png"]


def test_two_machines_write_the_same_lock_and_manifest(another_checkout: Callable[[], Any]) -> None:
    written = []
    for zone, locale, seed in (("UTC", "C", "1"), ("Asia/Kathmandu", "C.UTF-8", "2")):
        machine = another_checkout()
        env = {"TZ": zone, "LC_ALL": locale, "PYTHONHASHSEED": seed}
        machine.run("specrun apply --yes specs/quickstart.yaml specs/chain.yaml", env=env)
        written.append({name: content for name, (_, content) in machine.state().items()})
    assert written[0] == written[1]


def test_the_catalogue_makes_a_variant_with_a_lock_and_outputs_of_its_own(checkout: Any) -> None:
    checkout.run("specrun apply --yes --var season=winter --name winter --target covers specs/catalogue.yaml")
    lock = document(checkout.folder, "specs/winter.lock.json")
    assert (lock["spec"], lock["name"]) == ("specs/catalogue.yaml", "winter")
    assert "winter catalogue" in lock["runs"][0]["params"]["prompt"]
    assert len(list((checkout.folder / "outputs/winter/covers").glob("*.png"))) == 4
    assert not (checkout.folder / "outputs/catalogue").exists()


def test_the_evaluation_narrows_to_a_category_and_widens_to_more_samples(checkout: Any) -> None:
    plan = checkout.run("specrun plan --var category=counting --var samples=4 specs/evaluation.yaml")
    assert "Requests: 24 for 24 images." in plan
