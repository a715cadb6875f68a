"""Events that a network tells all at once, each in a webhook of its own."""

from __future__ import annotations

import asyncio
import random

from gearmesh_meta.sandbox.webhooks.event import Event
from gearmesh_meta.sandbox.webhooks.scatter import Scatter

PIECES = [(Event("messenger", "ada", "messages", "messaging", {}), name) for name in (b"first", b"second")]


async def test_given_one_that_is_answered_late_then_what_has_failed_is_told_again_meanwhile() -> None:
    """A business that holds an event for those before it would wait in vain, if they waited for its answer."""
    told: list[bytes] = []
    complete = asyncio.Event()

    async def post(event: Event, body: bytes) -> bool:
        told.append(body)
        if body == b"second":
            await complete.wait()
            return True
        if told.count(body) == 1:
            return False
        complete.set()
        return True

    scatter = Scatter(PIECES, random.Random(1), 0.01)
    assert not await asyncio.wait_for(scatter.round(post), 5)
    assert await asyncio.wait_for(scatter.round(post), 5)
    assert sorted(told) == [b"first", b"first", b"second"]


async def test_given_all_that_fail_then_the_round_is_over_and_all_of_them_are_left() -> None:
    async def post(event: Event, body: bytes) -> bool:
        await asyncio.sleep(0)
        return False

    scatter = Scatter(PIECES, random.Random(1), 0.01)
    assert not await asyncio.wait_for(scatter.round(post), 5)
    assert len(scatter) == 2
