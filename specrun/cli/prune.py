"""`specrun prune SPEC…`: what no spec wants any more, removed after asking."""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from specrun.apply.prune import orphans, own_files, prune, unreferenced
from specrun.cli.ages import age
from specrun.cli.boundary import DONE
from specrun.cli.console import complain, note, say
from specrun.cli.examples import examples
from specrun.cli.options import SPECS_OR_NONE, SpecOptions, variable_options
from specrun.cli.prune_shared import SPARED, prune_shared
from specrun.diagnostics import BusyError, Diagnostic, Severity, SpecrunError, UsageError
from specrun.model.plan import Plan
from specrun.model.project import Project
from specrun.plan.make import make_plan
from specrun.report.inert import line as inert
from specrun.report.words import count
from specrun.spec.project import load_project
from specrun.store.blobs import Blobs
from specrun.store.hold import unfinished
from specrun.store.lockfile import lock_path, read_lock
from specrun.verify.locks import LOCK_OR_PART, lock_paths

EPILOG = examples(
    ("specrun prune specs/quickstart.yaml", "remove the images of runs that the spec no longer has"),
    ("specrun prune --store specs/*.yaml", "and stored images that no lock of the project names"),
    (
        "specrun prune --shared --lock specs/quickstart.lock.json",
        "and what this lock does not have in the shared store",
    ),
)


class PruneOptions(SpecOptions, frozen=True, kw_only=True):
    """What the command line asks of `prune`."""

    yes: bool
    store: bool
    shared: bool
    locks: tuple[str, ...]
    older_than: timedelta


@click.command("prune", epilog=EPILOG)
@SPECS_OR_NONE
@variable_options
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--store", is_flag=True, help="Also remove stored images that no lock in this checkout names.")
@click.option("--shared", is_flag=True, help="Also remove images of the shared store that none of the --lock names.")
@click.option(
    "--lock",
    "locks",
    metavar="LOCK",
    multiple=True,
    help="With --shared: a lock that still counts, as a file or as REVISION:PATH like git's. Repeatable.",
)
@click.option(
    "--older-than",
    metavar="AGE",
    default=f"{SPARED.days}d",
    show_default=True,
    callback=age,
    help="With --shared: spare what was put there more recently, like 12h or 30d.",
)
def command(**given: Any) -> int:
    """Remove outputs that no spec wants any more, after asking.

    Without --store their images stay in the project's store, and come back without a request where a spec wants them
    again. Runs whose outcome is open stay: `specrun resolve` settles them.

    The shared store serves other checkouts, branches and releases too, so --shared wants every lock that still counts
    named by --lock; those of the specs named count as well. It alone lists the store. What is not an image of the
    store's own stays, and so does what is younger than --older-than: somebody may have just put it there, and not yet
    pushed their lock.
    """
    options = PruneOptions(**given)
    _check(options)
    code, projects = DONE, {}
    for spec in options.specs:
        try:
            project = load_project(spec.parent)
            projects[project.root] = project
            _prune(make_plan(options.request(spec), project), project, options)
        except SpecrunError as error:
            complain(*error.diagnostics)
            code = max(code, error.exit_code)
    for project in projects.values() if options.store and code == DONE else ():
        _prune_store(project, options)
    if options.shared and code == DONE:
        own = (lock_path(spec, options.name) for spec in options.specs)
        locks = dict.fromkeys([*options.locks, *(str(path) for path in own if path.exists())])
        (project,) = projects.values() or (load_project(Path.cwd()),)
        return prune_shared(project, tuple(locks), options.older_than, lambda question: _agreed(question, options))
    return code


def _check(options: PruneOptions) -> None:
    if not options.specs and not options.shared:
        raise click.UsageError("Missing argument 'SPEC...'.")
    if options.shared and len({load_project(spec.parent).root for spec in options.specs}) > 1:
        detail = "the specs are of several projects, and each has a store of its own"
        raise UsageError(Diagnostic(summary="several stores", detail=detail, hint="name the specs of one project"))
    if options.shared and not options.locks:
        detail = "--shared removes what no lock counts, and names none"
        hint = "name every lock that still counts: --lock specs/quickstart.lock.json --lock release-1:specs/…"
        raise UsageError(Diagnostic(summary="no locks that count", detail=detail, hint=hint))
    if not options.shared and (options.locks or options.older_than != SPARED):
        raise click.UsageError("--lock and --older-than are for --shared")


def _prune(plan: Plan, project: Project, options: PruneOptions) -> None:
    found = orphans(plan)
    if not found:
        say(f"{plan.name}: no orphans")
        return
    # What is an orphan by a slip of the spec is told before it goes.
    complain(*plan.warnings)
    own = own_files(plan, found)
    images = sum(map(len, own.values()))
    for row in found:
        nothing = "no file, since others stand where its images stood" if row.outputs else "no image"
        note(inert(f"{row.address}: {', '.join(own[row.address]) or nothing}"))
    if not _agreed(f"{plan.name}: remove {count(len(found), 'orphan')} with {count(images, 'image')}?", options):
        note("Nothing was removed.")
        return
    remove_orphans(plan, project)


def remove_orphans(plan: Plan, project: Project) -> None:
    """Remove a plan's orphans, and say what came of it."""
    pruned = prune(plan, project)
    for path, why in pruned.left:
        detail = f"{path}: {why}"
        complain(Diagnostic(summary="edited file left in place", detail=detail, severity=Severity.WARNING))
    say(f"{plan.name}: {count(pruned.runs, 'orphan')} and {count(pruned.files, 'file')} removed")


def _prune_store(project: Project, options: PruneOptions) -> None:
    if unfinished(project.state / "holds"):
        detail = "an apply is under way, or ended before its work did: some images are in no lock yet"
        raise BusyError(Diagnostic(summary="store in use", detail=detail, hint="apply again first"))
    store = Blobs(project.state / "store")
    # Strictly: what a lock that cannot be read names would seem to be named by none.
    locks = [read_lock(path) for path in lock_paths(project.root, project.outputs, LOCK_OR_PART)]
    found = list(unreferenced(store, (row for lock in locks if lock is not None for row in lock.rows.values())))
    size = sum(path.stat().st_size for path in found) / 1_000_000
    if not found:
        say("store: every image is named by a lock")
        return
    question = f"store: remove {count(len(found), 'image')} ({size:,.1f} MB) that no lock in this checkout names?"
    if not _agreed(question, options):
        note("Nothing was removed.")
        return
    for path in found:
        path.unlink(missing_ok=True)
    say(f"store: {count(len(found), 'image')} removed")


def _agreed(question: str, options: PruneOptions) -> bool:
    if options.yes:
        return True
    if not sys.stdin.isatty():
        detail = "prune asks before it removes anything, and there is no terminal to ask on"
        raise UsageError(Diagnostic(summary="nobody to ask", detail=detail, hint="pass --yes"))
    return click.confirm(question, err=True)
