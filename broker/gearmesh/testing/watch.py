"""Waiting until something is true, woken by every change instead of looking again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Watch:
    """Call `changed` whenever something has changed; `until` then looks again."""

    def __init__(self) -> None:
        self._change = asyncio.Event()

    def changed(self) -> None:
        """Something is different now."""
        change, self._change = self._change, asyncio.Event()
        change.set()

    async def until(self, holds: Callable[[], bool], *, within: float | None, awaited: str) -> None:
        """Wait until `holds()`. `within` (seconds) only ends a wait that is in vain; None never does.

        Raises:
            TimeoutError: it never held; the message has `awaited`, which says what was waited for.
        """
        try:
            async with asyncio.timeout(within):
                while not holds():
                    await self._change.wait()
        except TimeoutError:
            raise TimeoutError(f"waited {within} s in vain for {awaited}") from None
