"""Plans as one Markdown comment: totals first, jobs folded below, never too long, inert whatever prompts hold."""

from collections.abc import Iterator, Mapping, Sequence

from specrun.model.plan import Action, Plan, total
from specrun.report import inert
from specrun.report.diagnostics import as_text, tally
from specrun.report.groups import JobPlan, by_job
from specrun.report.plan_text import job_lines
from specrun.report.totals import asked, price, quota_sentences, verbs
from specrun.report.words import count, shorten

# Hosts refuse comments over 65,536 characters; the difference is for what a workflow adds around this one.
LIMIT = 60_000
# Kept back for the line that counts what was left out.
RESERVE = 200
# How many specs have a row of their own in the table of totals, and how long their names may be there.
ROWS = 100
NAME = 80


def as_markdown(plans: Sequence[Plan], *, quotas: Mapping[str, int], full: bool = False) -> str:
    """Return plans as Markdown of at most `LIMIT` characters; `full` lists every run while there is room."""
    actions = tuple(action for plan in plans for action in plan.actions)
    blocks = ["### specrun plan", _table(plans, actions), *_notes(plans, actions, quotas)]
    room = LIMIT - RESERVE - sum(_size(block) for block in blocks)
    left = 0
    for plan in plans:
        for job in by_job(plan):
            prefix = f"{plan.name}: " if len(plans) > 1 else ""
            block = next((text for text in _versions(prefix, job, full=full) if _size(text) <= room), None)
            if block is None:
                left += len(job.actions)
            else:
                blocks.append(block)
                room -= _size(block)
    if left:
        blocks.append(f"*{count(left, 'run')} left out to keep this short; `specrun plan --full` lists them.*")
    return "\n\n".join(blocks) + "\n"


def _table(plans: Sequence[Plan], actions: tuple[Action, ...]) -> str:
    rows = ["| spec | plan | requests | price |", "|---|---|---|---|"]
    for plan in plans[:ROWS]:
        spec = inert.cell(shorten(plan.spec.as_posix(), NAME))
        rows.append(f"| {spec} | {verbs(plan.totals)} | {asked(plan.totals)} | {price(plan.totals)} |")
    if len(plans) > 1:
        totals = total(actions)
        left = f", {len(plans) - ROWS:,} of them not listed" if len(plans) > ROWS else ""
        title = f"all {len(plans):,} specs{left}"
        rows.append(f"| **{title}** | **{verbs(totals)}** | **{asked(totals)}** | **{price(totals)}** |")
    return "\n".join(rows)


def _notes(plans: Sequence[Plan], actions: tuple[Action, ...], quotas: Mapping[str, int]) -> Iterator[str]:
    for model, sentence in quota_sentences(actions, quotas):
        yield f"Free quota: {inert.code_span(model)} {sentence}"
    warnings = [warning for plan in plans for warning in plan.warnings]
    text = as_text(warnings).splitlines()
    if text and sum(len(line) for line in text) < LIMIT // 4:
        yield _details(tally(warnings), text)
    elif text:
        yield f"{tally(warnings)}: `specrun validate` shows them."


def _versions(prefix: str, job: JobPlan, *, full: bool) -> Iterator[str]:
    """Return the job's block, the most telling first."""
    title = f"<code>{inert.markup(shorten(prefix + job.job, NAME))}</code>: {verbs(job.totals)}"
    for every in (True, False) if full else (False,):
        # In a diff, ! is the sign of what changes.
        lines = (f"!{line[1:]}" if line.startswith("~") else line for line in job_lines(job, full=every))
        yield _details(title, list(lines))


def _details(title: str, lines: list[str]) -> str:
    return f"<details><summary>{title}</summary>\n\n{inert.code_block(lines, 'diff')}\n\n</details>"


def _size(block: str) -> int:
    # Hosts count as JavaScript does, where characters beyond the basic plane are two; two more for the blank line.
    return len(block.encode("utf-16-le", "surrogatepass")) // 2 + 2
