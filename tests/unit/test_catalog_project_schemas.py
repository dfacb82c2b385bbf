"""A project's own `schemas/` folder: models added, overridden, and refused with a place."""

import json
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from specrun.canonical import Json
from specrun.catalog.accept import accepts
from specrun.catalog.facts import Facts, Source
from specrun.catalog.load import load_catalog
from specrun.catalog.shipped import SHIPPED
from specrun.catalog.validate import faults
from specrun.diagnostics import Diagnostic, InvalidInputError
from specrun.model.run import Price

FLUX = "black-forest-labs/FLUX.1-dev"


def model(id_: str = "acme/one", keywords: dict[str, Any] | None = None) -> dict[str, Any]:
    properties = {"model": {"const": id_}, "prompt": {"type": "string"}, "photo": {"type": "string"}}
    return {"type": "object", "properties": properties, "additionalProperties": False} | (keywords or {})


def doubling(where: str) -> dict[str, Any]:
    """Return schemas each of which looks at a value, or at its items, by the next one twice."""
    found: dict[str, Any] = {"d24": {}}
    for number in range(24):
        both = {"allOf": [{"$ref": f"#/$defs/d{number + 1}"}] * 2}
        found[f"d{number}"] = both if where == "allOf" else {where: both}
    return found


def write(folder: Path, **files: Any) -> Path:
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content, indent=2)
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return folder


def refused(folder: Path) -> tuple[Diagnostic, ...]:
    with pytest.raises(InvalidInputError) as caught:
        load_catalog(folder)
    return caught.value.diagnostics


def said(folder: Path) -> list[tuple[str, str]]:
    return [(str(diagnostic.span), diagnostic.detail) for diagnostic in refused(folder)]


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    folder = tmp_path / "schemas"
    folder.mkdir()
    return folder


def test_a_folder_that_does_not_exist_adds_nothing(tmp_path: Path) -> None:
    assert list(load_catalog(tmp_path / "schemas").models) == list(load_catalog().models)


def test_a_schema_adds_a_model_with_its_facts_and_no_code(schemas: Path) -> None:
    annotation = {
        "source": {"document": "Acme handbook", "date": "2026-01-31"},
        "modes": ["image-to-image"],
        "price": {"amount": "0.125", "currency": "USD"},
        "free_quota": 3,
        "aliases": ["one"],
        "inputs": ["photo"],
        "wire": {"photo": "input_image"},
        "media_type": "image/webp",
    }
    catalog = load_catalog(write(schemas, acme=model(keywords={"x-specrun": annotation})))
    found = catalog.find("one")
    assert found is not None
    assert found is catalog.find("acme/one")
    assert found.facts == Facts(
        source=Source(document="Acme handbook", date="2026-01-31"),
        modes=("image-to-image",),
        price=Price(amount=Decimal("0.125"), currency="USD"),
        free_quota=3,
        aliases=("one",),
        inputs=("photo",),
        wire={"photo": "input_image"},
        media_type="image/webp",
    )
    assert found.path == schemas / "acme.json"
    assert FLUX in catalog.models


def test_a_schema_without_annotation_is_a_model_of_unknown_price(schemas: Path) -> None:
    found = load_catalog(write(schemas, acme=model())).models["acme/one"]
    assert found.facts == Facts()
    assert found.title == "acme/one"
    assert faults(found, {"prompt": "x"}) == ()
    assert not found.has_seed


def test_a_schema_of_a_shipped_id_takes_its_place(schemas: Path) -> None:
    catalog = load_catalog(write(schemas, mine=model(FLUX)))
    assert tuple(catalog.models[FLUX].properties) == ("prompt", "photo")
    assert list(catalog.models) == list(load_catalog().models)


def test_schemas_of_file_formats_and_other_files_are_passed_over(schemas: Path) -> None:
    shutil.copy(SHIPPED / "spec.schema.json", schemas)
    (schemas / "README.md").write_text("# ours\n", encoding="utf-8")
    (schemas / "folder.json").mkdir()
    assert list(load_catalog(schemas).models) == list(load_catalog().models)


def test_specruns_own_checkout_may_be_the_project() -> None:
    assert list(load_catalog(SHIPPED).models) == list(load_catalog().models)


def test_a_byte_order_mark_and_windows_line_ends_are_harmless(schemas: Path) -> None:
    text = json.dumps(model(), indent=2).replace("\n", "\r\n")
    (schemas / "acme.json").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert "acme/one" in load_catalog(schemas).models


