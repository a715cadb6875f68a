"""The clock that stands still."""

from __future__ import annotations

import asyncio

import pytest

from gearmesh.testing import FakeClock


async def test_given_nobody_moves_it_then_time_stands_still() -> None:
    clock = FakeClock(1000.0)

    assert (clock.seconds(), clock.millis(), clock.micros()) == (1000.0, 1_000_000, 1_000_000_000)


async def test_given_sleepers_when_time_moves_then_they_wake_in_order_each_at_its_time() -> None:
    clock = FakeClock(0.0)
    woken: list[tuple[str, float]] = []

    async def sleep(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.seconds()))

    async with asyncio.TaskGroup() as group:
        for name, seconds in (("late", 3.0), ("early", 1.0), ("middle", 2.0), ("middle too", 2.0)):
            group.create_task(sleep(name, seconds))
        await clock.until_asleep(4)
        await clock.advance(2.5)
        assert woken == [("early", 1.0), ("middle", 2.0), ("middle too", 2.0)]
        assert clock.seconds() == 2.5
        await clock.advance(0.5)

    assert woken[3:] == [("late", 3.0)]


async def test_given_somebody_who_sleeps_again_when_time_moves_far_then_every_sleep_ends() -> None:
    clock = FakeClock(0.0)
    ticks: list[float] = []

    async def tick() -> None:
        while True:
            await clock.sleep(10)
            ticks.append(clock.seconds())

    task = asyncio.create_task(tick())
    await clock.advance(35)

    assert ticks == [10, 20, 30]
    task.cancel()
    await asyncio.wait({task})
    assert clock.sleepers == 0
    await clock.advance(10)
    assert ticks == [10, 20, 30]


async def test_given_no_time_to_sleep_then_nobody_has_to_move_it() -> None:
    await FakeClock().sleep(0)


async def test_given_a_rest_too_small_for_the_clock_then_whoever_sleeps_for_it_sees_time_pass() -> None:
    clock = FakeClock()
    before = clock.micros()
    task = asyncio.create_task(clock.sleep(1e-7))
    await clock.advance(1)
    await task
    slept = clock.micros() - before
    assert slept == 1_000_000
    task = asyncio.create_task(clock.sleep(1e-7))
    await clock.advance(0)
    assert not task.done()
    await clock.advance(1)
    await task


async def test_time_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="back"):
        await FakeClock().advance(-1)


async def test_given_too_few_sleepers_then_waiting_for_them_ends() -> None:
    with pytest.raises(TimeoutError, match="2 to be asleep"):
        await FakeClock().until_asleep(2, within=0)
