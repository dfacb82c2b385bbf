"""`specrun verify SPEC…`: what stands on disk against what was made."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import click

from specrun.atomic import write_atomic
from specrun.cli.boundary import DONE, FAILED
from specrun.cli.console import complain, ink, note, write
from specrun.cli.examples import examples
from specrun.cli.options import JUNIT, SPECS, SpecOptions, variable_options
from specrun.cli.targets import target_of
from specrun.cli.wiring import shared_store
from specrun.diagnostics import Diagnostic, SpecrunError, UsageError
from specrun.model.project import Project
from specrun.plan.make import make_plan
from specrun.report import inert
from specrun.report.verify_json import as_json
from specrun.report.verify_junit import verify_junit
from specrun.report.verify_text import as_text
from specrun.spec.project import load_project
from specrun.store.tries import SharedStoreError
from specrun.verify.finding import Verification
from specrun.verify.verify import verify

EPILOG = examples(
    ("specrun verify specs/quickstart.yaml", "files, lock and manifest: is all as it was made?"),
    ("specrun verify --store specs/*.yaml", "and is every stored file what its name says?"),
    ("specrun verify --store --repair specs/*.yaml", "put back what files or the shared store have"),
    ("specrun verify --junit verify.xml specs/*.yaml", "and as test results, which CI services show"),
)

Format: TypeAlias = Literal["text", "json", "junit"]


class VerifyOptions(SpecOptions, frozen=True, kw_only=True):
    """What the command line asks of `verify`."""

    store: bool
    repair: bool
    junit: Path | None
    format: Format


@click.command("verify", epilog=EPILOG)
@SPECS
@variable_options
@click.option("--store", is_flag=True, help="Read every stored file too.")
@click.option("--repair", is_flag=True, help="With --store: put back what files or the shared store have.")
@JUNIT
@click.option("--format", type=click.Choice(get_args(Format)), default="text", show_default=True)
def command(**given: Any) -> int:
    """Check what stands on disk against lock, manifest and spec; say what is wrong, and the fix.

    No image is asked for. Exits 1 where anything is missing, modified, undecodable, of the wrong type or in nobody's
    name, and where spec and lock part.
    """
    options = VerifyOptions(**given)
    if options.repair and not options.store:
        detail = "what it repairs is the store"
        raise UsageError(Diagnostic(summary="--repair without --store", detail=detail, hint="add --store"))
    verified = [_verified(spec, options) for spec in options.specs]
    for _, _, faults in verified:
        complain(*faults)
    found = [each for _, each, _ in verified if each is not None]
    match options.format:
        case "json":
            write([as_json(found)])
        case "junit":
            write([verify_junit(verified)])
        case "text":
            write(f"{line}\n" for line in as_text(found, ink(sys.stdout)))
    if options.junit is not None:
        write_atomic(options.junit, verify_junit(verified).encode())
    return FAILED if any(faults or each is None or each.findings for _, each, faults in verified) else DONE


def _verified(spec: Path, options: VerifyOptions) -> tuple[str, Verification | None, tuple[Diagnostic, ...]]:
    """Verify one spec, and say why it could not be planned; what stands on disk can be checked all the same."""
    faults: tuple[Diagnostic, ...] = ()
    try:
        project = load_project(spec.parent)
    except SpecrunError as error:
        return spec.as_posix(), None, error.diagnostics
    plan = None
    try:
        plan = make_plan(options.request(spec), project)
        complain(*plan.warnings)
    except SpecrunError as error:
        faults = error.diagnostics
    target = target_of(spec, project, options.name, plan)
    found = verify(target, plan, store=options.store, mend=_mender(project) if options.repair else None)
    return found.spec, found, faults


def _mender(project: Project) -> Callable[[str], bytes | None]:
    """Return what fetches stored images from the shared store, as far as there is one and it has them."""
    shared = shared_store(project)

    def fetch(blob: str) -> bytes | None:
        if shared is None:
            return None
        try:
            return shared.fetch(blob)
        except SharedStoreError as error:
            note(inert.line(str(error)))
            return None

    return fetch
