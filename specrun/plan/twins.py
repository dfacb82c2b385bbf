"""Runs and outputs that would be taken for one another: one address, or one path on some disk."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

from specrun.diagnostics import Collector, Diagnostic
from specrun.model.output_path import folded, stem
from specrun.model.run import Run
from specrun.spec.spec import Job


def refuse_twins(runs: tuple[Run, ...], jobs: Mapping[str, Job], faults: Collector) -> None:
    """Report one clash a job and kind, with the number of runs that it hits."""
    if _all_apart(runs):
        return
    addresses: dict[str, tuple[Run, int]] = {}
    for run in _same_address(runs):
        first, hits = addresses.get(run.job, (run, 0))
        addresses[run.job] = (first, hits + 1)
    paths: dict[str, tuple[_Clash, int]] = {}
    for clash in _same_path(runs):
        one, hits = paths.get(clash.run.job, (clash, 0))
        paths[clash.run.job] = (one, hits + 1)
    faults.extend(_address_fault(run, hits) for run, hits in addresses.values())
    faults.extend(_path_fault(clash, hits, jobs[clash.run.job]) for clash, hits in paths.values())


class _Clash(NamedTuple):
    """A path that cannot be `run`'s because another run has it, or one that it goes through."""

    run: Run
    path: str
    other: Run
    other_path: str


def _all_apart(runs: tuple[Run, ...]) -> bool:
    """Whether it shows at a glance that no two runs clash, as it does for nearly all specs."""
    paths = list(chain.from_iterable(map(attrgetter("outputs"), runs)))
    text = "\n".join(paths)
    keys = text.lower().split("\n") if text.isascii() else list(map(folded, paths))
    # All have an image's suffix, which is not told apart.
    stems = {key.rpartition(".")[0] for key in keys}
    folders: set[str] = set()
    for folder in {key.rpartition("/")[0] for key in keys}:
        folders.update((folder, *_folders(folder)))
    addresses = set(map(attrgetter("address"), runs))
    return len(addresses) == len(runs) and len(stems) == len(paths) and folders.isdisjoint(keys)


def _same_address(runs: Iterable[Run]) -> Iterator[Run]:
    seen: set[str] = set()
    for run in runs:
        if run.address in seen:
            yield run
        seen.add(run.address)


def _same_path(runs: Iterable[Run]) -> Iterator[_Clash]:
    files: dict[str, tuple[Run, str]] = {}
    stems: dict[str, tuple[Run, str]] = {}
    folders: dict[str, tuple[Run, str]] = {}
    for run in runs:
        for path in run.outputs:
            key = folded(path)
            bare = stem(key)
            other = files.get(key) or folders.get(key) or stems.get(bare)
            for folder in _folders(key):
                if folder in folders:
                    break
                other = other or files.get(folder)
                folders[folder] = (run, path)
            # Runs of one address are told as that.
            if other is not None and (other[0] is run or other[0].address != run.address):
                yield _Clash(run, path, *other)
            files.setdefault(key, (run, path))
            stems.setdefault(bare, (run, path))


def _folders(path: str) -> Iterator[str]:
    """Yield the folders that a path stands in, the innermost first."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _address_fault(run: Run, hits: int) -> Diagnostic:
    return Diagnostic(
        summary="two runs with one address",
        detail=f"{run.address} stands twice in job {run.job}",
        span=run.span,
        hint="remove the value or the `include` entry that repeats it",
        runs=hits,
        example=run.address,
    )


def _path_fault(clash: _Clash, hits: int, job: Job) -> Diagnostic:
    run, path, other, other_path = clash
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
    span = run.span if job.output is None else job.output.span
    return Diagnostic(
        summary="two outputs with one path", detail=detail, span=span, hint=hint, runs=hits, example=run.address
    )
