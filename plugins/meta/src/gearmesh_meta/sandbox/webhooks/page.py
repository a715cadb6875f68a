"""What the webhooks of the objects `page` and `instagram` have in common: one messaging object per entry, ids as
strings and times as integer milliseconds (Messenger Platform and Instagram messaging docs, mid-2026)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from gearmesh_meta.sandbox.phone import Message, Phone
from gearmesh_meta.sandbox.settings import Network

from .event import Event

#: Meta's name for a reaction with this emoji; every other emoji is "other" on Messenger.
REACTIONS: Final = {
    "😆": "smile",
    "😠": "angry",
    "😢": "sad",
    "😮": "wow",
    "❤": "love",
    "❤️": "love",
    "👍": "like",
    "👎": "dislike",
}

_ATTACHMENTS: Final = {"voice": "audio", "document": "file"}


class PageDialect:
    """The shared part of Messenger and Instagram; `account` is the page's or the Instagram account's id."""

    network: Network
    object: str

    def __init__(self, account: str) -> None:
        self._account = account

    def welcome(self, phone: Phone, event_id: str, now: int) -> Event:
        """The Get-started button, reached by the person's own link: the referral carries their handle."""
        referral = {"ref": f"handle.{phone.handle}", "source": "SHORTLINK", "type": "OPEN_THREAD"}
        postback = {"mid": event_id, "title": "Get started", "payload": "GET_STARTED", "referral": referral}
        return self.incoming(phone, now, "messaging_postbacks", {"postback": postback})

    def typed(self, phone: Phone, message: Message) -> Event:
        """A message, or a reaction, which names the message it is about and has no id of its own."""
        if message.type == "reaction":
            reaction: dict[str, Any] = {
                "mid": message.reply_to,
                "action": "react" if message.text else "unreact",
            }
            if message.text:
                reaction |= {"reaction": REACTIONS.get(message.text, "other"), "emoji": message.text}
            return self.incoming(phone, message.time, "message_reactions", {"reaction": reaction})
        body = self.content(message)
        if message.reply_to is not None:
            body["reply_to"] = self.reply(phone, message.reply_to)
        return self.incoming(phone, message.time, "messages", {"message": body})

    def refused(self, phone: Phone, message: Message, error: dict[str, Any]) -> list[Event]:
        """Nothing: these networks refuse in the answer to the send, never afterwards."""
        return []

    def payload(self, events: Sequence[Event], now: int) -> dict[str, Any]:
        """One entry for each event: an entry's `messaging` never holds more than one object."""
        entries = [{"id": self._account, "time": now, "messaging": [event.body]} for event in events]
        return {"object": self.object, "entry": entries}

    def content(self, message: Message) -> dict[str, Any]:
        """`mid` with text or attachments."""
        body: dict[str, Any] = {"mid": message.id}
        if message.type != "text" and message.media_url is not None:
            kind = _ATTACHMENTS.get(message.type, message.type)
            body["attachments"] = [{"type": kind, "payload": {"url": message.media_url}}]
        else:
            body["text"] = message.text
        return body

    def reply(self, phone: Phone, quoted_id: str) -> dict[str, Any]:
        """What stands under `reply_to` in a message that quotes another."""
        return {"mid": quoted_id}

    def incoming(self, phone: Phone, time: int, field: str, content: dict[str, Any]) -> Event:
        """An event from the person to the account."""
        return self._event(phone, field, phone.user, self._account, time, content)

    def outgoing(self, phone: Phone, time: int, field: str, content: dict[str, Any]) -> Event:
        """An echo: from the account to the person."""
        return self._event(phone, field, self._account, phone.user, time, content)

    def _event(
        self, phone: Phone, field: str, sender: str, recipient: str, time: int, content: dict[str, Any]
    ) -> Event:
        body = {"sender": {"id": sender}, "recipient": {"id": recipient}, "timestamp": time, **content}
        return Event(self.network, phone.user, field, "messaging", body)
