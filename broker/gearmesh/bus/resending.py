"""What has no answer yet goes again: after a reconnect, when an answer stays away, and while no stream takes it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Generic, Protocol, TypeVar

import structlog

from gearmesh.bus.connection import Connection

log = structlog.get_logger("gearmesh.bus")

NO_STREAM_PAUSE: Final = 0.25


class Numbered(Protocol):
    """A message, by its place among all; `sent_at` is when it last went, by the monotonic clock."""

    number: int
    sent_at: float


One = TypeVar("One", bound=Numbered)


class Resending(Generic[One]):
    """Lets all that is `unanswered`, by number, go again in its order when that is needed. `transmit` lets one go.

    `online` says whether a new message may go at once: not while older ones are still to go.
    """

    def __init__(
        self,
        connection: Connection,
        unanswered: Mapping[int, One],
        transmit: Callable[[One], Awaitable[None]],
        answer_within: float,
    ) -> None:
        self.online = False
        self._connection = connection
        self._unanswered = unanswered
        self._transmit = transmit
        self._answer_within = answer_within
        self._wanted = asyncio.Event()
        self._at_work = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Look after what is unanswered from now on."""
        self._connection.watch(lost=self._lost, back=self._all_again)
        self.online = self._connection.is_up
        self._task = asyncio.create_task(self._run(), name="publisher")

    async def end(self) -> None:
        """Let nothing go again."""
        self._connection.unwatch(lost=self._lost, back=self._all_again)
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def want(self) -> bool:
        """Let everything go again in a moment. False: that is wanted already."""
        wanted = self._wanted.is_set()
        self._wanted.set()
        return not wanted

    async def _lost(self) -> None:
        self.online = False

    async def _all_again(self) -> None:
        # One at a time: of two that overlap, the slower would write older values of a key over newer ones.
        async with self._at_work:
            self.online = False
            last = 0
            while self._connection.is_up:
                batch = [entry for number, entry in self._unanswered.items() if number > last]
                if not batch:
                    self.online = True
                    return
                for entry in batch:
                    await self._transmit(entry)
                    last = entry.number

    async def _run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(1.0):
                    await self._wanted.wait()
                await asyncio.sleep(NO_STREAM_PAUSE)
                self._wanted.clear()
            except TimeoutError:
                oldest = next(iter(self._unanswered.values()), None)
                if oldest is None or time.monotonic() - oldest.sent_at < self._answer_within:
                    continue
                if self._connection.is_up:
                    count = len(self._unanswered)
                    log.warning("nats has not answered in time; what is unanswered goes again", count=count)
            if self._connection.is_up:
                await self._all_again()
