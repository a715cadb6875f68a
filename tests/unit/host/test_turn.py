"""A stretch of time in which an app's legs are ours, and what is in doubt when it begins."""

from __future__ import annotations

import asyncio

from gearmesh.host.turn import Turn
from gearmesh.testing import FakeClock


def test_a_turn_has_ended_when_it_is_told_to_or_when_the_app_is_not_ours() -> None:
    ours = True
    turn = Turn(lambda: ours)
    assert not turn.has_ended()
    ours = False
    assert turn.has_ended()
    ours = True
    assert turn.has_ended(), "what was left meanwhile comes again only in another turn"
    told = Turn()
    told.end()
    assert told.has_ended()


async def test_given_a_pause_then_it_lasts_its_time(clock: FakeClock) -> None:
    pausing = asyncio.create_task(Turn().pause(clock, 5.0))
    await clock.advance(4.9)
    assert not pausing.done()
    await clock.advance(0.1)
    assert pausing.done()


async def test_given_a_turn_that_ends_then_nobody_goes_on_waiting(clock: FakeClock) -> None:
    turn = Turn()
    pausing = asyncio.create_task(turn.pause(clock, 1e6))
    await clock.until_asleep()
    turn.end()
    await pausing
    assert clock.sleepers == 0
    await turn.pause(clock, 1e6)  # and nobody begins to


async def test_given_something_else_that_is_waited_for_then_the_pause_ends_with_it_and_leaves_it_alone(
    clock: FakeClock,
) -> None:
    also: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    pausing = asyncio.create_task(Turn().pause(clock, 5.0, also))
    await clock.advance(1)
    also.set_result(None)
    await pausing
    assert clock.sleepers == 0

    other: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    pausing = asyncio.create_task(Turn().pause(clock, 5.0, other))
    await clock.advance(5)
    await pausing
    assert not other.done()


async def test_given_whoever_waits_is_cancelled_then_nothing_is_left_behind(clock: FakeClock) -> None:
    pausing = asyncio.create_task(Turn().pause(clock, 5.0))
    await clock.until_asleep()
    pausing.cancel()
    await asyncio.wait([pausing])
    assert pausing.cancelled()
    assert clock.sleepers == 0
