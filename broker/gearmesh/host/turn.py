"""A stretch of time in which this process has an app's legs to itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from gearmesh.clock import Clock


class Turn:
    """Begins with the consumer's turn and ends with it, or earlier when the app is stopped or drained.

    `holds` says whether the app is still ours, asked right before something is sent.
    """

    def __init__(self, holds: Callable[[], bool] = lambda: True) -> None:
        self._over = asyncio.Event()
        self._ended = False  # what the event says, at half its cost: it is asked three times for each message
        self._holds = holds

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
