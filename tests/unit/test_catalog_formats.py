"""The schemas of specs and project files, as an editor applies them, and of what specrun writes."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from specrun.catalog.load import load_catalog
from specrun.catalog.shipped import FORMATS, format_path
from specrun.diagnostics import Source
from specrun.model.lock import Lock, LockedOutput, LockRow, State
from specrun.model.plan import Verb
from specrun.model.project import Dialect, Provider
from specrun.spec.nodes import plain
from specrun.spec.project import BUILT_IN
from specrun.spec.spec import RESERVED
from specrun.spec.yaml import parse_yaml
from specrun.store.lockfile import lock_bytes
from specrun.store.manifest import Manifest, ManifestOutput, manifest_bytes

SCHEMAS = {name: json.loads(format_path(name).read_text("utf-8")) for name in FORMATS}
DIGEST = "sha256:" + "0f" * 32

WHOLE_LANGUAGE = """
specrun: 1
name: product-shots
provider: modelverse
max_runs: 500
budget: {images: 40, CNY: 12.50, USD: "3.00"}
vars: {brand: Northwind, sizes: [1, 2], nested: {a: null}}
defaults: {params: {guidance_scale: 3, n: "{{ vars.sizes[0] }}"}}
prompts:
  studio: "{{ vars.brand }} {{ item.title }} on a {{ background }} backdrop"
  lifestyle: {file: prompts/lifestyle.j2}
models:
  kontext: black-forest-labs/Flux-Kontext-Pro
  flux: {id: black-forest-labs/FLUX.1-dev, params: {steps: 28, size: 1024x768}}
jobs:
  shots:
    prompts: [studio, lifestyle]
    model: kontext
    matrix:
      item: "{{ csv('products.csv') }}"
      background: [white, slate, soft pink, {name: gold, hex: 'ffd700'}, 3]
      maße: {values: "{{ vars.sizes }}", label: "{{ maße }}-fach"}
    exclude: [{background: slate, prompt: lifestyle}]
    where: "{{ item.stock | int > 0 }}"
    include: [{item: {sku: X1, title: Lamp, photo: lamp.png}, background: gold, prompt: studio}]
    overrides:
      - {match: {background: white}, params: {guidance_scale: 4}}
      - {match: {background: slate}, protect: true}
    samples: 2
    revision: 1
    protect: false
    params:
      image: "{{ file(item.photo) }}"
      aspect_ratio: 16:9
      strength: "{{ 0.5 }}"
      seed: -1
      watermark: false
    output: "{{ job }}/{{ item.sku }}/{{ prompt }}-{{ background }}-{{ sample }}.{{ ext }}"
  wide poster:
    models: [black-forest-labs/Flux-Kontext-Max-multi, kontext]
    prompt: {file: poster.j2}
    samples: "{{ 1 + 1 }}"
    params:
      images: "{{ outputs('shots', background='white', sample=1) }}"
      image: ["{{ file('a.png') }}"]
  bare: {model: "{{ vars.brand }}", prompt: x, params: {images: ["{{ file('a.png') }}", "https://example.com/b.png"]}}
