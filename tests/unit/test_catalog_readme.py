"""The README of the schemas says what the schemas say."""

import json
import re
from pathlib import Path

from specrun.catalog.load import load_catalog
from specrun.catalog.shipped import FORMATS, SHIPPED, format_path
from specrun.catalog.validate import faults

README = (SHIPPED / "README.md").read_text("utf-8")
CATALOG = load_catalog()


def rows() -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in README.splitlines() if line[:3] == "| `"]


def test_the_table_of_models_agrees_with_the_schemas() -> None:
    models = {row[0].strip("`"): row[1:] for row in rows() if "/" in row[0]}
    assert sorted(models) == list(CATALOG.models)
    for id_, (does, inputs, price, free, file) in models.items():
        model = CATALOG.models[id_]
        assert model.facts.price is not None
        need = {name: "required" if name in model.required else "optional" for name in model.inputs}
        assert does == ", ".join(model.facts.modes)
        assert inputs == (", ".join(f"`{name}`, {how}" for name, how in need.items()) or "none")
        assert price == f"{model.facts.price.amount}"
        assert free == ("not stated" if model.facts.free_quota is None else str(model.facts.free_quota))
        assert file == f"[{model.path.name}]({model.path.name})"


def test_the_table_of_formats_agrees_with_the_files() -> None:
    formats = {row[0].strip("`"): row[1] for row in rows() if "schema.json" in row[1]}
    assert formats == {name: f"[{format_path(name).name}]({format_path(name).name})" for name in FORMATS}


def test_the_example_of_a_models_schema_works_as_printed(tmp_path: Path) -> None:
    (example,) = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
    (tmp_path / "acme.json").write_text(example, encoding="utf-8")
    model = load_catalog(tmp_path).find("restyle")
    assert model is not None
    assert model.separable
    assert faults(model, {"prompt": "woodcut", "image": "https://example.com/a.png"}) == ()
    assert [fault.path for fault in faults(model, {"prompt": "woodcut", "stepps": 3})] == [("image",), ("stepps",)]
    told = {row[0].strip("`") for row in rows() if len(row) == 3 and "schema.json" not in row[1]}
    assert set(json.loads(example)["x-specrun"]) <= told == {*model.facts.__struct_fields__}


def test_each_heading_is_reached_from_the_contents() -> None:
    headings = re.findall(r"^## (.*)$", README, re.MULTILINE)
    anchors = [re.sub(r"[^a-z -]", "", heading.lower()).replace(" ", "-") for heading in headings]
    assert re.findall(r"^- \[.*\]\(#(.*)\)$", README, re.MULTILINE) == anchors
