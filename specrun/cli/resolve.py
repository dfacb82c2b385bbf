"""`specrun resolve SELECTOR…`: held runs settled by what a person found out."""

import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from specrun.apply.resolve import Settlement, Word, resolve, settles, together, unsettled
from specrun.cli.console import note, say
from specrun.cli.examples import examples
from specrun.cli.pricing import prices_of
from specrun.cli.sampling import Locked
from specrun.diagnostics import Diagnostic, InvalidInputError, UsageError, nearest
from specrun.model.held import Place, held_row
from specrun.model.lock import LockRow
from specrun.model.money import row_request
from specrun.model.project import Project
from specrun.model.run import Price
from specrun.plan.select import Selector
from specrun.report.inert import line as inert
from specrun.report.money_text import came_to
from specrun.report.words import count
from specrun.spec.project import load_project
from specrun.store.lockfile import lock_path
from specrun.verify.given import given_image
from specrun.verify.locks import LockFile, locks_of

EPILOG = examples(
    (
        "specrun resolve 'shots[item=A1]' --not-billed",
        "the provider's bill does not list it: ask anew at the next apply",
    ),
    ("specrun resolve 'shots[*]' --not-billed --yes", "nor any other of these"),
    ("specrun resolve 'shots[item=A1]' --file lamp.png", "the provider's page had the image: take it as the answer"),
    ("specrun resolve 'shots[item=A1]' --accept", "live with a refusal, or with fewer images"),
)

_NEXT = {
    Word.NOT_BILLED: "the next apply asks for it anew",
    Word.FILE: "the next apply delivers what you gave",
    Word.ACCEPT: "it stays as it is",
}

_SAID = {Word.NOT_BILLED: "not billed", Word.FILE: "answered with what you give", Word.ACCEPT: "accepted"}


class ResolveOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks of `resolve`."""

    selectors: tuple[str, ...]
    spec: Path | None
    name: str | None
    not_billed: bool
    files: tuple[Path, ...]
    accept: bool
    yes: bool

    @property
    def word(self) -> Word:
        """The one thing that is said of the runs."""
        said = [self.not_billed, bool(self.files), self.accept]
        if sum(said) != 1:
            raise click.UsageError("say exactly one of --not-billed, --file and --accept")
        return Word.NOT_BILLED if self.not_billed else Word.FILE if self.files else Word.ACCEPT


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """The lock that has the runs meant, and those of them that the word settles, with whom the same requests hold."""

    file: LockFile
    rows: tuple[LockRow, ...]
    others: tuple[LockRow, ...]


@click.command("resolve", epilog=EPILOG)
@click.argument("selectors", metavar="SELECTOR...", nargs=-1, required=True)
@click.option("--spec", type=click.Path(dir_okay=False, path_type=Path), help="The spec that has the runs.")
@click.option("--name", metavar="NAME", help="The variant that has the runs.")
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
@click.option("-y", "--yes", is_flag=True, help="Do not ask, where a selector means several runs.")
def command(**given: Any) -> None:
    """Settle held runs without a request.

    A run is held where a request may have been billed and nobody knows, where images are missing or do not decode,
    or where moderation refused it. Nothing is sent and nothing paid.

    SELECTOR is an address (with * and ? as wildcards), a job, or axis=value. Runs that it means and that are not
    held, or are held in a way that this does not settle, stay as they are.
    """
    options = ResolveOptions(**given)
    word = options.word
    project = load_project(Path() if options.spec is None else options.spec.parent)
    locks = locks_of(project.root, project.outputs)
    chosen = _chosen(options, _of_spec(options, locks))
    addresses = tuple(row.address for row in chosen.rows)
    if word is Word.FILE and len({row_request(row) for row in chosen.rows}) > 1:
        detail = f"--file gives the images of one run, and {count(len(addresses), 'run')} are meant"
        raise UsageError(Diagnostic(summary="several runs", detail=detail, hint="name one of them by its address"))
    images = tuple(given_image(path, chosen.rows[0], locks) for path in options.files)
    if not _agreed(chosen, options, project):
        note("Nothing was settled.")
        return
    settlement = Settlement(addresses=addresses, lock=chosen.file.path, word=word, images=images)
    for row in resolve(settlement, project.state):
        say(inert(f"{row.address}: settled; {_NEXT[word]}"))


def _of_spec(options: ResolveOptions, locks: Sequence[LockFile]) -> Sequence[LockFile]:
    """Return the locks of the spec and variant named, all where none is."""
    if options.spec is not None:
        path = lock_path(options.spec, options.name).resolve()
        return [file for file in locks if file.path.resolve() == path]
    return [file for file in locks if options.name is None or file.variant == options.name]


def _chosen(options: ResolveOptions, locks: Sequence[LockFile]) -> Chosen:
    """Return what the selectors mean; raise where that is nothing, nothing that is held, or runs of several locks."""
    meant = {file.path: _meant(file, options.selectors) for file in locks}
    for selector in options.selectors:
        if not any(_meant(file, (selector,)) for file in locks):
            raise UsageError(_nowhere(selector, locks, options))
    having = [file for file in locks if meant[file.path]]
    holding = [file for file in having if any(row.held for row in meant[file.path])]
    several = holding or having
    if len(several) > 1:
        raise UsageError(_several(several, meant, options))
    (file,) = several
    rows = meant[file.path]
    settled = together(file.lock, [row.address for row in rows if settles(options.word, row)])
    if not settled:
        place = Place(spec=os.path.relpath(file.spec), variant=file.variant)
        held = [row for row in rows if row.held] or rows[:1]
        raise InvalidInputError(*(unsettled(row, row.address, place, file.lock) for row in held))
    others = tuple(row for row in rows if row.held and row.address not in settled)
    return Chosen(file=file, rows=tuple(file.lock.rows[address] for address in settled), others=others)


def _meant(file: LockFile, selectors: Sequence[str]) -> list[LockRow]:
    """Return the rows that selectors mean; an address that is one goes before what it would mean with wildcards."""
    rows = file.lock.rows
    found = {text: rows[text] for text in selectors if text in rows}
    rest = [Selector(text) for text in selectors if text not in rows]
    for row in rows.values() if rest else ():
        locked = Locked(row=row)
        if any(selector.matches(locked) for selector in rest):
            found[row.address] = row
    return list(found.values())


def _agreed(chosen: Chosen, options: ResolveOptions, project: Project) -> bool:
    """Show what selectors mean, and ask; whoever named each run by its address has said what is meant."""
    if all(text in chosen.file.lock.rows for text in options.selectors):
        return True
    price_of = prices_of(project).of
    for row in chosen.rows:
        note(inert(_shown(row, price_of)))
    for row in chosen.others:
        note(inert(f"{_shown(row, price_of)}; this does not settle it, and it stays"))
    if options.yes:
        return True
    if not sys.stdin.isatty():
        detail = "resolve asks before it settles what a selector means, and there is no terminal to ask on"
        raise UsageError(
            Diagnostic(summary="nobody to ask", detail=detail, hint="read what is listed, then pass --yes")
        )
    return click.confirm(f"Settle {count(len(chosen.rows), 'run')} as {_SAID[options.word]}?", err=True)


def _shown(row: LockRow, price_of: Callable[[LockRow], Price | None]) -> str:
    held = held_row(row, price_of(row))
    if held is None:
        return row.address
    money = came_to(held.figures)
    return f"{row.address}: {held.state.value}{f'; {money}' if money else ''}"


def _several(files: Sequence[LockFile], meant: Mapping[Path, list[LockRow]], options: ResolveOptions) -> Diagnostic:
    """Say in which specs the runs are held, and the command that means those of one."""
    told = [
        f"{os.path.relpath(file.spec)}{f' as {file.variant}' if file.variant else ''}"
        f" ({count(sum(row.held for row in meant[file.path]), 'held run')})"
        for file in files
    ]
    detail = f"{', '.join(options.selectors)} means runs of {', '.join(told)}"
    return Diagnostic(summary="several specs have it", detail=detail, hint=f"say which: {_narrowed(files[0], options)}")


def _narrowed(file: LockFile, options: ResolveOptions) -> str:
    words = {
        Word.NOT_BILLED: ["--not-billed"],
        Word.ACCEPT: ["--accept"],
        Word.FILE: [word for path in options.files for word in ("--file", str(path))],
    }[options.word]
    named = [] if file.variant is None else ["--name", file.variant]
    spec = ["--spec", os.path.relpath(file.spec), *named]
    return f"`{shlex.join(['specrun', 'resolve', *words, *spec, *options.selectors])}`"


def _nowhere(selector: str, locks: Sequence[LockFile], options: ResolveOptions) -> Diagnostic:
    known = [address for file in locks for address in file.lock.rows]
    near = nearest(selector, known, limit=3)
    where = "no lock of this project" if options.spec is None else f"the lock of {options.spec}"
    if options.spec is not None and not locks:
        path = lock_path(options.spec, options.name)
        detail, hint = f"{path} is not there", "name the spec, and with --name the variant, that was applied"
    else:
        detail = f"{where} has {selector}"
        hint = f"near: {', '.join(near)}" if near else "`specrun plan SPEC` lists what is held"
    return Diagnostic(summary="no such run", detail=detail, hint=hint)
