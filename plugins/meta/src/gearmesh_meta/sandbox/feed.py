"""The live feed behind `/sandbox/events`: every new or changed message, phone and typing bubble."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from .phone import Message, Phone


class Listener:
    """One reader of the feed, with room for so many events; one that falls behind is cut off."""

    def __init__(self, room: int) -> None:
        self._events: asyncio.Queue[bytes | None] = asyncio.Queue(room + 1)
        self._room = room

    def offer(self, data: bytes) -> bool:
        """Hand over an event; False when the listener has fallen too far behind."""
        if self._events.qsize() >= self._room:
            return False
        self._events.put_nowait(data)
        return True

    def end(self) -> None:
        """Nothing will come any more."""
        if not self._events.full():
            self._events.put_nowait(None)

    async def next(self, wait: float) -> bytes | None:
        """The next event; None at the end. Raises TimeoutError after `wait` seconds without one."""
        async with asyncio.timeout(wait):
            return await self._events.get()


class Feed:
    """Hands each event to all listeners, encoded once, and not at all when nobody listens."""

    def __init__(self, room: int = 2_000) -> None:
        self._room = room
        self._listeners: set[Listener] = set()
        self._closed = False

    @contextmanager
    def listen(self) -> Iterator[Listener]:
        """A listener for as long as the block lasts."""
        listener = Listener(self._room)
        if self._closed:
            listener.end()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def message(self, phone: Phone, message: Message) -> None:
        """Tell of a new or changed message."""
        if self._listeners:
            self._tell({"phone": {"network": phone.network, "user": phone.user}, "message": message.view()})

    def phone_added(self, phone: Phone) -> None:
        """Tell of a new phone."""
        self._tell({"phone_added": phone.view()})

    def phone_changed(self, phone: Phone, before: str) -> None:
        """Tell that a phone, known as the user `before` until now, has another number."""
        self._tell({"phone_changed": phone.view(), "before": before})

    def typing(self, phone: Phone, on: bool) -> None:
        """Tell that the business starts or stops typing to this phone."""
        self._tell({"typing": {"network": phone.network, "user": phone.user, "on": on}})

    def close(self) -> None:
        """End all listeners, now and later."""
        self._closed = True
        for listener in self._listeners:
            listener.end()

    def _tell(self, event: dict[str, Any]) -> None:
        if not self._listeners:
            return
        data = msgspec.json.encode(event)
        for listener in [listener for listener in self._listeners if not listener.offer(data)]:
            self._listeners.discard(listener)
            listener.end()
