"""Waiting that can be called off."""

import asyncio
import contextlib


async def slept(seconds: float, called_off: asyncio.Event) -> bool:
    """Sleep; return False, at once, when `called_off` is set."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await called_off.wait()
    return not called_off.is_set()
