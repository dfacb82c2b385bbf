"""The models that are known where the command was started, and their names for the shell."""

from functools import cache
from pathlib import Path

import click

from specrun.catalog.load import load_catalog
from specrun.catalog.models import Catalog
from specrun.catalog.schema import ModelSchema
from specrun.diagnostics import Diagnostic, UsageError
from specrun.model.project import Project
from specrun.spec.project import load_project


def catalog_here() -> Catalog:
    """Return the shipped models with those of the project around the current folder."""
    return catalog_of(load_project(Path.cwd()))


def catalog_of(project: Project) -> Catalog:
    """Return the shipped models with those of a project, read once a command."""
    return _load(project.schemas)


_load = cache(load_catalog)


def find_model(catalog: Catalog, name: str, *others: str) -> ModelSchema:
    """Return the model of this id or alias; raise `UsageError` with near names, those in `others` included."""
    model = catalog.find(name)
    if model is None:
        near = [*catalog.nearest(name), *others]
        hint = f"near it are {', '.join(near)}" if near else "`specrun models` lists them all"
        raise UsageError(Diagnostic(summary="unknown model", detail=f'no model is called "{name}"', hint=hint))
    return model


def complete_model(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the model ids that begin with what was typed."""
    return [model for model in catalog_here().models if model.startswith(incomplete)]
