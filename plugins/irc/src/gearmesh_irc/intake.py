"""What came in, on its way to Gearmesh: in order, kept until it is stored, and none of it twice.

It outlives connections, and `run` too: what could not be stored when one of them ended is handed over by the next.
"""

from __future__ import annotations

import asyncio
import contextlib
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
AT_ONCE: Final = 200
"""Events that are handed over together, when so many wait."""
PAUSES: Final = (0.1, 0.3, 1.0, 3.0)


class _Item(msgspec.Struct, frozen=True):
    """`place` was taken in up to `at` (by the server's clock, in milliseconds) when `event`, if any, is stored.

    `at` is 0 where the server tells no time, or where something before it was not read yet.
    """

    event: Event | None
    place: str
    at: int


class Intake:
    """A queue with one end here and one at Gearmesh."""

    def __init__(self, context: BridgeContext, positions: Positions) -> None:
        self._context, self._positions = context, positions
        self._queue: asyncio.Queue[_Item] = asyncio.Queue(MOST_WAITING)
        self._in_hand: list[_Item] = []
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._held: dict[str, int] = {}
        """Places whose history is not read yet, and how far they were taken in behind that."""

    async def put(self, event: Event, at: int) -> None:
        """Take an event in. Waits where too many are waiting."""
        native_id = event.native_id if isinstance(event, MessageReceived | EchoReceived) else ""
        if native_id and native_id in self._seen:
            return
        thread = getattr(event, "thread", "")
        place = _place_of(thread)
        await self._queue.put(_Item(event, place, self._up_to(place, at) if thread else 0))
        if native_id:  # whoever is cancelled while it waits has not taken it in
            self.recognise(native_id)

    def confirmed(self, thread: str, native_id: str, at: int) -> None:
        """The server has taken a message of ours: it is not to come in, and not to be asked for again."""
        self.recognise(native_id)
        place = _place_of(thread)
        if at := self._up_to(place, at):
            with contextlib.suppress(asyncio.QueueFull):  # then it is told again, and recognised
                self._queue.put_nowait(_Item(None, place, at))

    def hold(self, place: str) -> None:
        """The history of a place is being read: until that is done its position stays where it is."""
        self._held.setdefault(place, 0)

    async def release(self, place: str) -> None:
        """All of the history of a place was put in."""
        if at := self._held.pop(place, 0):
            await self._queue.put(_Item(None, place, at))

    def _up_to(self, place: str, at: int) -> int:
        if place not in self._held:
            return at
        self._held[place] = max(self._held[place], at)
        return 0

    def recognise(self, native_id: str) -> None:
        """Let this message not come in any more: it is ours, or was taken in."""
        self._seen[native_id] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)

    def knows(self, native_id: str) -> bool:
        """Whether this is the id of a message that was seen not long ago."""
        return native_id in self._seen

    async def hand_over(self) -> None:
        """Hand over what waits, in order, until cancelled."""
        while True:
            if not self._in_hand:
                self._in_hand.append(await self._queue.get())
                while len(self._in_hand) < AT_ONCE and not self._queue.empty():
                    self._in_hand.append(self._queue.get_nowait())
            await self._store(self._in_hand)
            self._in_hand.clear()

    async def _store(self, items: list[_Item]) -> None:
        tries = 0
        while events := [item.event for item in items if item.event is not None]:
            try:
                await self._context.receive(*events)
                break
            except BusUnavailable:  # what is stored already is recognised when it comes again
                await asyncio.sleep(PAUSES[min(tries, len(PAUSES) - 1)])
                tries += 1
        for item in items:
            if item.at:
                self._positions.note(item.place, item.at)


def _place_of(thread: str) -> str:
    return thread if is_room(thread) else PEOPLE
