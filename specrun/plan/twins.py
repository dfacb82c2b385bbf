"""Runs and outputs that would be taken for one another: one address, or one path on some disk."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from specrun.diagnostics import Collector, Diagnostic
from specrun.model.output_path import folded, stem
from specrun.model.run import Run
from specrun.spec.spec import Job


def refuse_twins(runs: tuple[Run, ...], jobs: Mapping[str, Job], faults: Collector) -> None:
    """Report one clash a job and kind, with the number of runs that it hits."""
    found: dict[tuple[str, str], Diagnostic] = {}
    for run, clash in (*_addresses(runs), *_paths(runs, jobs)):
        first = found.setdefault((run.job, clash.summary), replace(clash, example=run.address))
        found[run.job, clash.summary] = replace(first, runs=first.runs + 1)
    faults.extend(found.values())


def _addresses(runs: Iterable[Run]) -> Iterator[tuple[Run, Diagnostic]]:
    seen: set[str] = set()
    for run in runs:
        if run.address in seen:
            detail = f"{run.address} stands twice in job {run.job}"
            hint = "remove the value or the `include` entry that repeats it"
            yield run, Diagnostic(summary="two runs with one address", detail=detail, span=run.span, hint=hint)
        seen.add(run.address)


def _paths(runs: Iterable[Run], jobs: Mapping[str, Job]) -> Iterator[tuple[Run, Diagnostic]]:
    files: dict[str, tuple[Run, str]] = {}
    stems: dict[str, tuple[Run, str]] = {}
    folders: dict[str, tuple[Run, str]] = {}
    for run in runs:
        for path in run.outputs:
            key = folded(path)
            bare = stem(key)
            folder = key.rpartition("/")[0]
            # A folder that is known is no file: whichever of the two comes second meets the other here.
            if key in files or key in folders or (folder not in folders and any(_found(files, _folders(key)))):
                other = files.get(key) or folders.get(key) or next(_found(files, _folders(key)))
                yield run, _clash(path, run, *other, jobs)
            elif bare in stems:
                yield run, _clash(path, run, *stems[bare], jobs)
            files[key] = stems[bare] = (run, path)
            if folder not in folders:
                folders.update((each, (run, path)) for each in _folders(key) if each not in folders)


def _found(files: Mapping[str, tuple[Run, str]], folders: Iterable[str]) -> Iterator[tuple[Run, str]]:
    return (files[folder] for folder in folders if folder in files)


def _folders(path: str) -> Iterator[str]:
    """Yield the folders that a path stands in, the innermost first."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _clash(path: str, run: Run, other: Run, other_path: str, jobs: Mapping[str, Job]) -> Diagnostic:
    output = jobs[run.job].output
    hint = "give the job an `output` template that tells them apart"
    if run is other:
        detail = f'two images of {run.address} are to be "{path}"'
        hint = "use {{ index }} in `output`"
    elif folded(path) == folded(other_path):
        detail = f'"{path}" is wanted by {other.address} and by {run.address}'
        detail += "" if path == other_path else f', which calls it "{other_path}": one file on many disks'
    elif stem(folded(path)) == stem(folded(other_path)):
        detail = f'"{other_path}" of {other.address} and "{path}" of {run.address} differ only in their suffix, '
        detail += "and a suffix follows the bytes"
    else:
        detail = f'"{other_path}" of {other.address} and "{path}" of {run.address}: one is a file where the other '
        detail += "needs a folder"
    span = run.span if output is None else output.span
    return Diagnostic(summary="two outputs with one path", detail=detail, span=span, hint=hint)
