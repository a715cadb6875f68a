"""How far each thread was taken in, written down for whoever connects next.

Kept are times by the server's clock, in milliseconds, now and then: what comes twice after a crash has the
same ids again, and is one message for Gearmesh.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from gearmesh import BridgeContext

GROUP: Final = "seen"
MOST_DIGITS: Final = 15
"""Of a time in milliseconds, for 30000 years."""
PEOPLE: Final = "@people"
"""Where the position of all direct messages together is kept: no thread is called so."""


class Positions:
    """Times by thread."""

    def __init__(self, context: BridgeContext) -> None:
        self._context = context
        self._at: dict[str, int] = {}
        self._changed: set[str] = set()
        self._linked: frozenset[str] | None = None

    async def load(self) -> None:
        """Read what was kept.

        Raises:
            BusUnavailable: it cannot be read now.
        """
        for key, value in (await self._context.recall_all(GROUP)).items():
            thread = key.removeprefix(f"{GROUP}/")
            if value.isascii() and value.isdigit():
                at = min(int(value[:MOST_DIGITS]), self._now())
                self._at[thread] = max(at, self._at.get(thread, 0))

    def of(self, thread: str) -> int:
        """How far; 0 where nothing is known."""
        return self._at.get(thread, 0)

    def forget_others(self, rooms: Collection[str]) -> None:
        """Only these channels are linked: what is said in others until they are is nobody's business here."""
        self._linked = frozenset({PEOPLE, *rooms})
        for thread in self._at.keys() - self._linked:
            del self._at[thread]
            self._changed.add(thread)

    def note(self, thread: str, at: int) -> None:
        """It was taken in up to here, or up to now where that is later: one message with a time far ahead would hide
        all until then. An earlier time changes nothing."""
        at = min(at, self._now())
        if at > self._at.get(thread, 0) and (self._linked is None or thread in self._linked):
            self._at[thread] = at
            self._changed.add(thread)

    def _now(self) -> int:
        return int(self._context.now() * 1000)

    async def write(self) -> None:
        """Write down what has changed.

        Raises:
            BusUnavailable: not all of it is written down.
        """
        while self._changed:
            thread = next(iter(self._changed))
            await self._context.keep(f"{GROUP}/{thread}", str(self._at.get(thread, "")))
            self._changed.discard(thread)
