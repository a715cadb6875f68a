"""What the bridge itself says to people who wait for it."""

from __future__ import annotations

import asyncio


class Replies:
    """By user: whoever waits for the next words to them."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[asyncio.Future[str]]] = {}

    async def next(self, user: str, within: float) -> str:
        """The next words to a user, or "" where none come within so many seconds."""
        waiting: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        all_of_them = self._waiting.setdefault(user, [])
        all_of_them.append(waiting)
        try:
            async with asyncio.timeout(within):
                return await waiting
        except TimeoutError:
            return ""
        finally:
            all_of_them.remove(waiting)
            if not all_of_them:
                self._waiting.pop(user, None)

    def said(self, user: str, text: str) -> None:
        """Something was said to a user: whoever waits longest has it."""
        for waiting in self._waiting.get(user, ()):
            if not waiting.done():
                waiting.set_result(text)
                return
