"""What came in, on its way to Gearmesh: in order, kept until it is stored, and none of it twice.

It outlives connections, and `run` too: what could not be stored when one of them ended is handed over by the next.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Final

import msgspec

from gearmesh import BridgeContext, BusUnavailable, EchoReceived, Event, MessageReceived
from gearmesh_irc.names import is_room
from gearmesh_irc.positions import PEOPLE, Positions

MOST_WAITING: Final = 10_000
"""Events that wait. When there are more, no more is read from the server until some are stored."""
REMEMBERED: Final = 10_000
"""Ids of messages that are recognised when the server tells them again."""
PAUSES: Final = (0.1, 0.3, 1.0, 3.0)


class _Item(msgspec.Struct, frozen=True):
    event: Event
    at: int
    """By the server's clock, in milliseconds; 0 where it tells no time."""


class Intake:
    """A queue with one end here and one at Gearmesh."""

    def __init__(self, context: BridgeContext, positions: Positions) -> None:
        self._context, self._positions = context, positions
        self._queue: asyncio.Queue[_Item] = asyncio.Queue(MOST_WAITING)
        self._in_hand: _Item | None = None
        self._seen: OrderedDict[str, None] = OrderedDict()

    async def put(self, event: Event, at: int) -> None:
        """Take an event in. Waits where too many are waiting."""
        if isinstance(event, MessageReceived | EchoReceived):
            if event.native_id in self._seen:
                return
            self.recognise(event.native_id)
        await self._queue.put(_Item(event, at))

    def recognise(self, native_id: str) -> None:
        """Let this message not come in any more: it is ours, or was taken in."""
        self._seen[native_id] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)

    def knows(self, native_id: str) -> bool:
        """Whether this is the id of a message that was seen not long ago."""
        return native_id in self._seen

    async def hand_over(self) -> None:
        """Hand events over, one after the other, until cancelled."""
        while True:
            if self._in_hand is None:
                self._in_hand = await self._queue.get()
            await self._store(self._in_hand)
            self._in_hand = None

    async def _store(self, item: _Item) -> None:
        tries = 0
        while True:
            try:
                await self._context.receive(item.event)
                break
            except BusUnavailable:
                await asyncio.sleep(PAUSES[min(tries, len(PAUSES) - 1)])
                tries += 1
        thread = getattr(item.event, "thread", "")
        if item.at and thread:
            self._positions.note(thread if is_room(thread) else PEOPLE, item.at)
