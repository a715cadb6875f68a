"""Holds late input back for a moment, and takes it in by the time at which it happened; see `core.ordering`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec
import structlog

from gearmesh.clock import Clock
from gearmesh.core.ordering import HELD_AT_MOST, HELD_FOR, Dated, Ordering, dated
from gearmesh.errors import BusUnavailable
from gearmesh.model.events import Event

log = structlog.get_logger("gearmesh.ingress")

ENDING: Final = BusUnavailable("this host is ending; nothing more is taken in")


class Arrival(msgspec.Struct, eq=False):
    """An event on its way in. `received` is in microseconds since the epoch; `stored` once it has been taken in."""

    event: Event
    received: int
    stored: bool = False


Take = Callable[[Sequence[Arrival], bool], Awaitable[None]]
"""Takes the arrivals of one thread in, in this order, and marks them as stored; raises at the first that is not. The
second argument says whether they were held, and have less time left."""


class _Call(msgspec.Struct, eq=False):
    """What came with one call, and what its caller is told in the end."""

    arrivals: list[Arrival]
    told: asyncio.Future[Exception | None]


class Holding:
    """What is held of one app."""

    def __init__(self, clock: Clock, take: Take) -> None:
        self._clock = clock
        self._take = take
        self._ordering: Ordering[tuple[Arrival, _Call]] = Ordering()
        self._timers: dict[str, asyncio.Task[None]] = {}
        self._came: dict[str, int] = {}
        """When the last of each thread came that is held, in milliseconds."""
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._ordering)

    def disturb(self) -> None:
        """From now on, order cannot be relied on for a while."""
        self._ordering.disturb(self._clock.millis())

    async def take(self, thread: str, events: Sequence[Event], received: int) -> None:
        """Take the events of one thread in, now or in a moment. Returns when they are stored.

        Raises:
            BusUnavailable: not all of them are stored.
        """
        arrivals = [Arrival(event, received) for event in events]
        now = self._clock.millis()
        call = _Call(arrivals, asyncio.get_running_loop().create_future())
        times = dated(events, now)
        arrived = [Dated(one.at, (arrival, call)) for one, arrival in zip(times, arrivals, strict=True)]
        due = self._ordering.offer(thread, arrived, now)
        if due is not None and len(due) == len(arrivals):
            await self._take(arrivals, False)
            return
        if due is None:
            self._came[thread] = now
            if thread not in self._timers:
                self._timers[thread] = asyncio.create_task(self._release(thread))
        else:
            log.warning("more input is late than can be held; it is taken in at once", held=len(self._ordering))
            self._timers.pop(thread).cancel()
            self._came.pop(thread, None)
            await self._let_in(due)
        error = await call.told
        if error is not None:
            raise error

    async def close(self) -> None:
        """Hold nothing any more: whoever waits is told that it is not stored, so that a successor gets it."""
        for thread, timer in tuple(self._timers.items()):
            timer.cancel()
            _tell(self._ordering.release(thread), ENDING)
        self._timers.clear()
        self._came.clear()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _release(self, thread: str) -> None:
        first = self._clock.millis()
        while (pause := min(self._came[thread] + HELD_FOR, first + HELD_AT_MOST) - self._clock.millis()) > 0:
            await self._clock.sleep(pause / 1000)
        del self._came[thread]
        task = self._timers.pop(thread)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await self._let_in(self._ordering.release(thread))

    async def _let_in(self, due: Sequence[tuple[Arrival, _Call]]) -> None:
        error: Exception = ENDING
        try:
            await self._take([arrival for arrival, _ in due], True)
        except Exception as failure:
            error = failure
        finally:
            _tell(due, error)


def _tell(due: Sequence[tuple[Arrival, _Call]], error: Exception) -> None:
    """Tell each caller once: nothing when all that it brought is stored, else what went wrong."""
    for _, call in due:
        if not call.told.done():
            stored = all(arrival.stored for arrival in call.arrivals)
            call.told.set_result(None if stored else error)
