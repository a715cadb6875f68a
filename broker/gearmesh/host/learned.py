"""Who waits for a native message to become known: a network may speak of one before it has answered us."""

from __future__ import annotations

import asyncio


class Learned:
    """Wakes those who wait for a native id. One per daemon."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], list[asyncio.Future[None]]] = {}

    def announce(self, app: str, native_id: str) -> None:
        """A native message is known from now on."""
        for known in self._waiting.pop((app, native_id), ()) if self._waiting else ():
            if not known.done():
                known.set_result(None)

    async def wait(self, app: str, native_id: str, within: float) -> bool:
        """Wait until a native message is announced, `within` seconds at most. False: it was not."""
        key = app, native_id
        known: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(known)
        try:
            async with asyncio.timeout(within):
                await known
        except TimeoutError:
            return False
        finally:
            rest = self._waiting.get(key, [])
            if known in rest:
                rest.remove(known)
                if not rest:
                    del self._waiting[key]
        return True
