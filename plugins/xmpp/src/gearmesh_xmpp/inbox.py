"""What came in, until it is stored: a server gives a component each stanza once and does not ask what became of it.

It is handed over in the order in which it came. While nothing can be stored, all that comes waits here; when there is
no room left, the writer is answered with an error, as by a server whose component is away (RFC 6120, section 8.3.3.19).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

from gearmesh import BusUnavailable

MOST: Final = 10_000
PAUSES: Final = (0.05, 0.2, 1.0, 3.0)
"""Seconds between tries, the last again and again."""
Item = TypeVar("Item")


class Inbox(Generic[Item]):
    """A queue that is worked off by `handle`, which raises `BusUnavailable` as long as nothing can be stored."""

    def __init__(self, handle: Callable[[Item], Awaitable[None]], most: int = MOST) -> None:
        self._handle = handle
        self._most = most
        self._items: deque[Item] = deque()
        self._more = asyncio.Event()
        self._fewer = asyncio.Event()

    def put(self, item: Item) -> bool:
        """Add something; False: there is no room for it."""
        if len(self._items) >= self._most:
            return False
        self._items.append(item)
        self._more.set()
        return True

    async def ready(self) -> None:
        """Wait until it is less than half full: for what can wait elsewhere."""
        while len(self._items) >= max(1, self._most // 2):
            self._fewer.clear()
            await self._fewer.wait()

    async def drain(self, within: float) -> None:
        """Hand over what is there, for `within` seconds at most; the rest stays, in its order."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while self._items:
                    await self._first()

    def left(self) -> list[Item]:
        """Take out all that is not handed over."""
        items = list(self._items)
        self._items.clear()
        self._fewer.set()
        return items

    async def work(self) -> None:
        """Hand over one after the other, until cancelled. What is cancelled halfway stays first."""
        while True:
            while not self._items:
                self._more.clear()
                await self._more.wait()
            await self._first()

    async def _first(self) -> None:
        await self._hand_over(self._items[0])
        if self._items:
            self._items.popleft()
            self._fewer.set()

    async def _hand_over(self, item: Item) -> None:
        tries = 0
        while True:
            try:
                await self._handle(item)
                return
            except BusUnavailable:
                await asyncio.sleep(PAUSES[min(tries, len(PAUSES) - 1)])
                tries += 1
