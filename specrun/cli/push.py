"""`specrun push SPEC…`: the images of locks into the shared store."""

from collections.abc import Callable
from pathlib import Path

import click

from specrun.apply.exchange import push
from specrun.cli.examples import examples
from specrun.cli.exchanging import Shared, exchange
from specrun.cli.options import SPECS
from specrun.provenance.embed import original
from specrun.store.blobs import DamagedBlobError

EPILOG = examples(
    ("specrun push specs/quickstart.yaml", "put what is missing or damaged there"),
    ("specrun push specs", "for every spec in a folder"),
)


@click.command("push", epilog=EPILOG)
@SPECS
@click.option("--name", metavar="NAME", help="The variant's lock, not the spec's own.")
def command(specs: tuple[Path, ...], name: str | None) -> int:
    """Put the images of locks into the shared store.

    `apply` does so by itself; this is for what it could not upload, for images made before there was a shared store,
    and for objects that were damaged there. Exits 1 where the store ends up without an image of a lock.
    """
    return exchange(
        specs,
        name,
        lambda shared: push(shared.blobs, _reader(shared), shared.store, shared.record),
        "pushed",
        writes=True,
    )


def _reader(shared: Shared) -> Callable[[str], bytes | None]:
    files = {output.blob: output.path for row in shared.lock.rows.values() for output in row.outputs}

    def read(blob: str) -> bytes | None:
        try:
            return shared.target.blobs.read(blob)
        except (FileNotFoundError, DamagedBlobError):
            pass
        try:
            return original(shared.target.files.read(files[blob]), blob)
        except OSError:
            return None

    return read
