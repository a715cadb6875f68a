"""Webhooks of object `page`: messages, echoes, deliveries, reads by watermark, reactions, postbacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gearmesh_meta.sandbox.phone import Message, Phone
from gearmesh_meta.sandbox.settings import Network, Settings

from .event import Event
from .page import PageDialect


class MessengerDialect(PageDialect):
    """Tells what happens on Messenger phones."""

    network: Network = "messenger"
    object = "page"
    edits = "message_edits"
    pictures = frozenset()

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.page_id)
        self._app_id = int(settings.app_id)

    def accepted(self, phone: Phone, message: Message) -> list[Event]:
        """The echo with the sending app and its metadata, then the delivery. A reaction has neither."""
        if message.type == "reaction":
            return []
        echo: dict[str, Any] = {"is_echo": True, "app_id": self._app_id}
        if message.metadata is not None:
            echo["metadata"] = message.metadata
        delivery = {"mids": [message.id], "watermark": message.time}
        return [
            self.outgoing(phone, message.time, "message_echoes", {"message": echo | self.content(message)}),
            self.incoming(phone, message.time, "message_deliveries", {"delivery": delivery}),
        ]

    def read(self, phone: Phone, messages: Sequence[Message], now: int) -> list[Event]:
        """One read event: everything sent at or before the watermark has been read; no message is named."""
        return [self.incoming(phone, now, "message_reads", {"read": {"watermark": now}})]

    def reply(self, phone: Phone, quoted_id: str) -> dict[str, Any]:
        """Says besides whether the person answers a message of their own."""
        quoted = phone.messages.get(quoted_id)
        return {"mid": quoted_id, "is_self_reply": quoted is not None and quoted.direction == "out"}
