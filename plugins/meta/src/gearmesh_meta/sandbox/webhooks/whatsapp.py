"""Webhooks of object `whatsapp_business_account`: messages and statuses, seconds as strings (Meta's WhatsApp webhook
reference and OpenAPI description v23.0)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from gearmesh_meta.sandbox.media import Media
from gearmesh_meta.sandbox.phone import Message, Phone
from gearmesh_meta.sandbox.settings import Settings

from .event import Event

#: The webhook's name for what a phone calls by another name.
_TYPES = {"voice": "audio", "file": "document"}


class WhatsAppDialect:
    """Tells what happens on WhatsApp phones."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._metadata = {
            "display_phone_number": settings.display_phone_number,
            "phone_number_id": settings.phone_number_id,
        }

    def welcome(self, phone: Phone, event_id: str, now: int) -> Event:
        """A `request_welcome` message: the person opened the chat and has written nothing yet."""
        return self._message(phone, event_id, now, "request_welcome", {})

    def typed(self, phone: Phone, message: Message) -> Event:
        """A message under the key of its type; `context` names the message it answers."""
        kind = _TYPES.get(message.type, message.type)
        body: dict[str, Any] = {}
        if kind == "text":
            body["text"] = {"body": message.text}
        elif kind == "reaction":
            reaction: dict[str, Any] = {"message_id": message.reply_to}
            if message.text:
                reaction["emoji"] = message.text
            body["reaction"] = reaction
        elif message.media is not None:
            body[kind] = _media(message, message.media)
        if message.reply_to is not None and kind != "reaction":
            body["context"] = self._context(phone, message.reply_to)
        return self._message(phone, message.id, message.time, kind, body)

    def accepted(self, phone: Phone, message: Message) -> list[Event]:
        """`sent`, then `delivered`; a reaction is only ever `sent`."""
        events = [self._status(phone, message, "sent", message.time)]
        if message.type != "reaction":
            events.append(self._status(phone, message, "delivered", message.time))
        return events

    def refused(self, phone: Phone, message: Message, error: dict[str, Any]) -> list[Event]:
        """A `failed` status with the error; it carries no contacts."""
        event = self._status(phone, message, "failed", message.time)
        event.body["errors"] = [error]
        return [event]

    def read(self, phone: Phone, messages: Sequence[Message], now: int) -> list[Event]:
        """One `read` status for each message; reactions get none."""
        return [self._status(phone, message, "read", now) for message in messages if message.type != "reaction"]

    def payload(self, events: Sequence[Event], now: int) -> dict[str, Any]:
        """One change for each run of events that share kind and contacts."""
        changes = []
        for (kind, contacts), run in groupby(events, key=lambda event: (event.kind, event.contacts)):
            value: dict[str, Any] = {"messaging_product": "whatsapp", "metadata": self._metadata}
            if contacts is not None:
                value["contacts"] = contacts
            value[kind] = [event.body for event in run]
            changes.append({"value": value, "field": "messages"})
        return {
            "object": "whatsapp_business_account",
            "entry": [{"id": self._settings.waba_id, "changes": changes}],
        }

    def _message(self, phone: Phone, message_id: str, time: int, kind: str, body: dict[str, Any]) -> Event:
        head: dict[str, Any] = {} if phone.hidden else {"from": phone.user}
        head |= {"from_user_id": phone.bsuid, "id": message_id, "timestamp": str(time // 1000), "type": kind}
        contacts = [_contact(phone, username=True)]
        return Event("whatsapp", phone.user, "messages", "messages", head | body, contacts)

    def _context(self, phone: Phone, quoted_id: str) -> dict[str, Any]:
        quoted = phone.messages.get(quoted_id)
        if quoted is None or quoted.direction == "in":
            return {"from": self._settings.display_phone_number, "id": quoted_id}
        return {"from": phone.bsuid if phone.hidden else phone.user, "id": quoted_id}

    def _status(self, phone: Phone, message: Message, status: str, time: int) -> Event:
        body: dict[str, Any] = {"id": message.id, "status": status, "timestamp": str(time // 1000)}
        if not phone.hidden:
            body["recipient_id"] = phone.user
        if status != "failed" or message.by_bsuid:
            body["recipient_user_id"] = phone.bsuid
        if message.opaque is not None:
            body["biz_opaque_callback_data"] = message.opaque
        if status in ("sent", "delivered"):
            body["pricing"] = _pricing(message.category)
        # The user name is never told with `sent`.
        contacts: list[dict[str, Any]] | None = [_contact(phone, username=status != "sent")]
        if status == "failed" and not self._settings.failed_contacts:
            contacts = None
        return Event("whatsapp", phone.user, "messages", "statuses", body, contacts)


def _contact(phone: Phone, *, username: bool) -> dict[str, Any]:
    profile = {"name": phone.name}
    if username:
        profile["username"] = f"@{phone.handle}"
    contact: dict[str, Any] = {"profile": profile}
    if not phone.hidden:
        contact["wa_id"] = phone.user
    contact["user_id"] = phone.bsuid
    return contact


def _pricing(category: str) -> dict[str, Any]:
    free = category == "service"
    return {
        "billable": not free,
        "pricing_model": "PMP",
        "type": "free_customer_service" if free else "regular",
        "category": category,
    }


def _media(message: Message, media: Media) -> dict[str, Any]:
    body: dict[str, Any] = {"mime_type": media.mime, "sha256": media.sha256, "id": media.id}
    if message.media_url is not None:
        body["url"] = message.media_url
    if message.text:
        body["caption"] = message.text
    if message.type in ("audio", "voice"):
        body["voice"] = message.type == "voice"
    elif message.type == "file":
        body["filename"] = media.name or "file"
    elif message.type == "sticker":
        body["animated"] = False
    return body
