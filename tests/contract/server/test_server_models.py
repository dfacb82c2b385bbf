import json
from pathlib import Path

import jsonschema
import pytest
from api_server import FLUX, InProcess

from specrun.catalog.load import load_catalog
from specrun.catalog.models import Catalog
from specrun.server.app import create_app


def test_all_models_are_listed(sandbox: InProcess, catalog: Catalog) -> None:
    listing = sandbox.get("/v1/models").json()
    assert listing["object"] == "list"
    assert [model["id"] for model in listing["data"]] == list(catalog.models)
    (flux,) = (model for model in listing["data"] if model["id"] == FLUX)
    assert flux["owned_by"] == "black-forest-labs"
    assert flux["created"] == 1750636800
    assert flux["price"] == {"amount": "0.10", "currency": "CNY"}


@pytest.mark.parametrize("name", [FLUX, FLUX.replace("/", "%2F")])
def test_one_model_comes_with_its_schema(sandbox: InProcess, name: str) -> None:
    model = sandbox.get(f"/v1/models/{name}").json()
    jsonschema.Draft202012Validator(model["schema"]).validate({"model": FLUX, "prompt": "x"})


def test_an_unknown_model_is_not_found_but_what_is_near_is_told(sandbox: InProcess) -> None:
    reply = sandbox.get("/v1/models/FLUX.1")
    assert reply.status_code == 404
    assert reply.json()["error"]["code"] == "model_not_found"
    assert "did you mean" in reply.json()["error"]["message"]


def test_health_tells_what_was_billed(sandbox: InProcess) -> None:
    sandbox.generate({"model": FLUX, "prompt": "x", "n": 3, "size": "256x256"})
    health = sandbox.get("/healthz").json()
    assert health["status"] == "ok"
    assert health["engine"] == "drawing"
    assert health["billed_images"] == 3


def test_the_description_holds_every_models_schema(sandbox: InProcess, catalog: Catalog) -> None:
    document = sandbox.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    body = document["paths"]["/v1/images/generations"]["post"]["requestBody"]
    mapping = body["content"]["application/json"]["schema"]["discriminator"]["mapping"]
    assert list(mapping) == list(catalog.models)
    for id_, reference in mapping.items():
        schema = document["components"]["schemas"][reference.rpartition("/")[2]]
        assert schema["properties"].keys() == catalog.models[id_].schema["properties"].keys()


def test_a_projects_models_keep_their_own_references_in_the_description(tmp_path: Path) -> None:
    own = {
        "type": "object",
        "properties": {"model": {"const": "shop/own"}, "prompt": {"$ref": "#/$defs/words"}},
        "$defs": {"words": {"type": "string", "maxLength": 3}},
    }
    (tmp_path / "own.json").write_text(json.dumps(own), "utf-8")
    document = InProcess(create_app(load_catalog(tmp_path))).get("/openapi.json").json()
    validator = jsonschema.Draft202012Validator(document | {"$ref": "#/components/schemas/shop.own"})
    assert validator.is_valid({"prompt": "fox"})
    assert not validator.is_valid({"prompt": "foxes"})


def test_answers_are_as_described(sandbox: InProcess) -> None:
    document = sandbox.get("/openapi.json").json()

    def check(name: str, value: object) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        jsonschema.Draft202012Validator(schema).validate(value)

    body = {"model": FLUX, "prompt": "x", "size": "256x256"}
    check("Images", sandbox.generate(body).json())
    check("Images", sandbox.generate(body | {"response_format": "b64_json"}).json())
    check("Error", sandbox.generate({}).json())
    check("ModelList", sandbox.get("/v1/models").json())
    check("Model", sandbox.get(f"/v1/models/{FLUX}").json())
    check("Health", sandbox.get("/healthz").json())