@pytest.mark.parametrize(
    ("text", "place", "detail"),
    [
        ('{"a": 1,\n "b": }', "schemas/acme.json:2:7", "not JSON: expecting value"),
        ("", "schemas/acme.json:1:1", "not JSON: expecting value"),
        ('{"a": NaN}', "schemas/acme.json:1:1", "NaN is not a number in JSON"),
        ('{"a": 1, "a": 2}', "schemas/acme.json:1:1", '"a" stands twice in one object'),
        ("[" * 200_000, "schemas/acme.json:1:65", "nested too deeply"),
        ("[]", "schemas/acme.json:1:1", "a model schema is a JSON object"),
        ("{}", "schemas/acme.json:1:1", "the schema does not say which model it describes"),
    ],
    ids=["broken", "empty", "NaN", "twice", "deep", "list", "nameless"],
)
def test_what_is_no_model_schema_is_refused_at_its_place(schemas: Path, text: str, place: str, detail: str) -> None:
    assert said(write(schemas, acme=text)) == [(place, detail)]


def test_a_file_that_is_not_utf8_is_refused(schemas: Path) -> None:
    (schemas / "acme.json").write_bytes(b'{"title": "\xff"}')
    assert [d.detail for d in refused(schemas)] == ["schemas/acme.json is not UTF-8: byte 12 fits no character"]


@pytest.mark.parametrize(
    ("keywords", "place", "detail"),
    [
        ({"type": "objekt"}, "2:11", "not a valid JSON Schema: 'objekt' is not valid under any of the given schemas"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "15:14", "written for another edition"),
        ({"$defs": {"a": {"pattern": "("}}}, "17:18", "the pattern `(` is no regular expression"),
        ({"$ref": "#/$defs/gone"}, "15:11", 'no schema is found at "#/$defs/gone"'),
        ({"$ref": "https://example.com/other.json"}, "15:11", 'no schema is found at "https://example.com/other.json"'),
        ({"minProperties": 2**60}, "1:1", "JSON does not carry unchanged"),
        ({"$ref": "#"}, "1:1", "refers to itself without end"),
        ({"$defs": {"a": {"$ref": "#/$defs/a"}}, "properties": {"x": {"$ref": "#/$defs/a"}}}, "10:10", "without end"),
        (
            {"$defs": {"a": {"items": {"$ref": "#/$defs/b"}}, "b": {"not": {"$ref": "#/$defs/b"}}}},
            "21:10",
            "without end",
        ),
        ({"$defs": {"a": {"pattern": "(?=a)b"}}}, "17:18", "the pattern `(?=a)b` looks around or back"),
        ({"patternProperties": {"(a)\\1": {}}}, "16:15", "the pattern `(a)\\1` looks around or back"),
        ({"$defs": {"a": {"pattern": "(a{1,999}){1,999}"}}}, "17:18", "or repeats too much"),
        (
            {"$defs": doubling("allOf")},
            "1:1",
            "the schema looks at one value more than 10,000 times",
        ),
        ({"$defs": doubling("items")}, "1:1", "the schema looks at one value more than 10,000 times"),
        ({"unevaluatedProperties": {}, "patternProperties": {"a": {}}}, "15:28", "does not go with patternProperties"),
        ({"$ref": "#/properties/model/const"}, "15:11", "no schema is found at"),
        ({"x": json.loads("[" * 600 + "]" * 600)}, "1:1", "nest more than 64 levels deep"),
    ],
)
def test_what_is_no_sound_json_schema_is_refused_at_its_place(
    schemas: Path, keywords: dict[str, Any], place: str, detail: str
) -> None:
    ((where, what),) = said(write(schemas, acme=model(keywords=keywords)))
    assert where == f"schemas/acme.json:{place}"
    assert detail in what


def test_a_default_that_the_schema_itself_refuses_is_a_fault(schemas: Path) -> None:
    content = model()
    content["properties"]["steps"] = {"type": "integer", "minimum": 1, "default": 0}
    ((where, what),) = said(write(schemas, acme=content))
    assert where == "schemas/acme.json:16:18"
    assert what == "the default of steps is not valid by its own schema: 0 is less than the minimum of 1"


