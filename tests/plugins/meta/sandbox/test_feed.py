"""The feed itself: room for so much, and an end."""

from __future__ import annotations

import json

from gearmesh_meta.sandbox.feed import Feed
from gearmesh_meta.sandbox.phone import Phone


async def test_given_a_listener_that_does_not_read_when_its_room_is_full_then_it_is_cut_off_after_what_it_had() -> None:
    feed = Feed(room=3)
    phone = Phone("messenger", "7", "eve", "Eve")
    with feed.listen() as slow, feed.listen() as quick:
        seen = []
        for number in range(5):
            feed.typing(phone, on=number % 2 == 0)
            seen.append(await quick.next(5))
        had = [await slow.next(5) for _ in range(4)]
    assert had == [*seen[:3], None]
    assert json.loads(seen[4] or b"")["typing"] == {"network": "messenger", "user": "7", "on": True}


async def test_given_a_closed_feed_when_somebody_listens_then_it_ends_at_once() -> None:
    feed = Feed()
    with feed.listen() as before:
        feed.close()
        assert await before.next(5) is None
    with feed.listen() as after:
        assert await after.next(5) is None