"""


def job(fields: str) -> str:
    return "specrun: 1\njobs: {a: {model: m, prompt: x, " + fields + "}}"


def errors(name: str, text: str) -> list[str]:
    document = plain(parse_yaml(Source(name="a.yaml", text=text)))
    found = Draft202012Validator(SCHEMAS[name]).iter_errors(document)
    return ["/".join(map(str, error.absolute_path)) for error in found]


def test_the_whole_language_is_accepted() -> None:
    assert errors("spec", WHOLE_LANGUAGE) == []


def test_the_examples_in_the_schemas_are_accepted_by_them() -> None:
    def check(schema: Any, root: Any) -> None:
        if isinstance(schema, list):
            for item in schema:
                check(item, root)
        elif isinstance(schema, dict):
            validator = Draft202012Validator(schema | {"$defs": root.get("$defs", {})})
            for value in (*schema.get("examples", ()), *([schema["default"]] if "default" in schema else [])):
                validator.validate(value)
            for item in schema.values():
                check(item, root)

    for root in SCHEMAS.values():
        check(root, root)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("jobs: {a: {model: m, prompt: x}}", [""]),
        ("specrun: 1", [""]),
        ("specrun: 2\njobs: {a: {model: m, prompt: x}}", ["specrun"]),
        ("specrun: 1\njobs: {}", ["jobs"]),
        ("specrun: 1\njob: {}\njobs: {a: {model: m, prompt: x}}", [""]),
        ("specrun: 1\nname: a/b\njobs: {a: {model: m, prompt: x}}", ["name"]),
        ("specrun: 1\nmax_runs: 0\njobs: {a: {model: m, prompt: x}}", ["max_runs"]),
        ("specrun: 1\nbudget: {yuan: 3}\njobs: {a: {model: m, prompt: x}}", ["budget"]),
        ("specrun: 1\nbudget: {CNY: -3}\njobs: {a: {model: m, prompt: x}}", ["budget/CNY"]),
        ("specrun: 1\ndefaults: {steps: 3}\njobs: {a: {model: m, prompt: x}}", ["defaults"]),
        ("specrun: 1\nprompts: {a: {text: x}}\njobs: {a: {model: m, prompt: x}}", ["prompts/a"]),
        ("specrun: 1\nmodels: {a: {params: {}}}\njobs: {a: {model: m, prompt: x}}", ["models/a"]),
        ("specrun: 1\njobs: {a: {prompt: x}}", ["jobs/a"]),
        ("specrun: 1\njobs: {a: {model: m}}", ["jobs/a"]),
        ("specrun: 1\njobs: {a: {model: m, models: [m], prompt: x}}", ["jobs/a"]),
        ("specrun: 1\njobs: {a: {model: m, prompt: x, prompts: [x]}}", ["jobs/a"]),
        ('specrun: 1\njobs: {"a[b]": {model: m, prompt: x}}', ["jobs"]),
        ('specrun: 1\njobs: {" ": {model: m, prompt: x}}', ["jobs"]),
    ],
)
def test_a_mistake_in_a_spec_is_flagged_where_it_stands(text: str, places: list[str]) -> None:
    assert errors("spec", text) == places


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ("promt: y", ""),
        ("samples: 0", "/samples"),
        ("samples: two", "/samples"),
        ("revision: 1.5", "/revision"),
        ("protect: 1", "/protect"),
        ("where: true", "/where"),
        ("output: ''", "/output"),
        ("matrix: [a]", "/matrix"),
        ("matrix: {seed: [1]}", "/matrix"),
        ("matrix: {prompt: [a]}", "/matrix"),
        ("matrix: {'my axis': [1]}", "/matrix"),
        ("matrix: {1a: [1]}", "/matrix"),
        ("matrix: {_a: [1]}", "/matrix"),
        ("matrix: {a: 3}", "/matrix/a"),
        ("matrix: {a: plain text}", "/matrix/a"),
        ("matrix: {a: {label: x}}", "/matrix/a"),
        ("exclude: {a: 1}", "/exclude"),
        ("exclude: [{}]", "/exclude/0"),
        ("include: [a]", "/include/0"),
        ("overrides: [{params: {n: 1}}]", "/overrides/0"),
        ("overrides: [{match: {a: 1}, seed: 3}]", "/overrides/0"),
        ("overrides: [{match: {a: 1}, params: {steps: 0}}]", "/overrides/0/params/steps"),
        ("params: {prompt: y}", "/params"),
        ("params: {model: y}", "/params"),
        ("params: {n: 0}", "/params/n"),
        ("params: {n: two}", "/params/n"),
        ("params: {steps: 1.5}", "/params/steps"),
        ("params: {guidance_scale: 21}", "/params/guidance_scale"),
        ("params: {strength: 1.1}", "/params/strength"),
        ("params: {seed: -2}", "/params/seed"),
        ("params: {size: 1024}", "/params/size"),
        ("params: {size: 1024*1024}", "/params/size"),
        ("params: {aspect_ratio: wide}", "/params/aspect_ratio"),
        ("params: {aspect_ratio: 0:1}", "/params/aspect_ratio"),
        ("params: {response_format: png}", "/params/response_format"),
        ("params: {images: photo.png}", "/params/images"),
        ("params: {images: []}", "/params/images"),
        ("params: {negative_prompt: [a]}", "/params/negative_prompt"),
    ],
)
def test_a_mistake_in_a_job_is_flagged_where_it_stands(fields: str, place: str) -> None:
    assert errors("spec", job(fields)) == [f"jobs/a{place}"]


def test_every_parameter_that_takes_no_text_takes_a_template() -> None:
    parameters = SCHEMAS["spec"]["$defs"]["params"]["properties"]
    for name in set(parameters) - {"prompt", "model"}:
        assert errors("spec", job("params: {" + name + ": '{{ item.x }}'}")) == []


def test_the_editor_completes_exactly_the_models_and_parameters_that_there_are() -> None:
    catalog = load_catalog()
    ids = SCHEMAS["spec"]["$defs"]["model"]["anyOf"][0]["enum"]
    parameters = SCHEMAS["spec"]["$defs"]["params"]["properties"]
    known = {name for model in catalog.models.values() for name in model.properties}
    assert sorted(ids) == list(catalog.models)
    assert {name for name, schema in parameters.items() if schema is not False} == known - {"prompt"}
    assert all(schema["title"] and schema["description"] for schema in parameters.values() if schema is not False)


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_reserved_name_is_flagged_as_an_axis_and_a_longer_one_is_not(name: str) -> None:
    assert errors("spec", job("matrix: {" + name + ": [1]}")) == ["jobs/a/matrix"]
    assert errors("spec", job("matrix: {" + name + "s: [1]}")) == []


def test_a_whole_project_file_is_accepted() -> None:
    text = """
