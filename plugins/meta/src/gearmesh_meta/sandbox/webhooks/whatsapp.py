"""Webhooks of object `whatsapp_business_account`: messages and statuses, seconds as strings (Meta's WhatsApp webhook
reference and OpenAPI description v23.0)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from gearmesh_meta.sandbox.phone import Message, Phone
from gearmesh_meta.sandbox.settings import Settings

from .event import Event
from .whatsapp_content import content, enquiry, referral, unsupported


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
        return self._message(phone, event_id, now, {"type": "request_welcome"})

    def typed(self, phone: Phone, message: Message) -> Event:
        """A message under the key of its type; `context` names the message it answers, or what it is about."""
        body = content(message)
        if context := self._context(phone, message):
            body["context"] = context
        if message.advertisement is not None:
            body["referral"] = referral(message.advertisement, message.id.removeprefix("wamid."))
        return self._message(phone, message.id, message.time, body)

    def edited(self, phone: Phone, message: Message, event_id: str, now: int) -> Event | None:
        """A message of its own, with all of the new content; `unsupported` where the number is not used in the app."""
        if not self._settings.coexistence:
            return self._message(phone, event_id, now, unsupported("edit"))
        new = content(message)
        if message.reply_to is not None:
            new["context"] = {"id": message.reply_to}
        edit = {"original_message_id": message.id, "message": new}
        return self._message(phone, event_id, now, {"type": "edit", "edit": edit})

    def unsent(self, phone: Phone, message: Message, event_id: str, now: int) -> Event | None:
        """A message of its own; nothing where the number is not used in the app, as nothing is documented there."""
        if not self._settings.coexistence:
            return None
        return self._message(phone, event_id, now, {"type": "revoke", "revoke": {"original_message_id": message.id}})

    def played(self, phone: Phone, message: Message, now: int) -> Event | None:
        """The status `played`."""
        return self._status(phone, message, "played", now)

    def renumbered(self, phone: Phone, user: str, bsuid: str, event_ids: tuple[str, str], now: int) -> list[Event]:
        """Two system messages from the old number: of the new one, unless it is hidden, and of the new scoped id."""
        shown = f"User {phone.name} changed from"
        number = {"body": f"{shown} {phone.user} to {user}", "wa_id": user, "type": "user_changed_number"}
        scoped = {"body": f"{shown} {phone.bsuid} to {bsuid}", "user_id": bsuid, "type": "user_changed_user_id"}
        told = [scoped] if phone.hidden else [number, scoped]
        return [
            self._message(phone, event_id, now, {"type": "system", "system": system}, contacts=False)
            for event_id, system in zip(event_ids, told, strict=False)
        ]

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
        """One `read` status for each message."""
        return [self._status(phone, message, "read", now) for message in messages]

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

    def _message(
        self, phone: Phone, message_id: str, time: int, body: dict[str, Any], *, contacts: bool = True
    ) -> Event:
        head: dict[str, Any] = {} if phone.hidden else {"from": phone.user}
        head |= {"from_user_id": phone.bsuid, "id": message_id, "timestamp": str(time // 1000)}
        known = [_contact(phone, username=True)] if contacts else None
        return Event("whatsapp", phone.user, "messages", "messages", head | body, known)

    def _context(self, phone: Phone, message: Message) -> dict[str, Any]:
        if message.type == "reaction":
            return {}
        if message.forwarded:
            return {"forwarded": True}
        business = self._settings.display_phone_number
        if message.goods and message.type != "order":
            # The message of the catalogue, from whose page the person writes, has an id like every other.
            about = message.reply_to or f"{message.id}P"
            return {"from": business, "id": about, "referred_product": enquiry(message.goods[0])}
        if message.reply_to is None:
            return {}
        quoted = phone.messages.get(message.reply_to)
        if quoted is None or quoted.direction == "in":
            return {"from": business, "id": message.reply_to}
        return {"from": phone.bsuid if phone.hidden else phone.user, "id": message.reply_to}

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
