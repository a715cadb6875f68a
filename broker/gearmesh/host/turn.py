"""A stretch of time in which this process has an app's legs to itself."""

from __future__ import annotations

import asyncio

from gearmesh.clock import Clock


class Turn:
    """Begins with the consumer's turn and ends with it, or earlier when the app is stopped or drained."""

    def __init__(self) -> None:
        self._over = asyncio.Event()

    @property
    def is_over(self) -> bool:
        """Whether nothing new may be sent any more."""
        return self._over.is_set()

    def end(self) -> None:
        """Whoever waits in this turn wakes up now."""
        self._over.set()

    async def pause(self, clock: Clock, seconds: float) -> None:
        """Wait, but not beyond the end of the turn."""
        if seconds <= 0 or self.is_over:
            return
        waits = {asyncio.ensure_future(clock.sleep(seconds)), asyncio.ensure_future(self._over.wait())}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
