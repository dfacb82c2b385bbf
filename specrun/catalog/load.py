"""Schemas on disk become the catalogue."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from specrun.catalog.facts import ANNOTATION, read_facts
from specrun.catalog.models import Catalog
from specrun.catalog.parse import parse_json, read_source
from specrun.catalog.position import span_of
from specrun.catalog.schema import ModelSchema
from specrun.catalog.shipped import SHIPPED, model_files
from specrun.diagnostics import Collector, Diagnostic, InvalidInputError, Source

_CONST = ("properties", "model", "const")


def load_catalog(project_schemas: Path | None = None) -> Catalog:
    """Return the shipped models with a project's own added, which take precedence by id.

    `project_schemas` need not exist. Raises `InvalidInputError` with all that is wrong in the project's schemas.
    """
    found = Collector()
    models = {model.id: model for model in map(_read, model_files(SHIPPED))}
    # In specrun's own checkout the project's schemas are the shipped ones.
    if project_schemas is not None and project_schemas.is_dir() and not project_schemas.samefile(SHIPPED):
        models |= _read_own(project_schemas, found)
    aliases = _aliases(models, found)
    found.stop_on_errors()
    return Catalog(models=dict(sorted(models.items())), aliases=aliases)


def _read_own(folder: Path, found: Collector) -> dict[str, ModelSchema]:
    models: dict[str, ModelSchema] = {}
    for path in model_files(folder):
        try:
            model = _read_checked(path)
        except InvalidInputError as error:
            found.extend(error.diagnostics)
            continue
        if model.id in models:
            detail = f"{model.id} is described by {models[model.id].path.name} too"
            found.add(_diagnostic(read_source(path), _CONST, detail, "keep one of the two files"))
        models[model.id] = model
    return models


def _read_checked(path: Path) -> ModelSchema:
    # The library takes longer to import than a small plan to make; only projects with schemas of their own need it.
    from specrun.catalog.check import schema_problems  # noqa: PLC0415

    source = read_source(path)
    found = Collector()
    for problem in schema_problems(_document(source)):
        found.add(_diagnostic(source, *problem))
    found.stop_on_errors()
    return _read(path)


def _read(path: Path) -> ModelSchema:
    """Read a file that is a valid JSON Schema; raise `InvalidInputError` where it describes no model."""
    source = read_source(path)
    document = _document(source)
    found = Collector()

    def complain(at: tuple[str | int, ...], detail: str, hint: str) -> None:
        found.add(_diagnostic(source, at, detail, hint))

    properties = document.get("properties", {})
    model = properties.get("model")
    id_ = model.get("const") if isinstance(model, Mapping) else None
    if not isinstance(id_, str) or not id_:
        complain(_CONST, "the schema does not say which model it describes", 'add "model": {"const": "vendor/name"}')
    parameters = [name for name in properties if name != "model"]
    facts = read_facts(document.get(ANNOTATION, {}), parameters, complain)
    found.stop_on_errors()
    return ModelSchema(id=str(id_), path=path, schema=document, facts=facts)


def _document(source: Source) -> Mapping[str, Any]:
    document = parse_json(source)
    if isinstance(document, Mapping):
        return document
    raise InvalidInputError(
        _diagnostic(source, (), "a model schema is a JSON object", 'write {"properties": {"model": {"const": …}, …}}')
    )


def _aliases(models: Mapping[str, ModelSchema], found: Collector) -> dict[str, str]:
    """Map aliases to ids; a name that would mean two models is a fault."""
    owners: dict[str, str] = {}
    for model in models.values():
        for index, alias in enumerate(model.facts.aliases):
            other = alias if alias in models else owners.get(alias)
            if other is not None and other != model.id:
                detail = f'the alias "{alias}" already stands for {other}'
                at = (ANNOTATION, "aliases", index)
                found.add(_diagnostic(read_source(model.path), at, detail, "choose another alias"))
            owners[alias] = model.id
    return owners


def _diagnostic(source: Source, at: tuple[str | int, ...], detail: str, hint: str) -> Diagnostic:
    return Diagnostic(summary="invalid model schema", detail=detail, span=span_of(source, at), hint=hint)
