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
    ("specrun models --check --provider sandbox", "what the provider serves, beside what is described here"),
)


@click.command("models", epilog=EPILOG)
@click.argument("model", metavar="[ID]", required=False, shell_complete=complete_model)
@click.option("--check", is_flag=True, help="Ask a provider which models it serves, and say what differs.")
@click.option("--provider", metavar="NAME", help="With --check: the provider to ask; else the project's own.")
def command(model: str | None, provider: str | None, *, check: bool) -> None:
    """List the models, or one model's parameters.

    A project adds models, or changes them, by JSON Schemas in its own schemas folder.
    """
    if provider is not None and not check:
        raise click.UsageError("--provider says whom --check asks; add --check")
    if check:
        from specrun.cli.models_check import check as check_provider  # noqa: PLC0415 - needs the HTTP client

        check_provider(provider)
        return
    catalog = catalog_here()
    colours = ink(sys.stdout)
    lines = catalog_lines(catalog, colours) if model is None else model_lines(find_model(catalog, model), colours)
    say("\n".join(lines))
