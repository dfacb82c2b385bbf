"""`specrun models --check`: the catalogue against a provider's own list."""

import asyncio
import sys
from pathlib import Path

import httpx

from specrun.cli.catalogue import catalog_of
from specrun.cli.console import ink, say
from specrun.diagnostics import Diagnostic, UsageError, did_you_mean
from specrun.model.project import Project, Provider
from specrun.provider.served import served_models
from specrun.report.models_check import check_lines
from specrun.spec.project import load_project


def check(name: str | None) -> None:
    """Ask a provider, the project's own where none is named, which models it serves, and say what differs."""
    project = load_project(Path.cwd())
    provider = _provider(project, name or project.default_provider)
    catalog = catalog_of(project)
    served = asyncio.run(served_models(provider, transport=_transport(provider, project)))
    say("\n".join(check_lines(catalog, provider.name, served, ink(sys.stdout))))


def _provider(project: Project, name: str) -> Provider:
    provider = project.providers.get(name)
    if provider is None:
        hint = did_you_mean(name, project.providers) or f"known: {', '.join(sorted(project.providers))}"
        raise UsageError(Diagnostic(summary="unknown provider", detail=f'no provider is called "{name}"', hint=hint))
    return provider


def _transport(provider: Provider, project: Project) -> httpx.AsyncBaseTransport | None:
    if provider.base_url is not None:
        return None
    from specrun.server.app import create_app  # noqa: PLC0415 - only for the sandbox

    return httpx.ASGITransport(create_app(catalog_of(project)))
