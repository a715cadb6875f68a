"""The messages of one thread that are decided and not stored yet: a burst costs few ways to NATS, not some for each.

Deciding stays one after the other. What is pending is stored before anything whose decision it could change: what
answers a message, opens a conversation or is a command, comes a second time, or is no plain message at all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from gearmesh.bus.batch import Message
from gearmesh.bus.succession import MOST, MOST_BYTES
from gearmesh.host.holding import Arrival
from gearmesh.model.content import Content
from gearmesh.model.envelope import Header
from gearmesh.model.events import Event, MessageReceived


class Decided(msgspec.Struct, frozen=True):
    """A message whose conversation is known, and the envelope that it has become."""

    arrival: Arrival
    event: MessageReceived
    header: Header
    content: Content
    message: Message


Store = Callable[[Sequence[Decided]], Awaitable[None]]
"""Stores messages in order, and marks their arrivals as stored; raises a `BusError` when not all are, and no other."""


class Pending:
    """What is pending of one thread while some of its events are taken in."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._decided: list[Decided] = []
        self._native_ids: set[str] = set()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._decided)

    def lets(self, event: Event) -> bool:
        """Whether an event may be decided before what is pending is stored."""
        if not self._decided:
            return True
        return isinstance(event, MessageReceived) and not event.reply_to and event.native_id not in self._native_ids

    def holds(self, arrival: Arrival) -> bool:
        """Whether the one that came last is pending."""
        return bool(self._decided) and self._decided[-1].arrival is arrival

    async def add(self, decided: Decided) -> None:
        """Store it with the next ones, or when there are enough.

        Raises:
            BusUnavailable: there were, and not all are stored.
        """
        self._decided.append(decided)
        self._native_ids.add(decided.event.native_id)
        self._bytes += len(decided.message.payload)
        if len(self._decided) >= MOST or self._bytes >= MOST_BYTES:
            await self.settle()

    async def settle(self) -> None:
        """Store everything. What could not be stored is not pending any more: it must come again.

        Raises:
            BusUnavailable: not everything is stored.
        """
        if not self._decided:
            return
        decided, self._decided, self._bytes = self._decided, [], 0
        self._native_ids.clear()
        await self._store(decided)
