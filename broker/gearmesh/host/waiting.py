"""Receipts that came before their message: a network may report before it has answered us."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from gearmesh.errors import BusError
from gearmesh.host.app import App
from gearmesh.host.message_map import NativeRecord
from gearmesh.model.events import ReceiptReceived

log = structlog.get_logger("gearmesh.receipts")

WAITS_FOR: Final = 30.0
"""Seconds: as long as a bridge's session waits for an answer."""
MOST_WAITING: Final = 2_000

Tell = Callable[[ReceiptReceived, str, NativeRecord], Awaitable[None]]


class WaitingRoom:
    """The receipts of one app that wait for their message, those for one message in the order in which they came."""

    def __init__(self, app: App, tell: Tell) -> None:
        self._app = app
        self._tell = tell
        self._waiting: dict[str, list[ReceiptReceived]] = {}
        self._count = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return self._count

    def __contains__(self, native_id: str) -> bool:
        """Whether receipts for this message wait, or are just being told: a later one belongs behind them."""
        return native_id in self._waiting

    def enter(self, native_id: str, event: ReceiptReceived) -> None:
        """Wait until the message is known."""
        if self._count >= MOST_WAITING:
            log.warning("too many receipts wait for their messages; this one is dropped", app=self._app.name)
            return
        self._count += 1
        if native_id in self._waiting:
            self._waiting[native_id].append(event)
            return
        self._waiting[native_id] = [event]
        task = asyncio.create_task(self._wait(native_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Wait no more."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._waiting.clear()
        self._count = 0

    async def _wait(self, native_id: str) -> None:
        messages, app = self._app.shared.messages, self._app.name
        waiting = self._waiting[native_id]
        try:
            if messages.recent(app, native_id) is None:
                await messages.learned.wait(app, native_id, WAITS_FOR)
            # Also when nobody here has announced it: another process may have sent it.
            record = await messages.native(app, native_id, waiting[0].thread)
            if record is None:
                log.debug("a receipt for a message that is not ours", app=app, native_id=native_id)
                return
            while waiting:
                await self._tell(waiting[0], native_id, record)
                del waiting[0]
                self._count -= 1
        except BusError as error:
            log.warning("a receipt is lost while nats is away", app=app, error=str(error))
        finally:
            self._count -= len(waiting)
            del self._waiting[native_id]
