"""How many requests may be under way, and when they may start."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import pytest

from specrun.provider.limiter import Limiter, LimiterClosedError


async def enter(limiter: Limiter, entered: list[int], number: int, release: asyncio.Event) -> None:
    async with limiter.slot():
        entered.append(number)
        await release.wait()


async def settle() -> None:
    """Let every task run as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await test()

    asyncio.run(main())


def test_places_are_given_in_the_order_of_asking() -> None:
    async def test() -> None:
        limiter, entered = Limiter(concurrency=2), list[int]()
        releases = [asyncio.Event() for _ in range(5)]
        tasks = [asyncio.create_task(enter(limiter, entered, n, releases[n])) for n in range(5)]
        await settle()
        assert entered == [0, 1]
        releases[1].set()
        await settle()
        assert entered == [0, 1, 2]
        for release in releases:
            release.set()
        await asyncio.gather(*tasks)
        assert entered == [0, 1, 2, 3, 4]

    run(test)


def test_too_many_requests_halve_the_limit_once_for_all_that_were_under_way() -> None:
    async def test() -> None:
        limiter = Limiter(concurrency=16)
        async with limiter.slot() as first, limiter.slot() as second:
            await asyncio.sleep(0.001)
            limiter.slow_down(first)
            limiter.slow_down(second)
            assert limiter.limit == 8
        await asyncio.sleep(0.001)
        async with limiter.slot() as later:
            limiter.slow_down(later)
            assert limiter.limit == 4
        for _ in range(10):
            limiter.slow_down(asyncio.get_running_loop().time())
        assert limiter.limit == 1

    run(test)


def test_answers_win_the_limit_back_bit_by_bit_and_no_further() -> None:
    async def test() -> None:
        limiter = Limiter(concurrency=8)
        limiter.slow_down(asyncio.get_running_loop().time())
        limits = []
        for _ in range(40):
            limiter.speed_up()
            limits.append(limiter.limit)
        assert limits[0] == 4
        assert limits == sorted(limits)
        assert limits.index(8) > 20
        assert limits[-1] == 8

    run(test)


def test_a_halved_limit_holds_back_those_who_come_next() -> None:
    async def test() -> None:
        limiter, entered, release = Limiter(concurrency=4), list[int](), asyncio.Event()
        limiter.slow_down(asyncio.get_running_loop().time())
        tasks = [asyncio.create_task(enter(limiter, entered, n, release)) for n in range(4)]
        await settle()
        assert entered == [0, 1]
        limiter.speed_up()
        limiter.speed_up()
        limiter.speed_up()
        await settle()
        assert entered == [0, 1, 2]
        release.set()
        await asyncio.gather(*tasks)

    run(test)


def test_requests_a_minute_are_spaced_evenly() -> None:
    async def test() -> None:
        limiter, starts = Limiter(concurrency=10, rpm=3000), list[float]()

        async def send() -> None:
            async with limiter.slot() as started:
                starts.append(started)

        await asyncio.gather(*(send() for _ in range(10)))
        gaps = [after - before for before, after in itertools.pairwise(starts)]
        assert min(gaps) >= 60 / 3000

    run(test)


def test_a_hold_keeps_everyone() -> None:
    async def test() -> None:
        limiter = Limiter(concurrency=10)
        before = asyncio.get_running_loop().time()
        limiter.hold(0.05)
        limiter.hold(0.01)
        async with limiter.slot() as started:
            assert started >= before + 0.05

    run(test)


def test_closing_sends_away_those_who_wait_and_those_who_come() -> None:
    async def test() -> None:
        limiter, entered, release = Limiter(concurrency=1), list[int](), asyncio.Event()
        inside = asyncio.create_task(enter(limiter, entered, 0, release))
        waiting = asyncio.create_task(enter(limiter, entered, 1, release))
        pausing = asyncio.create_task(limiter.pause(60))
        await settle()
        limiter.close()
        for gone in (waiting, pausing, asyncio.create_task(enter(limiter, entered, 2, release))):
            with pytest.raises(LimiterClosedError):
                await gone
        release.set()
        await inside
        assert entered == [0]

    run(test)


@pytest.mark.parametrize("turns", [0, 1])
def test_a_cancelled_place_goes_to_the_next(turns: int) -> None:
    async def test() -> None:
        limiter, entered = Limiter(concurrency=1), list[int]()
        releases = [asyncio.Event() for _ in range(3)]
        tasks = [asyncio.create_task(enter(limiter, entered, n, releases[n])) for n in range(3)]
        await settle()
        releases[0].set()
        for _ in range(turns):
            await asyncio.sleep(0)
        tasks[1].cancel()
        releases[2].set()
        await asyncio.gather(tasks[0], tasks[2])
        with pytest.raises(asyncio.CancelledError):
            await tasks[1]
        assert entered == [0, 2]

    run(test)
