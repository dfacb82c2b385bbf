"""Input images that a spec names by URL."""

import asyncio
from typing import Final

from specrun.imaging import DecodedImage, ImageError, decode_image
from specrun.provider.download import Downloader, DownloadError

# Seconds. Nothing is paid for yet, and a person waits.
_PATIENCE: Final = 15.0


async def fetch_image(downloader: Downloader, url: str) -> DecodedImage:
    """Return the image behind an https URL; raises `DownloadError` where there is none.

    http is only for the provider's own host, and for this machine where the provider allows private addresses.
    """
    data = await downloader.get(url, secure=True, patience=_PATIENCE)
    try:
        return await asyncio.to_thread(decode_image, data)
    except ImageError as error:
        raise DownloadError(f"what is there {error}") from None
