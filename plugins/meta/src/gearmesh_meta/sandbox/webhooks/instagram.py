"""Webhooks of object `instagram`: messages with echoes among them, seen by message id, reactions, postbacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gearmesh_meta.sandbox.phone import Message, Phone
from gearmesh_meta.sandbox.settings import Network, Settings

from .event import Event
from .page import PageDialect


class InstagramDialect(PageDialect):
    """Tells what happens on Instagram phones. There is no delivery event on Instagram."""

    network: Network = "instagram"
    object = "instagram"
    edits = "message_edit"
    pictures = frozenset({"gif", "sticker"})

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.instagram_id)
        self._as_changes = settings.instagram_shape == "changes"

    def accepted(self, phone: Phone, message: Message) -> list[Event]:
        """The echo, which comes under the field `messages`. A reaction has none."""
        if message.type == "reaction":
            return []
        return [self.outgoing(phone, message.time, "messages", {"message": self.content(message) | {"is_echo": True}})]

    def read(self, phone: Phone, messages: Sequence[Message], now: int) -> list[Event]:
        """One seen event naming the newest message that was read; those before it are read too."""
        return [self.incoming(phone, now, "messaging_seen", {"read": {"mid": messages[-1].id}})]

    def payload(self, events: Sequence[Event], now: int) -> dict[str, Any]:
        """As Messenger's, or in the `changes` shape that some Instagram apps receive, by setting."""
        if not self._as_changes:
            return super().payload(events, now)
        entries = [
            {"id": self._account, "time": now, "changes": [{"field": event.field, "value": event.body}]}
            for event in events
        ]
        return {"object": self.object, "entry": entries}
