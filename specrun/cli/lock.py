"""`specrun lock SPEC…`: everything pinned, nothing generated."""

import asyncio
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from specrun.apply.fetch_inputs import fetch_inputs, urls_of
from specrun.apply.relock import relock, stale_pins
from specrun.atomic import write_atomic
from specrun.cli.boundary import DONE, FAILED, PENDING
from specrun.cli.console import complain, note, say
from specrun.cli.examples import examples
from specrun.cli.options import SPECS, SpecOptions, variable_options
from specrun.cli.pricing import prices_of
from specrun.diagnostics import SpecrunError
from specrun.model.project import Project
from specrun.plan.make import expand, make_plan
from specrun.plan.request import PlanRequest
from specrun.report.inert import line as inert
from specrun.report.pins import pins_lines
from specrun.report.words import count
from specrun.spec.project import load_project
from specrun.store.conflict import conflict_sides, has_conflict
from specrun.store.contained import read_regular
from specrun.store.lockfile import lock_bytes, lock_path, parse_lock, read_lock
from specrun.store.merge import merge_locks

EPILOG = examples(
    ("specrun lock specs/quickstart.yaml", "pin keys, seeds, inputs and schemas"),
    ("specrun lock --check specs/*.yaml", "exit 2 where a lock is out of date"),
    ("specrun lock --upgrade specs/quickstart.yaml", "take new schema defaults, and fetch input URLs anew"),
)


class LockOptions(SpecOptions, frozen=True, kw_only=True):
    """What the command line asks of `lock`."""

    check: bool
    upgrade: bool


@click.command("lock", epilog=EPILOG)
@SPECS
@variable_options
@click.option("--check", is_flag=True, help="Write nothing; exit 2 where a lock would change.")
@click.option("--upgrade", is_flag=True, help="Let go of pinned schema defaults, and fetch input URLs anew.")
def command(**given: Any) -> int:
    """Pin everything that specs leave open, and generate nothing.

    A lock that git left with conflict markers is merged by address first, and then the manifest is, where it stands in
    git too. Filling in images later is no change to a lock's pins.
    """
    options = LockOptions(**given)
    if options.check and options.upgrade:
        raise click.UsageError("--check and --upgrade do not go together")
    code = DONE
    for spec in options.specs:
        try:
            code = max(code, _lock(spec, options))
        except SpecrunError as error:
            complain(*error.diagnostics)
            code = max(code, error.exit_code)
    return code


def _lock(spec: Path, options: LockOptions) -> int:
    project = load_project(spec.parent)
    request = replace(options.request(spec), upgrade=options.upgrade)
    path = lock_path(spec, options.name)
    if has_conflict(path):
        if options.check:
            say(f"{path}: holds both sides of a git merge")
            return PENDING
        _heal(path, request, project)
    if options.check:
        stale = stale_pins(make_plan(request, project), project)
        for moved in pins_lines(stale):
            say(inert(f"{path}: {moved}"))
        return PENDING if stale else DONE
    return _pin(path, request, project)


def _pin(path: Path, request: PlanRequest, project: Project) -> int:
    lock = read_lock(path)
    urls = urls_of(expand(request, project, lock).runs, known=request.upgrade)
    fetched, faults = asyncio.run(fetch_inputs(urls, project)) if urls else ({}, ())
    complain(*faults)
    plan = make_plan(replace(request, urls=fetched), project)
    complain(*plan.warnings)
    moved = relock(plan, project, prices_of(project).of)
    runs = sum(action.run is not None for action in plan.actions)
    for pin in pins_lines(moved):
        note(inert(f"{path}: {pin}"))
    say(f"{path}: {count(runs, 'run')} pinned, {count(len(moved), 'pin')} moved")
    return FAILED if faults else DONE


def _heal(path: Path, request: PlanRequest, project: Project) -> None:
    """Write the two sides of a conflict-marked lock as one; pinning then puts its digests right."""
    ours, theirs = (parse_lock(side, path) for side in conflict_sides(read_regular(path)))
    wanted = {run.address: run.key for run in expand(request, project, ours).runs}
    merged = merge_locks(ours, theirs, wanted)
    write_atomic(path, lock_bytes(merged))
    note(f"{path}: merged {len(ours.rows):,} and {len(theirs.rows):,} runs by address into {len(merged.rows):,}")
