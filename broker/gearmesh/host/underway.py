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
        self._sends: dict[str, int] = {}
        """How many there are, by thread."""
        self._waiting: dict[str, asyncio.Event] = {}
        """Who waits for those to a thread: hardly any are waited for."""

    def begin(self, thread: str) -> None:
        """Something is on its way to a thread."""
        self._sends[thread] = self._sends.get(thread, 0) + 1

    def end(self, thread: str) -> None:
        """It is written down, or has failed."""
        left = self._sends.pop(thread) - 1
        if left:
            self._sends[thread] = left
        elif thread in self._waiting:
            self._waiting.pop(thread).set()

    async def settled(self, thread: str) -> bool:
        """Wait for what is being sent to `thread` now, `SETTLED_WITHIN` at most. False: nothing was settled."""
        if thread not in self._sends:
            return False
        over = self._waiting.setdefault(thread, asyncio.Event())
        try:
            async with asyncio.timeout(SETTLED_WITHIN):
                await over.wait()
        except TimeoutError:
            return False
        return True
