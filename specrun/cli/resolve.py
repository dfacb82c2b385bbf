"""`specrun resolve ADDRESS`: a held run settled by what a person found out."""

from pathlib import Path
from typing import Any

import click
import msgspec

from specrun.apply.resolve import Settlement, Word, resolve
from specrun.cli.console import say
from specrun.cli.examples import examples
from specrun.diagnostics import Diagnostic, InvalidInputError, UsageError, nearest
from specrun.imaging import DecodedImage, ImageError, decode_image
from specrun.model.lock import State
from specrun.report.inert import line as inert
from specrun.spec.project import load_project
from specrun.store.lockfile import lock_path
from specrun.verify.locks import LockFile, locks_of

EPILOG = examples(
    (
        "specrun resolve 'shots[item=A1]' --not-billed",
        "the provider's bill does not list it: ask anew at the next apply",
    ),
    ("specrun resolve 'shots[item=A1]' --file lamp.png", "the provider's page had the image: take it as the answer"),
    ("specrun resolve 'shots[item=A1]' --accept", "live with a refusal, or with fewer images"),
)

_NEXT = {
    Word.NOT_BILLED: "the next apply asks for it anew",
    Word.FILE: "the next apply delivers what you gave",
    Word.ACCEPT: "it stays as it is",
}


class ResolveOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks of `resolve`."""

    address: str
    spec: Path | None
    name: str | None
    not_billed: bool
    files: tuple[Path, ...]
    accept: bool

    @property
    def word(self) -> Word:
        """The one thing that is said of the run."""
        said = [self.not_billed, bool(self.files), self.accept]
        if sum(said) != 1:
            raise click.UsageError("say exactly one of --not-billed, --file and --accept")
        return Word.NOT_BILLED if self.not_billed else Word.FILE if self.files else Word.ACCEPT


@click.command("resolve", epilog=EPILOG)
@click.argument("address")
@click.option("--spec", type=click.Path(dir_okay=False, path_type=Path), help="The spec that has the address.")
@click.option("--name", metavar="NAME", help="The variant that has the address.")
@click.option("--not-billed", is_flag=True, help="An unknown request was not billed: let it be asked anew.")
@click.option(
    "--file",
    "files",
    metavar="IMAGE",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take this image as the answer; once for each image that the run asks for, in their order.",
)
@click.option("--accept", is_flag=True, help="Take a refusal, or fewer images, as final.")
def command(**given: Any) -> None:
    """Settle a held run without a request.

    A run is held where a request may have been billed and nobody knows, where images are missing or do not decode,
    or where moderation refused it. Nothing is sent and nothing paid.
    """
    options = ResolveOptions(**given)
    word = options.word
    project = load_project(Path() if options.spec is None else options.spec.parent)
    images = tuple(_image(path) for path in options.files)
    lock = _held(options, locks_of(project.root, project.outputs))
    settlement = Settlement(address=options.address, lock=lock, word=word, images=images)
    resolve(settlement, project.state)
    say(inert(f"{options.address}: settled; {_NEXT[word]}"))


def _held(options: ResolveOptions, locks: tuple[LockFile, ...]) -> Path:
    """Return the lock that holds the run."""
    if options.spec is not None:
        return lock_path(options.spec, options.name)
    having = [file for file in locks if options.address in file.lock.rows]
    held = [file for file in having if file.lock.rows[options.address].state not in (None, State.ORPHAN)]
    chosen = held or having
    if len(chosen) == 1:
        return chosen[0].path
    if chosen:
        detail = f"{options.address} is held in {', '.join(file.path.name for file in chosen)}"
        raise UsageError(Diagnostic(summary="several specs have it", detail=detail, hint="say which with --spec"))
    known = [address for file in locks for address in file.lock.rows]
    near = nearest(options.address, known, limit=3)
    hint = f"near: {', '.join(near)}" if near else "`specrun plan` lists what is held"
    detail = f"no lock of this project has {options.address}"
    raise UsageError(Diagnostic(summary="no such run", detail=detail, hint=hint))


def _image(path: Path) -> DecodedImage:
    try:
        return decode_image(path.read_bytes())
    except ImageError as error:
        detail = f"{path} {error}"
        raise InvalidInputError(Diagnostic(summary="not an image", detail=detail)) from error