def test_every_fault_of_an_annotation_is_told_at_once_with_its_place_and_fix(schemas: Path) -> None:
    annotation = {
        "prise": {},
        "source": {"date": "January"},
        "modes": "text-to-image",
        "price": {"amount": 0.35, "currency": "yuan"},
        "free_quota": -1,
        "inputs": ["foto"],
        "wire": {"photo": "prompt", "zoom": "z", "prompt": 3},
        "media_type": "png",
    }
    found = refused(write(schemas, acme=model(keywords={"x-specrun": annotation})))
    assert [(f"{d.span.line}:{d.span.column}" if d.span else "", d.detail, d.hint) for d in found] == [
        ("16:14", 'x-specrun has no field "prise"', 'did you mean "price"?'),
        ("17:15", "source names no document", 'add "document": "…"'),
        ("18:15", "date is not of the form that it needs", 'write it like "2026-05-31"'),
        ("20:14", "modes is not a list of names", 'write it like ["…", "…"]'),
        ("22:17", "amount is not of the form that it needs", 'write it like "0.35"'),
        ("23:19", "currency is not of the form that it needs", 'write it like "CNY"'),
        ("25:19", "free_quota is not a count of images", "write a whole number from 0"),
        ("27:7", 'the schema has no parameter "foto"', 'did you mean "photo"?'),
        ("30:16", 'two parameters would be sent as "prompt"', "give each a wire name of its own"),
        ("31:15", 'the schema has no parameter "zoom"', "the parameters are prompt, photo"),
        ("32:17", "the wire name of prompt is not a name", "write it as text"),
        ("34:19", "media_type is not of the form that it needs", 'write it like "image/png"'),
    ]
    assert {d.summary for d in found} == {"invalid model schema"}


def test_two_files_for_one_model_are_refused_by_name(schemas: Path) -> None:
    ((where, what),) = said(write(schemas, first=model(), second=model()))
    assert (where, what) == ("schemas/second.json:5:16", "acme/one is described by first.json too")


@pytest.mark.parametrize("taken", [FLUX, "shared"])
def test_a_name_that_would_mean_two_models_is_refused(schemas: Path, taken: str) -> None:
    write(schemas, a=model("acme/a", {"x-specrun": {"aliases": ["shared"]}}))
    write(schemas, b=model("acme/b", {"x-specrun": {"aliases": ["b", taken]}}))
    ((where, what),) = said(schemas)
    assert where == "schemas/b.json:18:7"
    assert what == f'the alias "{taken}" already stands for {FLUX if taken == FLUX else "acme/a"}'


def test_the_faults_of_all_files_are_told_at_once(schemas: Path) -> None:
    write(schemas, a="{", b=model(keywords={"type": "objekt"}), c="[]")
    assert [d.span.source.name for d in refused(schemas) if d.span] == [f"schemas/{name}.json" for name in "abc"]


def test_a_project_without_schemas_loads_without_the_slow_library() -> None:
    source = (
        "import sys; from specrun.catalog.load import load_catalog; load_catalog(); print('jsonschema' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_pattern_costs_what_the_text_is_long(schemas: Path) -> None:
    evil = {"type": "string", "pattern": "^(a+)+$"}
    names = {"type": "object", "patternProperties": {"^(a+)+$": {"type": "string"}}, "additionalProperties": False}
    write(schemas, acme=model(keywords={"properties": {"model": {"const": "acme/one"}, "x": evil, "y": names}}))
    acme = load_catalog(schemas).models["acme/one"]
    text = "a" * 50_000 + "b"
    assert [fault.path for fault in faults(acme, {"x": text, "y": {text: ""}})] == [("x",), ("y",)]
    assert not accepts(acme, "x", text)
    assert faults(acme, {"x": text[:-1], "y": {text[:-1]: ""}}) == ()
    assert [fault.path for fault in faults(acme, {"y": {"aa": 1}})] == [("y", "aa")]


def test_schemas_that_refer_to_themselves_for_parts_are_taken(schemas: Path) -> None:
    tree = {"properties": {"left": {"$ref": "#/$defs/tree"}, "right": {"$ref": "#/$defs/tree"}}, "type": "object"}
    keywords = {"$defs": {"tree": tree | {"additionalProperties": False}}}
    declared = {"model": {"const": "acme/one"}, "x": {"$ref": "#/$defs/tree"}}
    write(schemas, acme=model(keywords=keywords | {"properties": declared}))
    acme = load_catalog(schemas).models["acme/one"]
    assert faults(acme, {"x": {"left": {"right": {}}}}) == ()
    assert [fault.path for fault in faults(acme, {"x": {"left": {"right": 1}}})] == [("x", "left", "right")]


def test_items_are_told_apart_by_value(schemas: Path) -> None:
    listed = {"type": "array", "uniqueItems": True}
    write(schemas, acme=model(keywords={"properties": {"model": {"const": "acme/one"}, "x": listed}}))
    acme = load_catalog(schemas).models["acme/one"]
    assert faults(acme, {"x": [1, True, "1", {"a": 1}, {"a": 2}]}) == ()
    repeated: list[list[Json]] = [[1, 1.0], [{"a": [1]}, {"a": [1.0]}]]
    for twice in repeated:
        assert [fault.path for fault in faults(acme, {"x": twice})] == [("x",)]
