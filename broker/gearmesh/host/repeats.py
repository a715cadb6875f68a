"""What was taken in before: networks repeat their webhooks, after seconds or after days.

WhatsApp repeats for up to 7 days (its webhook documentation of 2026). Within the inbound log's duplicate window the log
itself recognises an envelope; after it, the message map does, for 30 days. What came a moment ago is at hand, and what
may have come to a predecessor a moment ago is read once.
"""

from __future__ import annotations

import asyncio
from typing import Final

from gearmesh.bus.ledger_reader import LedgerReader
from gearmesh.errors import BusUnavailable
from gearmesh.host.app import App
from gearmesh.host.lately import Lately, read_lately
from gearmesh.host.message_map import NativeRecord
from gearmesh.model.address import Address
from gearmesh.model.conversation import dm
from gearmesh.model.events import MessageReceived

REPEATED_AFTER: Final = 100_000
"""Milliseconds, less than the log's duplicate window: the log itself recognises a repeat within them."""

READ_WITHIN: Final = 0.5
"""Seconds that a message waits until what came lately is read. Then it asks for itself."""


class Repeats:
    """The memory of one app for what it has taken in. `patience` is how many seconds a write may take."""

    def __init__(self, app: App, patience: float) -> None:
        self._app = app
        self._patience = patience
        self._shared = app.shared
        self._ledger = LedgerReader(app.shared.journal.connection, app.shared.subjects)
        self._since = app.shared.clock.millis()
        self._reading: asyncio.Task[Lately | None] | None = None

    def doubt(self) -> None:
        """Somebody else may have taken messages in: for a while, look at what NATS has of them, too."""
        self._since = self._shared.clock.millis()
        self._forget()

    async def close(self) -> None:
        """Read nothing any more."""
        reading = self._forget()
        if reading is not None:
            await asyncio.gather(reading, return_exceptions=True)

    async def has(self, event: MessageReceived, envelope: str, sender: Address) -> bool:
        """Whether this message was taken in before, as this envelope (hex id).

        What came a moment ago is at hand; only for what is older the map is asked.

        Raises:
            BusUnavailable: nats does not answer.
        """
        messages, app = self._shared.messages, self._app.name
        if messages.recent(app, event.native_id):
            return True
        now = self._shared.clock.millis()
        if abs(now - event.at) < REPEATED_AFTER:
            if now - self._since > REPEATED_AFTER:
                self._forget()
                return False
            lately = await self._lately()
            if lately is not None:
                conversation = lately.envelopes.get(envelope, "")
                is_known = lately.has_native(event.native_id)
                if conversation and not is_known:
                    await self._note(event, envelope, sender, conversation)
                return is_known or bool(conversation)
        known, step = await asyncio.gather(messages.native(app, event.native_id), self._ledger.any_of(envelope))
        if known is None and step is not None and step.to:
            conversation = step.conversation or dm(sender, Address.parse(step.to)).id
            await self._note(event, envelope, sender, conversation)
        return known is not None or step is not None

    async def _note(self, event: MessageReceived, envelope: str, sender: Address, conversation: str) -> None:
        # Its envelope is in the log, but a crash came before the map was written. Where it goes must not be decided a
        # second time: by now it could be another conversation.
        record = NativeRecord(envelope, conversation, str(sender))
        await self._shared.messages.note(self._app.name, event.native_id, record, patience=self._patience)

    async def _lately(self) -> Lately | None:
        """What a predecessor may have taken in; None when that is too much to be read at once, or so quickly."""
        reading = self._reading
        if reading is None:
            reading = self._reading = asyncio.create_task(read_lately(self._app, self._since), name="lately")
        if not reading.done():
            await asyncio.wait([reading], timeout=READ_WITHIN)
        if not reading.done():
            return None
        if reading.cancelled():
            raise BusUnavailable("this host is ending, or begins anew")
        if reading.exception() is not None and self._reading is reading:
            self._reading = None
        return reading.result()

    def _forget(self) -> asyncio.Task[Lately | None] | None:
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()
        return reading

    async def has_letter(self, letter: str) -> bool:
        """Whether whoever sent something that nobody understands was told so before.

        Raises:
            BusUnavailable: nats does not answer.
        """
        return await self._shared.messages.native(self._app.name, _letter(letter)) is not None

    async def note_letter(self, letter: str, sender: Address) -> None:
        """They were told now.

        Raises:
            BusUnavailable: nats does not answer.
        """
        record = NativeRecord("", "", str(sender))
        await self._shared.messages.note(self._app.name, _letter(letter), record, patience=self._patience)


def _letter(letter: str) -> str:
    """Where a dead letter stands among the native ids: they are the networks', and none begins so."""
    return f"letter {letter}"
