"""Input images that a spec names by URL: fetched once, and from then on known by their bytes."""

import asyncio
from concurrent.futures import Executor

from specrun.apply.inputs import InputError
from specrun.model.inputs import UrlImage
from specrun.model.run import Run
from specrun.provider.download import Downloader, DownloadError
from specrun.provider.fetch import fetch_image
from specrun.store.blobs import Blobs


class UrlInputs:
    """Brings the bytes behind URLs into the store, each URL once however many runs want it."""

    def __init__(self, downloader: Downloader, blobs: Blobs, writers: Executor) -> None:
        self._downloader = downloader
        self._blobs = blobs
        self._writers = writers
        self._fetching: dict[str, asyncio.Task[str]] = {}

    async def ensure(self, run: Run) -> None:
        """Fetch what a run's URLs lack in the store; raises `InputError` where it is not what was pinned."""
        for image in run.inputs:
            if isinstance(image, UrlImage) and not (image.digest and self._blobs.has(image.digest)):
                found = await self.fetch(image.url)
                if image.digest is not None and found != image.digest:
                    cause = f"{image.url} is no longer what the lock pinned"
                    raise InputError(cause, "`specrun lock --upgrade SPEC` pins what is there now")

    async def fetch(self, url: str) -> str:
        """Return the digest of what is behind a URL, once it is stored; raises `InputError`."""
        if url not in self._fetching:
            self._fetching[url] = asyncio.create_task(self._fetch(url))
        return await asyncio.shield(self._fetching[url])

    async def _fetch(self, url: str) -> str:
        try:
            image = await fetch_image(self._downloader, url)
        except DownloadError as error:
            raise InputError(f"{url}: {error}", "check the URL") from error
        return await asyncio.get_running_loop().run_in_executor(self._writers, self._blobs.put, image.data)
