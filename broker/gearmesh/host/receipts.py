"""Receipts: what a network reports of messages that we sent becomes news for the person who wrote them.

A person of the configuration may want less to be told than their network reports; the ledger has all of it.
"""

from __future__ import annotations

from typing import Final

import structlog

from gearmesh.bus.ledger_reader import LedgerReader
from gearmesh.core.ids import envelope_id
from gearmesh.host.app import App
from gearmesh.host.message_map import NativeRecord
from gearmesh.host.unread import Unread
from gearmesh.host.waiting import WaitingRoom
from gearmesh.model.address import Address
from gearmesh.model.content import Receipt, ReceiptState
from gearmesh.model.delivery import LedgerEntry, State
from gearmesh.model.envelope import Envelope, Header
from gearmesh.model.events import ReadUpTo, ReceiptReceived
from gearmesh.model.person import Disclosure
from gearmesh.wire.body import UNSEALED, close_body
from gearmesh.wire.codec import encode

log = structlog.get_logger("gearmesh.receipts")

EXPIRES_AFTER: Final = 24 * 3600 * 1000


class Receipts:
    """The receipts of one app."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._shared = app.shared
        self._ledger = LedgerReader(app.shared.journal.connection, app.shared.subjects)
        self.unread = Unread(app, self._ledger)
        """The messages of which a later watermark may speak."""
        self._waiting = WaitingRoom(app, self._tell)

    async def reported(self, event: ReceiptReceived) -> None:
        """A network names the messages. Receipts of those that are not known yet wait for them.

        Raises:
            BusUnavailable: nats does not answer.
        """
        for native_id in event.native_ids:
            known = None
            if native_id not in self._waiting:
                known = await self._shared.messages.native(self._app.name, native_id, event.thread)
            if known:
                await self._tell(event, native_id, known)
            else:
                self._waiting.enter(native_id, event)
            self.unread.reported(event.thread, native_id, event.state)

    async def read_up_to(self, event: ReadUpTo) -> None:
        """A network says "everything until then".

        Raises:
            BusUnavailable: nats does not answer.
        """
        reached = await self.unread.reached(event.thread, event.user, event.watermark, event.state)
        if reached:
            await self.reported(ReceiptReceived(event.thread, event.user, event.at, event.state, reached))

    def doubt(self) -> None:
        """Somebody else may have sent in the meantime: what is at hand is not all."""
        self.unread.forget()

    async def close(self) -> None:
        """Wait for no message any more."""
        await self._waiting.close()

    async def _tell(self, event: ReceiptReceived, native_id: str, record: NativeRecord) -> None:
        shared, app = self._shared, self._app.name
        writer, reader = Address.parse(record.sender), Address(app, event.user)
        if writer == reader or not (record.last or event.state == "failed"):
            return
        state: State = "read" if event.state == "played" else event.state
        disclosure = await shared.directory.disclosure(reader)
        before = await shared.ledger.state(record.envelope, app, str(reader), event.thread)
        entry = LedgerEntry(
            record.envelope,
            app,
            state,
            shared.clock.millis(),
            sender=record.sender,
            to=str(reader),
            reason="rejected" if state == "failed" else "",
            detail=event.detail,
            conversation=record.conversation,
            thread=event.thread,
        )
        if not await shared.ledger.step(entry) or writer.is_system:
            return
        if event.state == "failed":
            group = shared.groups.get(record.conversation)
            if group and str(writer) not in group.members:
                return  # they wrote in a room, and have no chat with us
            name = await shared.name_of(reader)
            args = {"name": name, "network": self._app.bridge.title, "detail": event.detail}
            await shared.notifier.tell(writer, "rejected", args, cause=record.envelope, now=entry.at)
            return
        told = _disclosed(event.state, disclosure, before)
        if told:
            await self._pass_on(told, event.user, event.at, native_id, record, writer)

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


def _disclosed(state: ReceiptState, disclosure: Disclosure, before: State) -> ReceiptState | None:
    """What whoever wrote is told of a report: what the reader lets them know, and that once."""
    if disclosure == "read":
        return state
    return None if disclosure == "none" or before == "delivered" else "delivered"
