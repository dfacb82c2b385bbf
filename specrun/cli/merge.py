"""`specrun merge SPEC…`: the parts of shards, joined to one lock and one manifest."""

from collections import Counter
from pathlib import Path
from typing import Any

import click

from specrun.apply.shard_merge import merge
from specrun.cli.boundary import DONE
from specrun.cli.console import complain, say
from specrun.cli.examples import examples
from specrun.cli.options import SPECS, SpecOptions, variable_options
from specrun.cli.pricing import prices_of
from specrun.diagnostics import SpecrunError
from specrun.model.lock import State
from specrun.plan.make import make_plan
from specrun.report.inert import line as inert
from specrun.report.words import count
from specrun.spec.project import load_project

EPILOG = examples(
    ("specrun merge specs/quickstart.yaml", "after `specrun apply --shard 1/4 …` to 4/4"),
    ("specrun merge specs", "for every spec in a folder"),
)


@click.command("merge", epilog=EPILOG)
@SPECS
@variable_options
def command(**given: Any) -> int:
    """Join the parts that shards of an apply left.

    The parts (quickstart.lock.1-of-4.json and so on beside the lock, manifest.1-of-4.json in the folder of images)
    become what one machine would have written, and are removed. The images themselves are not needed here.
    """
    options = SpecOptions(**given)
    code = DONE
    for spec in options.specs:
        try:
            _merge(spec, options)
        except SpecrunError as error:
            complain(*error.diagnostics)
            code = max(code, error.exit_code)
    return code


def _merge(spec: Path, options: SpecOptions) -> None:
    project = load_project(spec.parent)
    plan = make_plan(options.request(spec), project)
    found = merge(plan, project, prices_of(project))
    states = Counter(row.state for row in found.lock.rows.values() if row.state not in (None, State.ORPHAN))
    held = f", {states.total():,} of them held" if states else ""
    say(inert(f"{spec.as_posix()}: {found.parts} parts merged into {count(len(found.lock.rows), 'run')}{held}"))
