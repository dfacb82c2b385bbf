import asyncio
import multiprocessing
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from specrun.canonical import Json
from specrun.server.drawing import DrawingEngine
from specrun.server.engine import ImageRequest
from specrun.server.render.picture import draw


def asked(count: int) -> ImageRequest:
    params: dict[str, Json] = {"prompt": "a lamp", "seed": 1, "size": "64x64", "n": count}
    return ImageRequest(model="m", params=params)


async def warm(engine: DrawingEngine) -> None:
    """Draw until all processes do."""
    until = time.monotonic() + 60
    while not all(drawer._ready for drawer in engine._drawers):
        assert time.monotonic() < until
        await engine.images(asked(20))


@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize("processes", [1, 2])
def test_pictures_come_in_order_wherever_they_are_drawn(processes: int, eager: bool) -> None:
    async def story() -> None:
        engine = DrawingEngine(processes=processes, eager=eager)
        try:
            for _ in range(2):
                assert list(await engine.images(asked(30))) == [draw(asked(30), index) for index in range(1, 31)]
        finally:
            await engine.aclose()

    asyncio.run(story())


def test_a_picture_is_drawn_although_the_processes_were_killed_and_new_ones_are_started() -> None:
    async def story() -> None:
        engine = DrawingEngine(processes=2)
        try:
            await warm(engine)
            children = multiprocessing.active_children()
            assert len(children) == 2
            for child in children:
                child.kill()
                child.join()
            for _ in range(4):
                assert await engine.images(asked(1)) == [draw(asked(1), 1)]
            await warm(engine)
        finally:
            await engine.aclose()

    asyncio.run(story())


# What a process runs first of all: it starts only once a file is there.
HELD = """\
import os, time
while not os.path.exists(os.environ["START_AT"]):
    time.sleep(0.01)
"""


def test_nobody_waits_for_processes_that_only_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text(HELD)
    gate = tmp_path / "start"
    monkeypatch.setenv("START_AT", str(gate))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    async def story() -> None:
        engine = DrawingEngine(processes=2, eager=True)
        try:
            assert await engine.images(asked(1)) == [draw(asked(1), 1)]
            assert not any(drawer._ready for drawer in engine._drawers)
            gate.touch()
            await warm(engine)
        finally:
            gate.touch()
            await engine.aclose()

    asyncio.run(story())


def test_few_pictures_start_no_process_of_their_own_unless_asked() -> None:
    async def story(eager: bool) -> int:
        engine = DrawingEngine(processes=2, eager=eager)
        try:
            await engine.images(asked(3))
            return len(multiprocessing.active_children())
        finally:
            await engine.aclose()

    assert asyncio.run(story(eager=False)) == 0
    assert asyncio.run(story(eager=True)) > 0


def test_closing_leaves_no_process_behind() -> None:
    async def story() -> None:
        engine = DrawingEngine(processes=2)
        await warm(engine)
        await engine.aclose()

    asyncio.run(story())
    assert multiprocessing.active_children() == []


def test_a_program_that_closes_nothing_ends_all_the_same() -> None:
    program = """
        import asyncio
        from specrun.server.drawing import DrawingEngine
        from specrun.server.engine import ImageRequest

        if __name__ == "__main__":
            request = ImageRequest(model="m", params={"prompt": "a lamp", "seed": 1, "size": "64x64", "n": 40})
            print(len(asyncio.run(DrawingEngine(processes=2).images(request))))
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True, timeout=60
    )
    assert (ended.stdout, ended.stderr) == ("40\n", "")
