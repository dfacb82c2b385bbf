"""`GET /openapi.json`: the API described by OpenAPI 3.1, generated from the models' schemas."""

from collections.abc import Mapping
from typing import Any

from specrun import __version__
from specrun.catalog.models import Catalog
from specrun.catalog.schema import ModelSchema

_ERRORS = {
    "400": "The request is not what its model takes, or moderation refused it.",
    "401": "The API key is missing or wrong.",
    "403": "The Host header names another server.",
    "404": "There is no such thing here.",
    "405": "The path is for another method.",
    "408": "The body did not arrive in time.",
    "409": "The Idempotency-Key was used for another request.",
    "413": "The body is too large.",
    "415": "The body is not declared to be JSON.",
    "429": "Too many requests; Retry-After says when to come back.",
    "500": "The server failed; nothing was billed.",
    "504": "The images were not made in time.",
}
_OF_GENERATIONS = ("400", "401", "403", "408", "409", "413", "415", "429", "500", "504")
_OF_READING = ("401", "403", "404")


def openapi(catalog: Catalog, *, keyed: bool) -> dict[str, Any]:
    """Return the document; `keyed` says whether the server asks for an API key."""
    names = {model.id: _name(model) for model in catalog.models.values()}
    models = {name: _embedded(catalog.models[id_].schema, name) for id_, name in names.items()}
    references = [{"$ref": f"#/components/schemas/{name}"} for name in names.values()]
    mapping = {id_: f"#/components/schemas/{name}" for id_, name in names.items()}
    request = {"oneOf": references, "discriminator": {"propertyName": "model", "mapping": mapping}}
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "specrun image generation",
            "version": __version__,
            "description": "The sandbox's images API: real requests and answers, drawn pictures.",
        },
        "paths": {
            "/v1/images/generations": {"post": _generation(request)},
            "/v1/models": {"get": _reading("List the models", "ModelList")},
            "/v1/models/{model}": {"get": _one_model(list(names))},
            "/healthz": {"get": _health()},
        },
        "components": {"schemas": models | _SCHEMAS},
    }
    if keyed:
        document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        for path, operations in document["paths"].items():
            for operation in operations.values():
                operation["security"] = [{"key": []}] if path.startswith("/v1/") else []
    return document


def _name(model: ModelSchema) -> str:
    return "".join(char if char.isalnum() or char in "._-" else "." for char in model.id)


def _embedded(schema: Any, name: str) -> dict[str, Any]:
    """Return a model's schema as a part of a larger document, in which its own references lead elsewhere."""
    kept = {keyword: value for keyword, value in schema.items() if keyword not in ("$schema", "$id")}
    embedded: dict[str, Any] = _moved(kept, f"#/components/schemas/{name}")
    return embedded


def _moved(value: Any, root: str) -> Any:
    if isinstance(value, Mapping):
        return {
            key: root + item[1:] if key == "$ref" and isinstance(item, str) and item[:1] == "#" else _moved(item, root)
            for key, item in value.items()
        }
    return [_moved(item, root) for item in value] if isinstance(value, list) else value


def _generation(request: dict[str, Any]) -> dict[str, Any]:
    return {
        "operationId": "generateImages",
        "summary": "Make images",
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "The same key and body get the same answer again, without a second billing.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
            }
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": request}}},
        "responses": {"200": _answer("The images.", "Images")} | _errors(_OF_GENERATIONS),
    }


def _reading(summary: str, schema: str) -> dict[str, Any]:
    return {
        "operationId": summary.replace(" ", ""),
        "summary": summary,
        "responses": {"200": _answer(summary, schema)} | _errors(_OF_READING),
    }


def _one_model(ids: list[str]) -> dict[str, Any]:
    parameter = {
        "name": "model",
        "in": "path",
        "required": True,
        "description": "A model's id, its slash as it is or as %2F.",
        "schema": {"type": "string", "minLength": 1},
        "examples": {id_: {"value": id_} for id_ in ids},
    }
    return _reading("Describe a model", "Model") | {"parameters": [parameter]}


def _health() -> dict[str, Any]:
    return {
        "operationId": "health",
        "summary": "Say whether the server is well, and what it billed",
        "responses": {"200": _answer("The server is well.", "Health")} | _errors(("403",)),
    }


def _answer(description: str, schema: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
        "headers": {"x-request-id": {"schema": {"type": "string"}}},
    }


def _errors(statuses: tuple[str, ...]) -> dict[str, Any]:
    return {status: _answer(_ERRORS[status], "Error") for status in statuses}


def _object(properties: dict[str, Any], *optional: str) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}

_SCHEMAS = {
    "Images": _object(
        {
            "created": _COUNT | {"description": "Seconds since 1970."},
            "data": {
                "type": "array",
                "items": {
                    "oneOf": [
                        _object({"url": {"type": "string", "format": "uri"}}),
                        _object({"b64_json": {"type": "string", "contentEncoding": "base64"}}),
                    ]
                },
            },
            "usage": _object({"input_tokens_details": {"type": "object"}}),
        }
    ),
    "ModelList": _object(
        {"object": {"const": "list"}, "data": {"type": "array", "items": {"$ref": "#/components/schemas/Model"}}}
    ),
    "Model": _object(
        {
            "id": _TEXT,
            "object": {"const": "model"},
            "created": _COUNT,
            "owned_by": _TEXT,
            "title": _TEXT,
            "description": _TEXT,
            "modes": {"type": "array", "items": _TEXT},
            "inputs": {"type": "array", "items": _TEXT},
            "price": {
                "oneOf": [{"type": "null"}, _object({"amount": _TEXT, "currency": _TEXT})],
                "description": "What the service asks for one image; this server asks for nothing.",
            },
            "schema": {"type": "object", "description": "The JSON Schema of a request."},
        },
        "schema",
    ),
    "Health": _object({"status": {"const": "ok"}, "version": _TEXT, "engine": _TEXT, "billed_images": _COUNT}),
    "Error": _object(
        {
            "error": _object(
                {
                    "message": _TEXT,
                    "type": _TEXT,
                    "code": _TEXT,
                    "param": {"type": "string", "description": "The id of the request."},
                }
            )
        }
    ),
}
