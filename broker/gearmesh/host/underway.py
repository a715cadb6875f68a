"""Threads to which something is on its way just now.

A person can read a message, and answer it, before its network has told us that it took it. Whoever does not know what
an answer belongs to waits here for a moment before saying so.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Final

SETTLED_WITHIN: Final = 1.0
"""Seconds that an answer waits: networks say yes much faster, and a leg that is tried again waits much longer."""


class Sending:
    """One send. Inside, something is on its way to the thread; at the end it is written down, or has failed."""

    __slots__ = ("_over", "_sends", "_thread")

    def __init__(self, sends: dict[str, Sending], thread: str) -> None:
        self._sends = sends
        self._thread = thread
        self._over: asyncio.Event | None = None

    def __enter__(self) -> None:
        self._sends[self._thread] = self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sends.get(self._thread) is self:
            del self._sends[self._thread]
        if self._over is not None:
            self._over.set()

    async def over(self) -> None:
        """Wait for its end."""
        if self._over is None:
            # Only now: hardly any send is waited for.
            self._over = asyncio.Event()
        await self._over.wait()


class Underway:
    """The sends of one app that are not written down yet."""

    def __init__(self) -> None:
        self._sends: dict[str, Sending] = {}
        """By thread: there is one at a time, in its lane."""

    def sending(self, thread: str) -> Sending:
        """A send to `thread`, to be used as a context manager."""
        return Sending(self._sends, thread)

    async def settled(self, thread: str) -> bool:
        """Wait for what is being sent to `thread` now, `SETTLED_WITHIN` at most. False: nothing was settled."""
        sending = self._sends.get(thread)
        if sending is None:
            return False
        try:
            async with asyncio.timeout(SETTLED_WITHIN):
                await sending.over()
        except TimeoutError:
            return False
        return True
