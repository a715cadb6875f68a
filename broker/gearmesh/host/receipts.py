"""Receipts: what a network reports of messages that we sent becomes news for the person who wrote them."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

import structlog

from gearmesh.core.ids import envelope_id
from gearmesh.errors import BusUnavailable
from gearmesh.host.app import App
from gearmesh.host.cache import Cache
from gearmesh.host.records import NativeRecord
from gearmesh.model.address import Address
from gearmesh.model.content import Receipt, ReceiptState
from gearmesh.model.delivery import LedgerEntry, State
from gearmesh.model.envelope import Envelope, Header
from gearmesh.model.events import ReadUpTo, ReceiptReceived
from gearmesh.wire.body import UNSEALED, close_body
from gearmesh.wire.codec import encode

log = structlog.get_logger("gearmesh.receipts")

LOOKS: Final = (0.05, 0.2, 0.5, 1.5)
"""Seconds between looks for a message whose receipt came first: a network may report before it has answered us."""
MOST_WAITING: Final = 2000
UNREAD_KEPT: Final = 256
"""Messages per thread that a watermark is matched against."""
THREADS_KEPT: Final = 10_000
EXPIRES_AFTER: Final = 24 * 3600 * 1000


class Receipts:
    """The receipts of one app."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._shared = app.shared
        self._unread: Cache[str, deque[tuple[int, str]]] = Cache(THREADS_KEPT)
        self._tasks: set[asyncio.Task[None]] = set()

    def sent(self, thread: str, native_id: str, at: int) -> None:
        """A message went out: a later watermark may speak of it.

        `at` (milliseconds) is when its sending began: the network's time of it is never before that.
        """
        unread = self._unread.get(thread)
        if unread is None:
            unread = deque(maxlen=UNREAD_KEPT)
            self._unread.put(thread, unread)
        unread.append((at, native_id))

    async def reported(self, event: ReceiptReceived) -> None:
        """A network names the messages. Those that are not known yet are looked for again, for a short while."""
        for native_id in event.native_ids:
            record = await self._shared.messages.native(self._app.name, native_id)
            if record:
                await self._tell(event, native_id, record)
            elif len(self._tasks) < MOST_WAITING:
                task = asyncio.create_task(self._look_again(event, native_id))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def read_up_to(self, event: ReadUpTo) -> None:
        """A network says "everything until then"."""
        unread = self._unread.get(event.thread) or deque[tuple[int, str]]()
        reached = tuple(native_id for at, native_id in unread if at <= event.watermark)
        if event.state == "read":
            while unread and unread[0][0] <= event.watermark:
                unread.popleft()
        if reached:
            await self.reported(ReceiptReceived(event.thread, event.user, event.at, event.state, reached))

    async def close(self) -> None:
        """Stop looking."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _look_again(self, event: ReceiptReceived, native_id: str) -> None:
        try:
            for pause in LOOKS:
                await self._shared.clock.sleep(pause)
                record = await self._shared.messages.native(self._app.name, native_id)
                if record:
                    await self._tell(event, native_id, record)
                    return
        except BusUnavailable as error:
            log.warning("a receipt is lost while nats is away", app=self._app.name, error=str(error))
            return
        log.debug("a receipt for a message that is not ours", app=self._app.name, native_id=native_id)

    async def _tell(self, event: ReceiptReceived, native_id: str, record: NativeRecord) -> None:
        shared, app = self._shared, self._app.name
        writer = Address.parse(record.sender)
        if writer == Address(app, event.user) or not (record.last or event.state == "failed"):
            return
        state: State = "read" if event.state == "played" else event.state
        now = shared.clock.millis()
        await shared.journal.record(
            LedgerEntry(
                record.envelope,
                app,
                state,
                now,
                sender=record.sender,
                to=str(Address(app, event.user)),
                reason="rejected" if state == "failed" else "",
                detail=event.detail,
            )
        )
        shared.metrics.messages.labels(app, "out", state).inc()
        if writer.is_system:
            return
        if state == "failed":
            name = await shared.name_of(Address(app, event.user))
            args = {"name": name, "network": self._app.bridge.title, "detail": event.detail}
            await shared.notifier.tell(writer, "rejected", args, cause=record.envelope, now=now)
            return
        await self._pass_on(event.state, event.user, event.at, native_id, record, writer)

    async def _pass_on(
        self, state: ReceiptState, user: str, at: int, native_id: str, record: NativeRecord, writer: Address
    ) -> None:
        shared, app = self._shared, self._app.name
        identity = envelope_id(shared.key, app, user, native_id, f"receipt {state}")
        header = Header(
            identity,
            "receipt",
            Address(app, user),
            (writer,),
            record.conversation,
            at,
            shared.clock.millis() + EXPIRES_AFTER,
            seal=UNSEALED,
        )
        data = encode(Envelope(header, close_body(Receipt(state, (record.envelope,)))))
        await shared.publisher.publish(
            shared.subjects.inbound(app, record.conversation), data, message_id=identity.hex(), patience=4.0
        )
