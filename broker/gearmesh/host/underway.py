"""Threads to which something is on its way just now.

A person can read a message, and answer it, before its network has told us that it took it. Whoever does not know what
an answer belongs to waits here for a moment before saying so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

SETTLED_WITHIN: Final = 1.0
"""Seconds that an answer waits: networks say yes much faster, and a leg that is tried again waits much longer."""


class Underway:
    """The sends of one app that are not written down yet."""

    def __init__(self) -> None:
        self._sends: dict[str, set[asyncio.Event]] = {}

    @contextmanager
    def sending(self, thread: str) -> Iterator[None]:
        """Inside, something is being sent to `thread`; at the end it is written down, or has failed."""
        over = asyncio.Event()
        self._sends.setdefault(thread, set()).add(over)
        try:
            yield
        finally:
            over.set()
            rest = self._sends[thread]
            rest.discard(over)
            if not rest:
                del self._sends[thread]

    async def settled(self, thread: str) -> bool:
        """Wait for what is being sent to `thread` now, `SETTLED_WITHIN` at most. False: nothing was settled."""
        sends = tuple(self._sends.get(thread, ()))
        if not sends:
            return False
        try:
            async with asyncio.timeout(SETTLED_WITHIN):
                for over in sends:
                    await over.wait()
        except TimeoutError:
            return False
        return True
