"""Threads to which something is on its way just now.

A person can read a message, and answer it, before its network has told us that it took it. Whoever does not know what
an answer belongs to waits here for a moment before saying so.
"""

from __future__ import annotations

import asyncio
from typing import Final

SETTLED_WITHIN: Final = 1.0
"""Seconds that an answer waits: networks say yes much faster, and a leg that is tried again waits much longer."""


class Underway:
    """The sends of one app that are not written down yet."""

    def __init__(self) -> None:
        self._sends: dict[str, asyncio.Event | None] = {}
        """By thread, for there is one at a time, in its lane. The event is for who waits: hardly any is waited for."""

    def begin(self, thread: str) -> None:
        """Something is on its way to a thread."""
        self._sends[thread] = None

    def end(self, thread: str) -> None:
        """It is written down, or has failed."""
        over = self._sends.pop(thread, None)
        if over is not None:
            over.set()

    async def settled(self, thread: str) -> bool:
        """Wait for what is being sent to `thread` now, `SETTLED_WITHIN` at most. False: nothing was settled."""
        if thread not in self._sends:
            return False
        over = self._sends[thread] = self._sends[thread] or asyncio.Event()
        try:
            async with asyncio.timeout(SETTLED_WITHIN):
                await over.wait()
        except TimeoutError:
            return False
        return True
