"""What keeps us out of rooms, as operators are told: all of it, until it is over."""

from __future__ import annotations

from typing import Final

from gearmesh import BridgeContext

MOST_TOLD: Final = 500
"""Characters."""


class Troubles:
    """One trouble for each room, by its bare JID."""

    def __init__(self, context: BridgeContext) -> None:
        self._context = context
        self._troubles: dict[str, str] = {}

    def clear(self) -> None:
        """Nothing is known yet: a connection was just made."""
        self._troubles.clear()

    async def begins(self, room: str, trouble: str) -> None:
        """Something is wrong with a room; told once as long as it is the same."""
        if self._troubles.get(room) == trouble:
            return
        self._context.log.warning("a room has a trouble", room=room, trouble=trouble)
        self._troubles[room] = trouble
        await self._report()

    async def ends(self, room: str) -> None:
        """All is well with a room."""
        if self._troubles.pop(room, None) is not None:
            await self._report()

    async def _report(self) -> None:
        await self._context.status("connected", "; ".join(self._troubles.values())[:MOST_TOLD])
