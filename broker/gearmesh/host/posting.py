"""Puts what a person did into the inbound log: the one place where ingress stores an envelope."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from gearmesh.bus.batch import Message
from gearmesh.bus.publisher import Stored
from gearmesh.bus.succession import Succession, publish_in_order
from gearmesh.host.app import App
from gearmesh.model.address import Address
from gearmesh.model.content import Content
from gearmesh.model.conversation import Conversation
from gearmesh.model.delivery import LedgerEntry
from gearmesh.model.envelope import Envelope, Header
from gearmesh.wire.body import UNSEALED, close_body
from gearmesh.wire.codec import encode
from gearmesh.wire.times import TIMES, passed

PATIENCE: Final = 4.0
"""Seconds to wait for NATS before the network is told to try again: Messenger wants its answer within 5."""


def header_of(identity: bytes, sender: Address, conversation: Conversation, at: int, party: Address) -> Header:
    """The header of what `sender` did in a conversation, at the network's own time (milliseconds).

    By that time egress knows an old message that was routed again. `party` is the member as which they take part. It
    goes to who is a member now: however often it is routed, and whoever comes later, it goes to the same.
    """
    to = conversation.others(sender, party)
    return Header(identity, "event", sender, to, conversation.id, at, seal=UNSEALED)


class Posting:
    """The way into the inbound log for one app. `guard` raises when the app is not ours to write for any more."""

    def __init__(self, app: App, guard: Callable[[], None]) -> None:
        self._app = app
        self._shared = app.shared
        self.guard = guard

    def closed(self, header: Header, content: Content) -> bytes:
        """The bytes of an envelope.

        Raises:
            TooLarge: it is larger than an envelope may be.
        """
        return encode(Envelope(header, close_body(content)))

    def message(self, header: Header, data: bytes, received: int) -> Message:
        """An envelope as it goes into the log; `received` is when its webhook came, in microseconds since the epoch."""
        subject = self._shared.subjects.inbound(self._app.name, header.conversation)
        return Message(subject, data, {"Nats-Msg-Id": header.hex_id, TIMES: passed("", received)})

    async def store(self, header: Header, data: bytes, received: int) -> Stored:
        """Store an envelope; see `message`.

        Raises:
            BusUnavailable: it is not stored.
        """
        message = self.message(header, data, received)
        self.guard()
        return await self._shared.publisher.publish(
            message.subject, message.payload, headers=message.headers, patience=PATIENCE
        )

    async def store_all(self, messages: Sequence[Message]) -> Succession:
        """Store envelopes, each after those before it."""
        self.guard()
        return await publish_in_order(self._shared.publisher, messages, patience=PATIENCE)

    async def account(self, header: Header) -> None:
        """It was stored for the first time: the ledger has it from now on."""
        now = self._shared.clock.millis()
        entry = LedgerEntry(
            header.hex_id,
            self._app.name,
            "accepted",
            now,
            "event",
            str(header.sender),
            conversation=header.conversation,
        )
        await self._shared.ledger.begin(entry)
