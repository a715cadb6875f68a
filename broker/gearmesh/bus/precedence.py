"""Who goes first: messages before files.

A message makes about ten short trips to NATS on its way, one after the other. With pieces of files in front of them it
took three times as long, though the machine had time for both (tests/benchmarks/files.py). So files have a connection
of their own, and a piece goes when nothing moves on that of the messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from gearmesh.bus.connection import Connection

GAP: Final = 0.002
"""Seconds in which nothing has moved: longer than nearly every step of a message between here and NATS."""
MOST: Final = 0.05
"""Seconds that a piece waits at most: however much is written, files go on, with 1.3 MB a second."""


class Precedence:
    """Lets messages go before pieces of files.

    `messages` is the connection that they take. A piece waits until nothing has moved there for `gap` seconds, or for
    `most` seconds.
    """

    def __init__(self, messages: Connection, *, gap: float = GAP, most: float = MOST) -> None:
        self._messages = messages
        self._gap = gap
        self._most = most
        self._one = asyncio.Semaphore(1)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """The turn of one piece, of all files that are carried in this process."""
        async with self._one:
            time = asyncio.get_running_loop().time
            end = time() + self._most
            moved = -1
            while moved != self._messages.moved and time() < end:
                moved = self._messages.moved
                await asyncio.sleep(self._gap)
            yield
