"""`specrun reproduce SPEC`: ask again for what is locked, and say how alike it comes out."""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import click
import msgspec
from msgspec.structs import replace

from specrun.cli.boundary import DONE, FAILED
from specrun.cli.catalogue import catalog_of
from specrun.cli.console import ink, note, write
from specrun.cli.examples import examples
from specrun.cli.money import amounts
from specrun.cli.own_files import PAGE, own
from specrun.cli.pricing import prices_of
from specrun.cli.reproduce_cost import agreed
from specrun.cli.sampling import made_rows
from specrun.cli.showing import album_of, originals_of
from specrun.cli.targets import target_of
from specrun.cli.wiring import client_factory
from specrun.diagnostics import Diagnostic, InvalidInputError
from specrun.model.lock import Lock, LockRow
from specrun.model.project import Budget, Project
from specrun.model.run import Price
from specrun.pages.originals import MissingError
from specrun.pages.published import published
from specrun.pages.reproduction import reproduction_sheet
from specrun.pages.write import write_file
from specrun.report.reproduce_json import as_json
from specrun.report.reproduce_text import line, summary
from specrun.spec.project import load_project
from specrun.store.lockfile import check_owner, read_lock
from specrun.store.reproductions import verdicts_by_model
from specrun.verify.likeness import NEAR
from specrun.verify.question import Questioner, Request, UnaskableError
from specrun.verify.reproduce import Scratch, reproduce
from specrun.verify.target import Target
from specrun.verify.verdict import Reproduction, Verdict

EPILOG = examples(
    ("specrun reproduce specs/quickstart.yaml", "asks, then gives each run a verdict"),
    ("specrun reproduce --sample 5% --max-cost 10CNY --yes specs/catalogue.yaml", "a few, for a nightly check"),
    ("specrun reproduce --html again.html specs/quickstart.yaml", "a page with the pairs side by side"),
)

Format: TypeAlias = Literal["text", "json"]


class ReproduceOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks of `reproduce`; `sample` is a share of all runs, or a number above 1."""

    spec: Path
    name: str | None
    targets: tuple[str, ...]
    sample: str | None
    near: float
    max_cost: tuple[Price, ...]
    max_images: int | None
    jobs: int | None
    yes: bool
    html: Path | None
    format: Format


@click.command("reproduce", epilog=EPILOG)
@click.argument("spec", metavar="SPEC", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--name", metavar="NAME", help="Reproduce a variant.")
@click.option("--target", "targets", metavar="RUNS", multiple=True, help="Only these: an address, a job, axis=value.")
@click.option("--sample", metavar="SHARE", help="Only some of them, drawn at random: 5%, or a number like 20.")
@click.option("--near", metavar="DISTANCE", type=click.FloatRange(min=0), default=NEAR, show_default=True)
@click.option("--max-cost", metavar="AMOUNT", multiple=True, callback=amounts, help="Spend at most this, like 25CNY.")
@click.option("--max-images", metavar="N", type=click.IntRange(min=0), help="Ask for at most N images.")
@click.option("-j", "--jobs", metavar="N", type=click.IntRange(min=1), help="At most N requests at once.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--html",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=own(PAGE),
    help="Write a page of pairs.",
)
@click.option("--format", type=click.Choice(get_args(Format)), default="text", show_default=True)
def command(**given: Any) -> int:
    """Ask again for what is locked, with exactly the locked requests, and compare.

    The new images go to .specrun/reproduced; lock, outputs and store stay as they are. It costs what the requests
    cost. The distance is the root mean square of colour differences (CIE76); 2.3 is about the least that an eye
    tells. Exits 1 where an image came out different, or none came.
    """
    options = ReproduceOptions(**given)
    project = load_project(options.spec.parent)
    target = target_of(options.spec, project, options.name, None)
    lock = _lock(target)
    rows = made_rows(lock, options.targets, options.sample)
    requests, unaskable = _requests(target, lock, project, rows)
    price_of = prices_of(project).of
    prices = {row.address: price_of(row) for row in rows}
    budgets = (project.budget, Budget(cost=options.max_cost, images=options.max_images))
    if requests and not agreed(requests, prices, budgets, yes=options.yes):
        note("Nothing was asked.")
        return FAILED
    scratch = Scratch(
        folder=project.state / "reproduced" / target.name,
        ledger=project.state / "ledger.db",
        spec=target.spec,
        near=options.near,
        prices=prices,
    )
    asked = _ask(options, project, requests, scratch) if requests else ()
    found = sorted((*asked, *unaskable), key=lambda each: each.row.address)
    _show(options, found, unaskable, scratch)
    if options.html is not None:
        _write_page(options.html, found, lock, target, project)
    return FAILED if any(each.failed or each.verdict is Verdict.DIFFERENT for each in found) else DONE


def _lock(target: Target) -> Lock:
    lock = read_lock(target.lock)
    if lock is None:
        detail = f"{target.shown(target.lock)} is not there"
        hint = f"run {target.command('apply')} first"
        raise InvalidInputError(Diagnostic(summary="nothing made yet", detail=detail, hint=hint))
    check_owner(lock, target.lock, spec=target.spec, root=target.root)
    return lock


def _requests(
    target: Target, lock: Lock, project: Project, rows: Sequence[LockRow]
) -> tuple[list[Request], list[Reproduction]]:
    questioner = Questioner(target, lock, catalog_of(project))
    requests, unaskable = [], []
    for row in rows:
        if row.provider not in project.providers:
            unaskable.append(Reproduction(row=row, reason=f"no provider is called {row.provider} any more"))
            continue
        try:
            requests.append(questioner.request(row))
        except UnaskableError as error:
            unaskable.append(Reproduction(row=row, reason=str(error)))
    return requests, unaskable


def _ask(
    options: ReproduceOptions, project: Project, requests: Sequence[Request], scratch: Scratch
) -> tuple[Reproduction, ...]:
    names = {request.row.provider for request in requests}
    providers = {name: project.providers[name] for name in names}
    if options.jobs is not None:
        providers = {name: replace(provider, concurrency=options.jobs) for name, provider in providers.items()}

    def watch(found: Reproduction) -> None:
        if options.format == "text":
            write([f"{line(found, options.near, ink(sys.stdout))}\n"])
            sys.stdout.flush()

    return asyncio.run(reproduce(requests, providers, client_factory(catalog_of(project)), scratch, watch))


def _show(
    options: ReproduceOptions, found: Sequence[Reproduction], unaskable: Sequence[Reproduction], scratch: Scratch
) -> None:
    history = verdicts_by_model(scratch.ledger)
    if options.format == "json":
        write([as_json(found, options.near, history)])
        return
    colours = ink(sys.stdout)
    write(f"{line(each, options.near, colours)}\n" for each in unaskable)
    write(f"{text}\n" for text in summary(found, history, colours))


def _write_page(path: Path, found: Sequence[Reproduction], lock: Lock, target: Target, project: Project) -> None:
    sheet = published(reproduction_sheet(found, lock, target.arguments), project.root)
    locked = originals_of(target, lock.rows.values())
    scratch = {pair.blob: pair.path for each in found for pair in each.pairs}

    def read(blob: str) -> bytes:
        try:
            return locked.read(blob)
        except MissingError:
            if blob not in scratch:
                raise
            return scratch[blob].read_bytes()

    write_file(path, sheet, album_of(sheet, project, read), target.outputs, project.root)
    note(f"Page: {os.path.relpath(path)}")
