import asyncio

from hypothesis import given
from hypothesis import strategies as st

from specrun.apply.schedule import Schedule
from specrun.model.plan import Action, Verb


def action(number: int, shares: int | None) -> Action:
    return Action(Verb.CREATE, str(number), "", shares=None if shares is None else str(shares))


@st.composite
def plans(draw: st.DrawFn) -> list[Action]:
    count = draw(st.integers(0, 12))
    return [action(n, draw(st.none() | st.integers(0, n - 1)) if n else None) for n in range(count)]


@given(plans(), st.integers(1, 4))
def test_every_action_is_handed_out_once_after_what_it_needs_and_then_the_workers_leave(
    actions: list[Action], workers: int
) -> None:
    order: list[str] = []
    finished: set[str] = set()

    async def worker(schedule: Schedule) -> None:
        while (taken := await schedule.next()) is not None:
            assert taken.shares is None or taken.shares in finished
            order.append(taken.address)
            await asyncio.sleep(0)
            finished.add(taken.address)
            schedule.finished(taken)

    async def story() -> None:
        schedule = Schedule(actions, workers=workers)
        await asyncio.gather(*(worker(schedule) for _ in range(workers)))

    asyncio.run(story())
    assert sorted(order, key=int) == [each.address for each in actions]


def test_what_is_ready_is_handed_out_in_the_order_of_the_plan() -> None:
    async def story() -> list[str]:
        schedule = Schedule([action(0, None), action(1, 0), action(2, None)], workers=1)
        order = []
        while (taken := await schedule.next()) is not None:
            order.append(taken.address)
            schedule.finished(taken)
        return order

    assert asyncio.run(story()) == ["0", "1", "2"]


def test_a_closed_schedule_hands_out_nothing_more() -> None:
    async def story() -> None:
        schedule = Schedule([action(0, None), action(1, None)], workers=2)
        assert await schedule.next() is not None
        schedule.close()
        assert await schedule.next() is None
        assert await schedule.next() is None

    asyncio.run(story())
