"""Many images under trouble, measured. By hand: `loads.py storm 1000`, `loads.py lost 500`, `loads.py memory 5000`."""

import asyncio
import base64
import random
import resource
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from applying import Shop, numbered
from fault_server import Exchange, FaultServer
from faults import error, good, reset_after_reading

from specrun.model.lock import State

MEBIBYTE = 1 << 20


@dataclass
class Storm:
    """A server that answers 30 % with 429 and 10 % with 503, half of them with a Retry-After."""

    chance: random.Random
    # When the next request under a key may come, and how many came too early.
    _not_before: dict[str, float] = field(default_factory=dict)
    waits: int = 0
    early: int = 0

    async def __call__(self, exchange: Exchange) -> None:
        key, now = exchange.post.key, exchange.post.at
        if key in self._not_before:
            self.waits += 1
            self.early += now < self._not_before.pop(key)
        await asyncio.sleep(0.01)
        draw = self.chance.random()
        if draw >= 0.4:
            await good()(exchange)
            return
        headers = {}
        if self.chance.random() < 0.5:
            headers["retry-after"] = "0.05"
            self._not_before[key] = asyncio.get_running_loop().time() + 0.05
        await error(429 if draw < 0.3 else 503, "busy", headers=headers)(exchange)


def storm(root: Path, count: int) -> tuple[float, Storm]:
    """Return POSTs an image and the storm, after all images were made in it."""
    behaviour = Storm(random.Random(count))
    with FaultServer([behaviour]) as server:
        shop = Shop(root, server, {"concurrency": 16})
        shop.write(shots=numbered(count))
        finished = shop.apply().finished
    assert (finished.exit_code, finished.made) == (0, count)
    assert server.images_billed == count
    assert behaviour.early == 0
    return len(server.posts) / count, behaviour


def lost(root: Path, count: int) -> None:
    """Lose every reply after billing, then ask again: each request leaves twice, under one key."""
    with FaultServer([reset_after_reading]) as server:
        shop = Shop(root, server, {"concurrency": 16})
        shop.write(shots=numbered(count))
        # Each stops after a few, and the next goes on with what was not sent.
        while (held := shop.apply().finished).not_started:
            assert held.exit_code == 1
        assert (len(server.posts), len(held.held), held.exit_code) == (count, count, 1)
        assert shop.apply().finished.requests == 0
        assert {row.state for row in shop.lock().rows.values()} == {State.UNKNOWN}
        server._script = [good()]
        assert shop.apply(retry_unknown=True).finished.exit_code == 0
    assert set(server.posts_by_key.values()) == {2}
    assert len(server.posts) == 2 * count


async def megabyte(exchange: Exchange) -> None:
    """Answer with an image of 1 MiB that no other reply holds: a small picture with much behind its last chunk."""
    (content,) = exchange.pictures()
    filled = content + random.Random(exchange.post.number).randbytes(MEBIBYTE - len(content))
    exchange.bill()
    await exchange.reply(200, {"created": 1, "data": [{"b64_json": base64.b64encode(filled).decode()}]})


def memory(root: Path, count: int) -> int:
    """Return the most MiB that a child process held while it applied `count` images of 1 MiB."""
    with FaultServer([megabyte]) as server:
        shop = Shop(root, server, {"concurrency": 16})
        shop.write(shots=numbered(count))
        child = shop.start()
        output, errors = child.communicate()
        assert child.returncode == 0, (output[-2000:], errors)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024


def main(kind: str, count: int) -> None:
    """Run one of the loads and print what it came to."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        match kind:
            case "storm":
                posts, seen = storm(Path(folder), count)
                said = f"{posts:.2f} POSTs an image, {seen.waits} Retry-After obeyed"
            case "lost":
                lost(Path(folder), count)
                said = f"{count} POSTs, {count} held, {count} more under the same keys"
            case _:
                said = f"{memory(Path(folder), count)} MiB at most"
        print(f"{kind}: {count} images in {time.perf_counter() - began:.1f} s: {said}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
