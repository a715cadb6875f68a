"""What the webhooks of the objects `page` and `instagram` have in common: one messaging object per entry, ids as
strings and times as integer milliseconds (Messenger Platform and Instagram messaging docs, mid-2026)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gearmesh_meta.sandbox.phone import Message, Phone
from gearmesh_meta.sandbox.settings import Network

from .event import Event
from .page_content import REACTIONS, attachments, referral


class PageDialect:
    """The shared part of Messenger and Instagram; `account` is the page's or the Instagram account's id."""

    network: Network
    object: str
    edits: str
    """Webhook field of edits."""
    pictures: frozenset[str]
    """What arrives as an image, although the person sent something else."""

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
        if message.tap is not None and message.tap.kind == "postback":
            postback = {"mid": message.id, "title": message.tap.title, "payload": message.tap.id}
            return self.incoming(phone, message.time, "messaging_postbacks", {"postback": postback})
        body = self.content(message)
        if message.tap is not None:
            # Meta says to which message a reply belongs only where the person has quoted it.
            body["quick_reply"] = {"payload": message.tap.id}
        elif message.story is not None and message.story.kind == "reply":
            body["reply_to"] = {"story": {"url": message.story.url, "id": message.story.id}}
        elif message.reply_to is not None:
            body["reply_to"] = self.reply(phone, message.reply_to)
        if message.advertisement is not None:
            body["referral"] = referral(message.advertisement)
        return self.incoming(phone, message.time, "messages", {"message": body})

    def edited(self, phone: Phone, message: Message, event_id: str, now: int) -> Event | None:
        """The new text, and how many edits there were."""
        edit = {"mid": message.id, "text": message.text, "num_edit": len(message.versions)}
        return self.incoming(phone, now, self.edits, {"message_edit": edit})

    def unsent(self, phone: Phone, message: Message, event_id: str, now: int) -> Event | None:
        """A message with its id and `is_deleted`, as Instagram's documentation and a fixture of RestFB for `page`."""
        return self.incoming(phone, now, "messages", {"message": {"mid": message.id, "is_deleted": True}})

    def played(self, phone: Phone, message: Message, now: int) -> Event | None:
        """Nobody is told here."""
        return None

    def renumbered(self, phone: Phone, user: str, bsuid: str, event_ids: tuple[str, str], now: int) -> list[Event]:
        """Nothing: people have no number here."""
        return []

    def refused(self, phone: Phone, message: Message, error: dict[str, Any]) -> list[Event]:
        """Nothing: these networks refuse in the answer to the send, never afterwards."""
        return []

    def payload(self, events: Sequence[Event], now: int) -> dict[str, Any]:
        """One entry for each event: an entry's `messaging` never holds more than one object."""
        entries = [{"id": self._account, "time": now, "messaging": [event.body]} for event in events]
        return {"object": self.object, "entry": entries}

    def content(self, message: Message) -> dict[str, Any]:
        """`mid` with text or attachments, or with the mark of what is not passed on."""
        body: dict[str, Any] = {"mid": message.id}
        if message.type == "unsupported" or message.view_once:
            return body | {"is_unsupported": True}
        if attached := attachments(message, self.pictures):
            body["attachments"] = attached
        if message.text and (not attached or message.type == "product"):
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
