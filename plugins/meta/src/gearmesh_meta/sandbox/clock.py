"""The time the sandbox believes in. Windows, timestamps and expiring addresses follow it, so tests can move it."""

from __future__ import annotations

import time
from collections.abc import Callable


class Clock:
    """Wall clock with an offset. `source` returns Unix seconds."""

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source
        self._offset = 0.0

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return int((self._source() + self._offset) * 1000)

    def advance(self, seconds: float) -> None:
        """Move by `seconds`, which may be negative."""
        self._offset += seconds

    def set_ms(self, now: int) -> None:
        """Make `now` (milliseconds since the epoch) the present; time goes on from there."""
        self._offset = now / 1000 - self._source()
