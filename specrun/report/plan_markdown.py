"""Plans as one Markdown comment: totals first, jobs folded below, never too long, inert whatever prompts hold."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from specrun.model.plan import Action, Plan, Totals, Verb, total
from specrun.report import inert
from specrun.report.diagnostics import as_text, tally
from specrun.report.groups import JobPlan, by_job
from specrun.report.markdown import ADDRESS, LIMIT, NO_PICTURES, RESERVE, details, picture, size, table
from specrun.report.next_step import steps
from specrun.report.places import path_told
from specrun.report.plan_text import job_lines
from specrun.report.totals import asked, held_sentence, price, quota_sentences, verbs
from specrun.report.words import count, shorten

# How many specs have a row of their own in the table of totals, and how long their names may be there.
ROWS = 100
NAME = 80


def as_markdown(
    plans: Sequence[Plan],
    *,
    quotas: Mapping[str, int],
    left_out: Sequence[Path] = (),
    pictures: Mapping[str, str] = NO_PICTURES,
    full: bool = False,
) -> str:
    """Return plans as Markdown of at most `LIMIT` characters.

    `pictures` are the URLs of thumbnails by blob, shown of images that do not stay; `full` lists every run while
    there is room; `left_out` are the specs of the same command that have no plan.
    """
    totals = plans[0].totals if len(plans) == 1 else total([action for plan in plans for action in plan.actions])
    blocks = ["### specrun plan", _table(plans, totals, left_out), *_notes(plans, totals, quotas)]
    room = LIMIT - RESERVE - sum(size(block) for block in blocks)
    left = 0
    for plan in plans:
        for job in by_job(plan):
            prefix = f"{plan.name}: " if len(plans) > 1 else ""
            versions = _versions(prefix, job, pictures, room, full=full)
            block = next((text for text in versions if size(text) <= room), None)
            if block is None:
                left += len(job.actions)
            else:
                blocks.append(block)
                room -= size(block)
    if left:
        blocks.append(f"*{count(left, 'run')} left out to keep this short; `specrun plan --full SPEC` lists them.*")
    return "\n\n".join(blocks) + "\n"


def _table(plans: Sequence[Plan], totals: Totals, left_out: Sequence[Path]) -> str:
    rows = ["| spec | plan | requests | price |", "|---|---|---|---|"]
    for plan in plans[:ROWS]:
        spec = inert.cell(shorten(path_told(plan.spec.as_posix()), NAME))
        rows.append(f"| {spec} | {verbs(plan.totals)} | {asked(plan.totals)} | {price(plan.totals)} |")
    faulty = [inert.cell(shorten(path.as_posix(), NAME)) for path in left_out[:ROWS]]
    rows += [f"| {spec} | **cannot be planned** | | |" for spec in faulty]
    if len(plans) > 1 or left_out:
        left = f", {len(plans) - ROWS:,} of them not listed" if len(plans) > ROWS else ""
        title = f"{len(plans):,} of {len(plans) + len(left_out):,}" if left_out else f"all {len(plans):,}"
        title = f"{title} specs{left}"
        rows.append(f"| **{title}** | **{verbs(totals)}** | **{asked(totals)}** | **{price(totals)}** |")
    return "\n".join(rows)


def _notes(plans: Sequence[Plan], totals: Totals, quotas: Mapping[str, int]) -> Iterator[str]:
    if len(plans) == 1:
        yield f"Digest, for `specrun apply --expect DIGEST SPEC`: {inert.code_span(plans[0].digest)}"
    for model, sentence in quota_sentences(totals, quotas):
        yield f"Free quota: {inert.code_span(model)} {sentence}"
    passed_over = [line for plan in plans for line in steps(plan)]
    if passed_over and sum(len(line) for line in passed_over) < LIMIT // 4:
        yield inert.code_block(passed_over)
    if sentence := held_sentence(action for plan in plans for action in plan.actions):
        yield sentence
    warnings = [warning for plan in plans for warning in plan.warnings]
    text = as_text(warnings).splitlines()
    if text and sum(len(line) for line in text) < LIMIT // 4:
        yield details(tally(warnings), inert.code_block(text, "diff"))
    elif text:
        yield f"{tally(warnings)}: `specrun validate SPEC` shows them."


def _versions(prefix: str, job: JobPlan, pictures: Mapping[str, str], room: int, *, full: bool) -> Iterator[str]:
    """Return the job's block, the most telling first."""
    title = f"<code>{inert.markup(shorten(prefix + job.job, NAME))}</code>: {verbs(job.totals)}"
    for every in (True, False) if full else (False,):
        # In a diff, ! is the sign of what changes.
        lines = (f"!{line[1:]}" if line.startswith("~") else line for line in job_lines(job, full=every))
        text = inert.code_block(list(lines), "diff")
        shown = _pictures(job.actions, pictures, room - size(text) - size(title) - RESERVE)
        yield details(title, f"{shown}\n\n{text}" if shown else text)


def _pictures(actions: Iterable[Action], pictures: Mapping[str, str], room: int) -> str:
    """Return a table of the images as they are of runs that do not simply keep them; empty where there are none."""
    rows = [
        (inert.cell(shorten(action.address, ADDRESS)), picture(url, "now"), f"{action.verb.value}")
        for action in actions
        if action.verb is not Verb.KEEP and (url := _url(action, pictures)) is not None
    ]
    return table(("run", "now", "plan"), rows, room) if rows and room > RESERVE else ""


def _url(action: Action, pictures: Mapping[str, str]) -> str | None:
    row = action.row if action.row is not None and action.row.outputs else action.origin
    return None if row is None or not row.outputs else pictures.get(row.outputs[0].blob)
