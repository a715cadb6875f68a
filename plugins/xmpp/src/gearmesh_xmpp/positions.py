"""Up to where rooms are told, written down from time to time: what is told twice after a crash is known as told."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from gearmesh import BridgeContext, BusUnavailable
from gearmesh_xmpp.archive import Position

GROUP: Final = "room"
SAVE_EVERY: Final = 2.0
AT_THE_END: Final = 0.5
"""Seconds for the last ones to be written down."""


class Positions:
    """By the bare JIDs of rooms. They are kept as `room/<JID>`."""

    def __init__(self, context: BridgeContext) -> None:
        self._context = context
        self._positions: dict[str, Position] = {}
        self._unsaved: set[str] = set()

    def get(self, room: str) -> Position | None:
        """Up to where a room is told; None for one that was never sat in."""
        return self._positions.get(room)

    def put(self, room: str, position: Position) -> None:
        """All up to here is stored."""
        self._positions[room] = position
        self._unsaved.add(room)

    async def read(self) -> None:
        """Read what was kept: another daemon may have been at work meanwhile.

        Raises:
            BusUnavailable: it cannot be read.
        """
        for key, text in (await self._context.recall_all(GROUP)).items():
            position, room = Position.read(text), key.partition("/")[2]
            own = self._positions.get(room)
            if position is not None and (own is None or own.at < position.at):
                self._positions[room] = position

    async def save_again_and_again(self) -> None:
        """Write down what is new, until cancelled."""
        while True:
            await asyncio.sleep(SAVE_EVERY)
            with contextlib.suppress(BusUnavailable):
                await self._save()

    async def save_at_once(self) -> None:
        """Write down what is new, if that can be done soon."""
        with contextlib.suppress(BusUnavailable, TimeoutError):
            async with asyncio.timeout(AT_THE_END):
                await self._save()

    async def _save(self) -> None:
        for room in list(self._unsaved):
            position = self._positions[room]
            await self._context.keep(f"{GROUP}/{room}", str(position))
            if self._positions[room] == position:
                self._unsaved.discard(room)
