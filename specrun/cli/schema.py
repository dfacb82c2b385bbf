"""`specrun schema NAME`: the JSON Schema of a file format or a model."""

from pathlib import Path

import click

from specrun.catalog.shipped import FORMATS, format_path
from specrun.cli.catalogue import catalog_here, complete_model, find_model
from specrun.cli.console import say
from specrun.cli.examples import examples
from specrun.diagnostics import nearest
from specrun.report import inert

EPILOG = examples(
    ("specrun schema spec", "for editors that check and complete specs"),
    ("specrun schema black-forest-labs/FLUX.1-dev", "what a request to this model may hold"),
)


def complete_name(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the schema names that begin with what was typed."""
    formats = [name for name in FORMATS if name.startswith(incomplete)]
    return formats + complete_model(context, parameter, incomplete)


@click.command("schema", epilog=EPILOG)
@click.argument("name", shell_complete=complete_name)
def command(name: str) -> None:
    """Print the JSON Schema of a file format or a model.

    NAME is spec, project, plan, lock, manifest, or the id of a model.
    """
    say(inert.json_text(schema_path(name).read_text("utf-8").rstrip("\n")))


def schema_path(name: str) -> Path:
    """Return the file of a schema; raise `UsageError` where there is none of that name."""
    if name in FORMATS:
        return format_path(name)
    return find_model(catalog_here(), name, *nearest(name, FORMATS)).path
