"""A clock that tests hold in their hands."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from typing import Final

from gearmesh.clock import Clock
from gearmesh.testing.watch import Watch

START: Final = 1_800_000_000.0
"""Seconds since the epoch: a day in January 2027."""
PASSES: Final = 20
"""Turns of the event loop that a woken sleeper gets before time moves on."""


class FakeClock(Clock):
    """Time stands still until `advance` moves it.

    A sleeper wakes when time has been moved past the end of its sleep. Sleepers wake in the order in which their
    sleeps end; each runs on, with the time at which it was due, before the next one wakes. What a sleeper does in
    between must not wait for a socket or another process: their time is the real one.
    """

    def __init__(self, start: float = START) -> None:
        """`start` is in seconds since the epoch."""
        self._micros = round(start * 1_000_000)
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._watch = Watch()

    @property
    def sleepers(self) -> int:
        """How many are asleep."""
        return sum(not wake.done() for _, _, wake in self._sleepers)

    def micros(self) -> int:
        """Microseconds since the epoch."""
        return self._micros

    async def sleep(self, seconds: float) -> None:
        """Wait until time has been moved by so much."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # At least one: who sleeps for what a float left over of a second would never see it pass.
        due = self._micros + max(1, round(seconds * 1_000_000))
        heapq.heappush(self._sleepers, (due, next(self._numbers), wake))
        self._watch.changed()
        await wake

    async def advance(self, seconds: float) -> None:
        """Move time. Returns when everybody whose sleep has ended, also if it began meanwhile, has run on.

        Raises:
            ValueError: time does not go back.
        """
        if seconds < 0:
            raise ValueError(f"time does not go back: advance({seconds})")
        target = self._micros + round(seconds * 1_000_000)
        await _let_others_run()
        while self._sleepers and self._sleepers[0][0] <= target:
            due, _, wake = heapq.heappop(self._sleepers)
            if wake.done():
                continue  # the sleeper was cancelled
            self._micros = max(self._micros, due)
            wake.set_result(None)
            await _let_others_run()
        self._micros = max(self._micros, target)

    async def until_asleep(self, count: int = 1, *, within: float = 10.0) -> None:
        """Wait until at least `count` are asleep, so that `advance` finds them.

        Raises:
            TimeoutError: fewer were after `within` seconds of real time.
        """
        await self._watch.until(lambda: self.sleepers >= count, within=within, awaited=f"{count} to be asleep")


async def _let_others_run() -> None:
    for _ in range(PASSES):
        await asyncio.sleep(0)
