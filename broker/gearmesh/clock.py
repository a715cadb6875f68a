"""Time, handed to whoever needs it, so that tests can hold it in their hands."""

from __future__ import annotations

import asyncio
import time


class Clock:
    """The system's time. `gearmesh.testing.FakeClock` is another one."""

    def micros(self) -> int:
        """Microseconds since the epoch."""
        return time.time_ns() // 1000

    def millis(self) -> int:
        """Milliseconds since the epoch."""
        return self.micros() // 1000

    def seconds(self) -> float:
        """Seconds since the epoch."""
        return self.micros() / 1_000_000

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
