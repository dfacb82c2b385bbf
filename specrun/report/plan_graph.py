"""The graph of a plan's jobs, each folded to its axes, in the languages of Graphviz and Mermaid."""

import re
from collections.abc import Iterator, Sequence

import msgspec

from specrun.model.inputs import OutputImage
from specrun.model.plan import Plan
from specrun.model.run import Run
from specrun.report import inert
from specrun.report.groups import JobPlan, by_job
from specrun.report.totals import verbs
from specrun.report.words import count, shorten

LABEL = 80


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One job: its name, its size, its axes, what is done about it; and the jobs whose images it takes."""

    id: str
    lines: tuple[str, ...]
    needs: tuple[str, ...]


def as_dot(plans: Sequence[Plan]) -> str:
    """Return the jobs as a Graphviz digraph; edges go from a job to those that take its images."""
    lines = ["digraph specrun {", "  rankdir=LR;", '  node [shape=box, fontname="sans-serif"];']
    for node in _nodes(plans):
        # The separator is Graphviz's own line break, so it is added after the text was escaped.
        label = r"\n".join(_dot(line) for line in node.lines)
        lines.append(f'  {node.id} [label="{label}"];')
        lines += [f"  {need} -> {node.id};" for need in node.needs]
    return "\n".join([*lines, "}"]) + "\n"


def as_mermaid(plans: Sequence[Plan]) -> str:
    """Return the jobs as a Mermaid flowchart; edges go from a job to those that take its images."""
    lines = ["flowchart LR"]
    for node in _nodes(plans):
        label = "<br/>".join(_mermaid(line) for line in node.lines)
        lines.append(f'  {node.id}["{label}"]')
        lines += [f"  {need} --> {node.id}" for need in node.needs]
    return "\n".join(lines) + "\n"


def _nodes(plans: Sequence[Plan]) -> Iterator[Node]:
    number = 0
    for plan in plans:
        jobs = by_job(plan)
        ids = {job.job: f"job{number + place}" for place, job in enumerate(jobs, start=1)}
        number += len(jobs)
        prefix = f"{plan.name}: " if len(plans) > 1 else ""
        homes = {run.address: run.job for job in jobs for run in _runs(job)}
        for job in jobs:
            needs = {homes[address]: None for run in _runs(job) for address in _upstream(run) if address in homes}
            lines = (prefix + job.job, *_sizes(job))
            yield Node(id=ids[job.job], lines=lines, needs=tuple(ids[need] for need in needs))


def _runs(job: JobPlan) -> Iterator[Run]:
    return (action.run for action in job.actions if action.run is not None)


def _upstream(run: Run) -> Iterator[str]:
    return (image.address for image in run.inputs if isinstance(image, OutputImage))


def _sizes(job: JobPlan) -> Iterator[str]:
    axes: dict[str, set[str]] = {}
    for run in _runs(job):
        for axis, label in run.axes:
            axes.setdefault(axis, set()).add(label)
    yield count(len(job.actions), "run")
    if axes:
        yield ", ".join(f"{axis} {len(labels):,}" for axis, labels in axes.items())
    yield verbs(job.totals)


def _dot(text: str) -> str:
    return shorten(inert.line(text), LABEL).replace("\\", r"\\").replace('"', r"\"")


def _mermaid(text: str) -> str:
    # Mermaid reads labels as Markdown and HTML; its own #code; form is plain text to both.
    return re.sub(r"[^\w ,.:…-]", lambda match: f"#{ord(match[0])};", shorten(inert.line(text), LABEL))
