"""`specrun pull SPEC…`: the images of locks from the shared store."""

from pathlib import Path

import click

from specrun.apply.exchange import pull
from specrun.cli.examples import examples
from specrun.cli.exchanging import exchange
from specrun.cli.options import SPECS

EPILOG = examples(
    ("specrun pull specs/quickstart.yaml", "into the project's store; apply then delivers without a network"),
    ("specrun pull specs", "for every spec in a folder"),
)


@click.command("pull", epilog=EPILOG)
@SPECS
@click.option("--name", metavar="NAME", help="The variant's lock, not the spec's own.")
def command(specs: tuple[Path, ...], name: str | None) -> int:
    """Bring the images of locks from the shared store into the project's own.

    Each is checked against its digest on the way in. `apply` brings what it needs by itself; this is for getting all
    of it before a journey.
    """
    return exchange(
        specs,
        name,
        lambda shared: pull(shared.blobs, shared.target.blobs, shared.store, shared.record),
        "pulled",
        writes=False,
    )