provider: acme
providers:
  acme:
    base_url: https://api.example.com/v1
    api_key_env: ACME_KEY
    concurrency: 4
    rpm: 60
    timeout: 90.5
    retry_for: 30
    dialect: seed
    allow_private: true
  modelverse: {concurrency: 2}
outputs: images
budget: {images: 100, CNY: 25}
"""
    assert errors("project", text) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("provder: acme", ""),
        ("providers: {acme: {}}", "providers/acme"),
        ("providers: {acme: {base_url: example.com}}", "providers/acme/base_url"),
        ("providers: {'a b': {base_url: 'https://example.com'}}", "providers"),
        ("providers: {sandbox: {api_key: secret}}", "providers/sandbox"),
        ("providers: {sandbox: {api_key_env: sk-123}}", "providers/sandbox/api_key_env"),
        ("providers: {sandbox: {timeout: 0}}", "providers/sandbox/timeout"),
        ("providers: {sandbox: {dialect: klingon}}", "providers/sandbox/dialect"),
        ("budget: {images: 1.5}", "budget/images"),
    ],
)
def test_a_mistake_in_a_project_file_is_flagged_where_it_stands(text: str, place: str) -> None:
    assert errors("project", text) == [place]


def test_the_schemas_list_the_names_that_the_program_knows() -> None:
    provider = SCHEMAS["project"]["$defs"]["provider"]["properties"]
    assert set(provider) == set(Provider.__struct_fields__) - {"name"}
    assert provider["dialect"]["enum"] == [dialect.value for dialect in Dialect]
    assert set(SCHEMAS["project"]["properties"]["providers"]["properties"]) == set(BUILT_IN)
    assert SCHEMAS["lock"]["$defs"]["run"]["properties"]["state"]["enum"] == [state.value for state in State]
    assert SCHEMAS["plan"]["$defs"]["action"]["properties"]["action"]["enum"] == [verb.value for verb in Verb]


def locked(state: State | None = None, key: str | None = DIGEST) -> LockRow:
    return LockRow(
        address=f"shots[animal=cat,state={state}]",
        key=key,
        request_digest=key,
        seed=7 if key else None,
        provider="modelverse",
        model="acme/one",
        params={"prompt": "a cat", "image": {"key": DIGEST, "index": 1}, "n": 2},
        defaults=("n",),
        revision=1,
        sample=1,
        schema_digest=DIGEST,
        inputs={"photos/a.png": DIGEST, "https://example.com/b.png": None},
        outputs=(LockedOutput(index=1, path="shots/cat.png", blob=DIGEST, file=DIGEST),),
        state=state,
    )


def test_a_written_lock_is_valid_and_a_spoilt_one_is_not(tmp_path: Path) -> None:
    rows = [locked(), *(locked(state) for state in State), locked(key=None)]
    lock = Lock(
        spec="specs/shots.yaml",
        name="shots",
        files={"a.csv": DIGEST},
        vars={"brand": DIGEST},
        rows={f"{number}": row for number, row in enumerate(rows)},
    )
    document = json.loads(lock_bytes(lock))
    validator = Draft202012Validator(SCHEMAS["lock"])
    validator.validate(document)
    faults: list[dict[str, Any]] = [{"colour": 1}, {"key": "md5:0"}, {"state": "lost"}, {"take": 0}, {"outputs": [{}]}]
    for spoilt in faults:
        assert not validator.is_valid(document | {"runs": [document["runs"][0] | spoilt]})
    assert not validator.is_valid(document | {"format_version": "2.0"})


def test_a_written_manifest_is_valid_and_a_spoilt_one_is_not() -> None:
    output = ManifestOutput(
        address="shots[animal=cat]",
        index=1,
        path="shots/cat.png",
        file=DIGEST,
        blob=DIGEST,
        media_type="image/png",
        width=1024,
        height=768,
        bytes=1000,
        provider="modelverse",
        model="acme/one",
        prompt="a cat",
        params={"n": 1},
        seed=None,
        key=DIGEST,
        request_digest=DIGEST,
        job="shots",
        axes={"animal": "cat"},
    )
    manifest = Manifest(spec="specs/shots.yaml", name="shots", held={"unknown": 1}, outputs=(output,))
    document = json.loads(manifest_bytes(manifest))
    validator = Draft202012Validator(SCHEMAS["manifest"])
    validator.validate(document)
    for spoilt in ({"colour": 1}, {"width": 0}, {"media_type": "text/html"}, {"axes": {"animal": 1}}):
        assert not validator.is_valid(document | {"outputs": [document["outputs"][0] | spoilt]})
