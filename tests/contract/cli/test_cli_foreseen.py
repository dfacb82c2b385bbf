"""What an apply would refuse is told by the plan."""

import json
from typing import Any

SPEC = (
    "specrun: 1\nprovider: {provider}\njobs:\n  lamp: {{prompt: a lamp, model: black-forest-labs/FLUX.1-dev{more}}}\n"
)


def write(specrun: Any, path: str, *, provider: str = "sandbox", head: str = "", more: str = "") -> None:
    file = specrun.folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(head + SPEC.format(provider=provider, more=more))
    (specrun.folder / "specrun.yaml").touch()


def test_two_specs_of_one_file_name_are_an_error_that_names_both(specrun: Any) -> None:
    write(specrun, "x/v.yaml")
    write(specrun, "y/v.yaml")
    for command in (("plan",), ("apply", "--yes")):
        ended = specrun(*command, "x/v.yaml", "y/v.yaml", code=1)
        assert "x/v.yaml and y/v.yaml are both called v, and would have one folder of outputs" in ended.err
        assert "v (y/v.yaml)" not in ended.out
        assert "1 of 2 specs, without y/v.yaml: it cannot be planned" in ended.out
    assert specrun("plan", "x/v.yaml", "y/v.yaml", code=1).out.startswith("v (x/v.yaml)")


def test_outputs_of_another_spec_are_an_error_of_the_plan_too(specrun: Any) -> None:
    write(specrun, "x/v.yaml")
    write(specrun, "y/v.yaml")
    specrun("apply", "--yes", "x/v.yaml")
    planned, applied = (specrun(*command, "y/v.yaml", code=1) for command in (("plan",), ("apply", "--yes")))
    assert "belongs to x/v.yaml, not to y/v.yaml" in planned.err
    assert planned.err == applied.err


def test_a_strangers_file_is_told_and_not_asked_for(specrun: Any) -> None:
    write(specrun, "v.yaml")
    target = specrun.folder / "outputs/v/lamp/lamp.png"
    target.parent.mkdir(parents=True)
    target.write_bytes(b"mine")
    plan = specrun("plan", "v.yaml", "--detailed-exitcode", code=2)
    assert "outputs/v/lamp/lamp.png is in the way, and specrun did not make it; move it away" in plan.out
    document = json.loads(specrun("plan", "v.yaml", "--format", "json").out)
    assert [action["action"] for action in document["actions"]] == ["blocked"]
    assert document["totals"]["requests"] == 0
    specrun("plan", "v.yaml", "-o", "plan.json")
    target.unlink()
    assert "would now be asked for" in specrun("apply", "plan.json", code=1).err
    target.write_bytes(b"mine")
    assert "is in the way" in specrun("apply", "plan.json", code=1).err


def test_a_budget_that_is_too_small_is_told(specrun: Any) -> None:
    write(specrun, "v.yaml", provider="modelverse", head="budget: {images: 0}\n")
    ended = specrun("plan", "v.yaml")
    assert "warning: over budget\n  the plan asks for 1 images; the limit is 0" in ended.err
    assert "over budget" in specrun("apply", "--yes", "v.yaml", code=1, env={"MODELVERSE_API_KEY": "k"}).err


def test_a_folder_that_cannot_be_written_is_told(specrun: Any) -> None:
    write(specrun, "v.yaml")
    (specrun.folder / "outputs").write_text("a file where a folder should be")
    assert "warning: folder cannot be written" in specrun("plan", "v.yaml").err
    assert "folder cannot be written" in specrun("apply", "--yes", "v.yaml", code=1).err


def test_an_input_over_plain_http_is_a_fault_of_the_spec(specrun: Any) -> None:
    image = ', model: black-forest-labs/Flux-Kontext-Pro, params: {image: "http://photos.example/lamp.png"}'
    text = SPEC.format(provider="modelverse", more="").replace(", model: black-forest-labs/FLUX.1-dev", image)
    write(specrun, "v.yaml")
    (specrun.folder / "v.yaml").write_text(text)
    for command in ("validate", "plan"):
        ended = specrun(command, "v.yaml", code=1)
        assert '"http://photos.example/lamp.png" is to be asked over http' in ended.err
        assert "v.yaml:4" in ended.err
