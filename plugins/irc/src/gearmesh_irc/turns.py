"""Who writes to a target next: those who want to come one after the other, in the order in which they came.

A turn ends when the words are written. What becomes of them is awaited afterwards, so that many are on their way at
once. Whoever could not write takes those behind it along: all of them are to come again, and none overtakes another.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from types import TracebackType
from typing import Final

from gearmesh import Rejected, Retry

CROWDED: Final = "others are written to first, no faster than the server takes it"
OVERTAKEN: Final = "what was to be written before it has to wait"


class Turns:
    """Queues by name. Nothing is kept of a name that nobody has a turn at."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}

    def at(self, name: str, until: float = math.inf) -> Turn:
        """A turn, to be taken by `async with`; given up when it has not come `until` then, by the loop's clock.

        Raises:
            Retry: it did not come, or somebody before us could not write.
        """
        return Turn(self, name, until)

    def is_free(self, name: str) -> bool:
        """Whether nobody has a turn there, or waits for one."""
        return name not in self._queues

    async def take(self, name: str, until: float = math.inf) -> None:
        """Wait for a turn; `pass_on` or `call_off` ends it.

        Raises:
            Retry: it did not come, or somebody before us could not write.
        """
        queue = self._queues.get(name)
        if queue is None:
            self._queues[name] = deque()
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            async with asyncio.timeout_at(until if until < math.inf else None):
                await self._come(name, queue, turn)
        except TimeoutError:
            raise Retry(CROWDED) from None

    async def _come(self, name: str, queue: deque[asyncio.Future[None]], turn: asyncio.Future[None]) -> None:
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it had come in the same moment
                self.call_off(name)
            elif turn in queue:
                while (last := queue.pop()) is not turn:
                    _refuse(last)
            raise

    def pass_on(self, name: str) -> None:
        """It is the turn of whoever comes next."""
        queue = self._queues[name]
        if not queue:
            del self._queues[name]
        elif (turn := queue.popleft()).done():  # it has given up just now
            self.call_off(name)
        else:
            turn.set_result(None)

    def call_off(self, name: str) -> None:
        """We could not write: none of those behind us may now."""
        for turn in self._queues.pop(name):
            _refuse(turn)


class Turn:
    """One of somebody who writes, as long as that takes."""

    __slots__ = ("_name", "_turns", "_until")

    def __init__(self, turns: Turns, name: str, until: float) -> None:
        self._turns, self._name, self._until = turns, name, until

    async def __aenter__(self) -> None:
        await self._turns.take(self._name, self._until)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What is refused for good is over; what comes after it may go.
        if error is None or isinstance(error, Rejected):
            self._turns.pass_on(self._name)
        else:
            self._turns.call_off(self._name)


def _refuse(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_exception(Retry(OVERTAKEN))
