"""`specrun models [ID]`: the catalogue, or one model's parameters."""

import sys

import click

from specrun.cli.catalogue import catalog_here, complete_model, find_model
from specrun.cli.console import ink, say
from specrun.cli.examples import examples
from specrun.report.models import catalog_lines, model_lines

EPILOG = examples(
    ("specrun models", "all models, with what they do and cost"),
    ("specrun models black-forest-labs/FLUX.1-dev", "what this one takes"),
)


@click.command("models", epilog=EPILOG)
@click.argument("model", metavar="[ID]", required=False, shell_complete=complete_model)
def command(model: str | None) -> None:
    """List the models that specs can name, or one model's parameters.

    A project adds models, or changes them, by JSON Schemas in its own schemas folder.
    """
    catalog = catalog_here()
    colours = ink(sys.stdout)
    lines = catalog_lines(catalog, colours) if model is None else model_lines(find_model(catalog, model), colours)
    say("\n".join(lines))
