"""Plans made and shown, in the form asked for."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from specrun.atomic import write_atomic
from specrun.cli.boundary import DONE, PENDING
from specrun.cli.console import ink, write
from specrun.cli.foresee import warn_of_refusals
from specrun.cli.outcomes import Outcomes
from specrun.cli.plan_options import PlanOptions
from specrun.cli.planning import Planned, plan_all, quotas_of
from specrun.model.plan import Plan
from specrun.plan.make import Expanded
from specrun.report.plan_text import as_text
from specrun.report.totals import pending


def plan_and_show(options: PlanOptions, unlocked: Mapping[Path, Expanded]) -> int:
    """Plan the specs, show the plans, and return the exit code.

    `unlocked` holds what specs were expanded to before, without their locks.
    """
    outcomes = Outcomes()
    planned = plan_all(options, outcomes, unlocked)
    warn_of_refusals(planned)
    if planned:
        _show(planned, outcomes.left_out, options)
    changes = any(pending(each.plan.totals) for each in planned)
    return PENDING if outcomes.code == DONE and changes and options.detailed_exitcode else outcomes.code


def _pictures(planned: Sequence[Planned], options: PlanOptions) -> Mapping[str, str]:
    """Write the page asked for, and return the thumbnails asked for, as URLs by blob."""
    if options.html is None and options.thumbnails is None:
        return {}
    # Most plans are read as text, and start faster without what draws.
    from specrun.cli.plan_page import linked_pictures, write_plan_page  # noqa: PLC0415

    if options.html is not None:
        write_plan_page(options.html, planned[0])
    return {} if options.thumbnails is None else linked_pictures(planned, options.thumbnails)


def _show(planned: Sequence[Planned], left_out: Sequence[Path], options: PlanOptions) -> None:
    """Write the plans to standard output, the file asked for, and the summary of a GitHub workflow."""
    plans = [each.plan for each in planned]
    pictures = _pictures(planned, options)
    match options.format:
        case "text":
            lines = as_text(plans, quotas=quotas_of(plans), left_out=left_out, full=options.full, ink=ink(sys.stdout))
            write(f"{line}\n" for line in lines)
        case "json":
            write(planned[0].document())
        case "markdown":
            write([_markdown(plans, left_out, pictures, options)])
        case "dot" | "mermaid":
            write([_graph(plans, options)])
    if options.output is not None:
        write_atomic(options.output, (text.encode() for text in planned[0].document()))
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8", newline="\n") as file:
            file.write(_markdown(plans, left_out, pictures, options))


def _markdown(
    plans: Sequence[Plan], left_out: Sequence[Path], pictures: Mapping[str, str], options: PlanOptions
) -> str:
    from specrun.report.plan_markdown import as_markdown  # noqa: PLC0415 - most plans are read as text

    quotas = quotas_of(plans)
    return as_markdown(plans, quotas=quotas, left_out=left_out, pictures=pictures, full=options.full)


def _graph(plans: Sequence[Plan], options: PlanOptions) -> str:
    from specrun.report.plan_graph import as_dot, as_mermaid  # noqa: PLC0415 - most plans are read as text

    return as_dot(plans) if options.format == "dot" else as_mermaid(plans)
