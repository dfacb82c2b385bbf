import asyncio
import threading
from collections.abc import Sequence

import pytest

from specrun.batches import Batches


class Recorder:
    """Work that waits for leave, doubles numbers, and refuses odd ones; `batches` is what it was given together."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun = threading.Event()
        self.leave = threading.Event()

    def __call__(self, items: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(items))
        self.begun.set()
        self.leave.wait()
        return [ValueError(f"{item} is odd") if item % 2 else item * 2 for item in items]


def test_what_comes_while_a_batch_is_at_work_makes_up_the_next() -> None:
    work = Recorder()
    with Batches(work, name="test") as batches:
        first = batches.submit(0)
        work.begun.wait()
        others = [batches.submit(number) for number in (2, 4, 6)]
        work.leave.set()
        assert [first.result(), *(other.result() for other in others)] == [0, 4, 8, 12]
    assert work.batches == [[0], [2, 4, 6]]


def test_an_error_is_its_own_items_alone() -> None:
    async def ask() -> list[int | BaseException]:
        work = Recorder()
        work.leave.set()
        with Batches(work, name="test") as batches:
            return await asyncio.gather(*(batches.done(number) for number in range(4)), return_exceptions=True)

    even, odd, even_too, odd_too = asyncio.run(ask())
    assert (even, even_too) == (0, 4)
    assert isinstance(odd, ValueError)
    assert isinstance(odd_too, ValueError)


def test_work_that_fails_as_a_whole_fails_everyone_and_ends_nothing() -> None:
    def work(items: Sequence[str]) -> list[str]:
        if "bad" in items:
            raise OSError(28, "No space left on device")
        return list(items)

    with Batches(work, name="test") as batches:
        with pytest.raises(OSError, match="No space left"):
            batches.submit("bad").result()
        assert batches.submit("good").result() == "good"


def test_no_batch_is_larger_than_asked_for() -> None:
    work = Recorder()
    with Batches(work, name="test", most=3) as batches:
        futures = [batches.submit(0) for _ in range(10)]
        work.leave.set()
        assert [future.result() for future in futures] == [0] * 10
    assert max(map(len, work.batches)) <= 3


def test_several_threads_share_what_waits() -> None:
    together = threading.Barrier(2, timeout=10)

    def work(items: Sequence[int]) -> list[int]:
        together.wait()
        return list(items)

    with Batches(work, name="test", threads=2, most=1) as batches:
        futures = [batches.submit(number) for number in range(4)]
        assert [future.result() for future in futures] == [0, 1, 2, 3]


def test_what_nobody_waits_for_any_more_is_done_all_the_same() -> None:
    work = Recorder()

    async def ask() -> None:
        task = asyncio.create_task(batches.done(2))
        await asyncio.to_thread(work.begun.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with Batches(work, name="test") as batches:
        asyncio.run(ask())
        work.leave.set()
        assert batches.submit(4).result() == 8
    assert [item for batch in work.batches for item in batch] == [2, 4]


def test_closing_waits_for_what_was_submitted() -> None:
    work = Recorder()
    work.leave.set()
    batches = Batches(work, name="closing")
    future = batches.submit(2)
    batches.close()
    assert future.done()
    assert not any(thread.name == "closing" for thread in threading.enumerate())
