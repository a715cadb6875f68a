"""A stretch of time in which this process has an app's legs to itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from gearmesh.clock import Clock


class Doubts:
    """What whoever was at work before may have sent without writing down that it did.

    It sent the legs of a thread one after the other, and wrote each down before the next: in every thread it is the
    first one that is not written down, and no other. What it had begun to send says whether it is that one.
    """

    def __init__(self) -> None:
        self._any = False
        self._settled: set[str] = set()
        self._left: set[str] = set()

    def raise_all(self) -> None:
        """From now on there is a doubt about every thread."""
        self._any = True
        self._settled.clear()

    def about(self, thread: str) -> bool:
        """Whether the leg that comes first in this thread is in doubt."""
        return thread in self._left or (self._any and thread not in self._settled)

    def leave(self, thread: str) -> None:
        """A turn of this process has ended before it was known what became of what it had sent to this thread."""
        self._left.add(thread)

    def settle(self, thread: str) -> None:
        """It is known what became of that leg."""
        self._left.discard(thread)
        if self._any:
            self._settled.add(thread)


class Turn:
    """Begins with the consumer's turn and ends with it, or earlier when the app is stopped or drained.

    `holds` says whether the app is still ours, asked right before something is sent; `doubts` are about what was sent
    before.
    """

    def __init__(self, holds: Callable[[], bool] = lambda: True, *, doubts: Doubts | None = None) -> None:
        self._over = asyncio.Event()
        self._ended = False  # what the event says, at half its cost: it is asked three times for each message
        self._holds = holds
        self.doubts = doubts or Doubts()

    def has_ended(self) -> bool:
        """Whether nothing new may be sent any more."""
        if not self._ended and not self._holds():
            self.end()  # for good, although the app may turn out to be ours still: what was left must come again
        return self._ended

    def end(self) -> None:
        """Whoever waits in this turn wakes up now."""
        self._ended = True
        self._over.set()

    async def pause(self, clock: Clock, seconds: float, also: asyncio.Future[Any] | None = None) -> None:
        """Wait, but not beyond the end of the turn, nor beyond `also`."""
        if seconds <= 0 or self.has_ended():
            return
        waits: set[asyncio.Future[Any]] = {
            asyncio.ensure_future(clock.sleep(seconds)),
            asyncio.ensure_future(self._over.wait()),
        }
        try:
            await asyncio.wait(waits if also is None else {*waits, also}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
