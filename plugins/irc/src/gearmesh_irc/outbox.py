"""Lines that nobody waits for, on their way to the server: questions for history, modes, our nickname.

They go out at the pace of all others, and whoever reads what the server says puts them here without waiting: only the
answer to PING must not be late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from irctokens.line import Line

from gearmesh_irc.connection import Connection, Pace


class Outbox:
    """The queue of one connection."""

    def __init__(self, connection: Connection, pace: Pace) -> None:
        self._connection, self._pace = connection, pace
        self._queue: asyncio.Queue[tuple[Line, Callable[[], None] | None]] = asyncio.Queue()

    def put(self, line: Line, when_written: Callable[[], None] | None = None) -> None:
        """Write a line when it is its turn."""
        self._queue.put_nowait((line, when_written))

    async def work_off(self) -> None:
        """Write them, until cancelled.

        Raises:
            Lost: the connection is closed.
        """
        while True:
            line, when_written = await self._queue.get()
            await self._pace.turn()
            self._connection.write(line)
            if when_written is not None:
                when_written()
