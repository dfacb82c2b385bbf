import asyncio
import multiprocessing

import pytest

from specrun.canonical import Json
from specrun.server.drawing import DrawingEngine
from specrun.server.engine import ImageRequest
from specrun.server.render.picture import draw


def asked(count: int) -> ImageRequest:
    params: dict[str, Json] = {"prompt": "a lamp", "seed": 1, "size": "64x64", "n": count}
    return ImageRequest(model="m", params=params)


@pytest.mark.parametrize("processes", [1, 2])
def test_pictures_come_in_order_wherever_they_are_drawn(processes: int) -> None:
    async def story() -> None:
        engine = DrawingEngine(processes=processes)
        try:
            assert list(await engine.images(asked(30))) == [draw(asked(30), index) for index in range(1, 31)]
        finally:
            await engine.aclose()

    asyncio.run(story())


def test_a_picture_is_drawn_although_the_processes_were_killed() -> None:
    async def story() -> None:
        engine = DrawingEngine(processes=2)
        try:
            await engine.images(asked(20))
            children = multiprocessing.active_children()
            assert len(children) == 2
            for child in children:
                child.kill()
                child.join()
            for _ in range(2):
                assert await engine.images(asked(1)) == [draw(asked(1), 1)]
        finally:
            await engine.aclose()

    asyncio.run(story())


def test_closing_leaves_no_process_behind() -> None:
    async def story() -> None:
        engine = DrawingEngine(processes=2)
        await engine.images(asked(20))
        await engine.aclose()

    asyncio.run(story())
    assert multiprocessing.active_children() == []
