"""Input URLs fetched ahead of a plan, so that their digests can be part of its keys."""

import asyncio
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from specrun.apply.inputs import InputError
from specrun.apply.urls import UrlInputs
from specrun.diagnostics import Diagnostic
from specrun.model.inputs import UrlImage
from specrun.model.project import Project
from specrun.model.run import Run
from specrun.provider.download import Downloader
from specrun.store.blobs import Blobs

_AT_ONCE = 8


def urls_of(runs: Iterable[Run], *, known: bool) -> dict[str, str]:
    """Return the input URLs of runs with the provider that they are for; `known` ones too, or only those to fetch."""
    return {
        image.url: run.provider
        for run in runs
        for image in run.inputs
        if isinstance(image, UrlImage) and (known or image.digest is None)
    }


async def fetch_inputs(urls: Mapping[str, str], project: Project) -> tuple[dict[str, str], tuple[Diagnostic, ...]]:
    """Fetch URLs (each with its provider's name) into the store; return digests by URL, and what went wrong."""
    found: dict[str, str] = {}
    faults: list[Diagnostic] = []
    blobs = Blobs(project.state / "store")
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="writer") as writers:
        for name in sorted(set(urls.values())):
            mine = [url for url, provider in urls.items() if provider == name]
            async with Downloader(project.providers[name]) as downloader:
                inputs = UrlInputs(downloader, blobs, writers)
                results = await asyncio.gather(*(inputs.fetch(url) for url in mine), return_exceptions=True)
            for url, result in zip(mine, results, strict=True):
                if isinstance(result, str):
                    found[url] = result
                elif isinstance(result, InputError):
                    faults.append(Diagnostic(summary="input not fetched", detail=str(result), hint=result.hint))
                else:
                    raise result
    return found, tuple(faults)
