"""Whoever waits for a message wakes when it becomes known, and only then."""

from __future__ import annotations

import asyncio

from gearmesh.host.learned import Learned

LONG, SHORT = 10.0, 0.01


async def test_given_several_who_wait_when_their_message_is_announced_then_all_of_them_wake() -> None:
    learned = Learned()
    waits = [asyncio.create_task(learned.wait("north", "m-1", LONG)) for _ in range(3)]
    await asyncio.sleep(0)

    learned.announce("north", "m-1")

    assert await asyncio.gather(*waits) == [True, True, True]


async def test_given_another_message_or_another_app_then_nobody_wakes() -> None:
    learned = Learned()
    wait = asyncio.create_task(learned.wait("north", "m-1", SHORT))
    await asyncio.sleep(0)

    learned.announce("north", "m-2")
    learned.announce("south", "m-1")

    assert await wait is False


async def test_given_a_wait_that_is_over_or_cancelled_then_the_others_still_wake() -> None:
    learned = Learned()
    cancelled = asyncio.create_task(learned.wait("north", "m-1", LONG))
    patient = asyncio.create_task(learned.wait("north", "m-1", LONG))
    assert await learned.wait("north", "m-1", SHORT) is False
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)

    learned.announce("north", "m-1")

    assert await patient is True
