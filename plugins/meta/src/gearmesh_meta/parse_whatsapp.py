"""WhatsApp webhooks put into our words.

Object `whatsapp_business_account` as in the Cloud API's webhook reference (v23.0 to v25.0). Ids and times are strings
there, times in seconds. Nothing here raises, whatever the JSON: what is not understood comes out as `Unparsed`.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from gearmesh import EchoReceived, Event, Profile, ReceiptReceived, Unparsed
from gearmesh_meta.aliases import Aliases
from gearmesh_meta.codes import error_detail, failure_for
from gearmesh_meta.fields import compact, identifier, mapping, mappings, milliseconds, phone_number, text
from gearmesh_meta.origin import Origin
from gearmesh_meta.piece import Body, Entry, Piece, Value
from gearmesh_meta.whatsapp_content import type_of
from gearmesh_meta.whatsapp_message import Author, message_events

OBJECT: Final = "whatsapp_business_account"

SILENT_FIELDS: Final = frozenset(
    {
        "account_alerts",
        "account_offboarded",
        "account_reconnected",
        "account_review_update",
        "account_settings_update",
        "account_update",
        "automatic_events",
        "business_capability_update",
        "business_status_update",
        "business_username_update",
        "flows",
        "history",
        "message_template_components_update",
        "message_template_quality_update",
        "message_template_status_update",
        "partner_solutions",
        "payment_configuration_update",
        "phone_number_name_update",
        "phone_number_quality_update",
        "security",
        "smb_app_state_sync",
        "template_category_update",
        "tracking_events",
        "user_preferences",
    }
)
"""News about the account, and copies of the past: nobody says anything to anybody with them."""

_REACHED: Final[dict[str, Literal["delivered", "read", "played"]]] = {
    "delivered": "delivered",
    "read": "read",
    "played": "played",
}


def parse(payload: object, origin: Origin, aliases: Aliases) -> list[Event]:
    """The events of one webhook, in order. `aliases` learns which ids are one person."""
    body = mapping(payload)
    entries = body.get("entry")
    if body.get("object") != OBJECT or not isinstance(entries, list):
        return [Unparsed(compact(payload), f"expected object {OBJECT} with a list of entries", kind="malformed")]
    events: list[Event] = []
    for entry in entries:
        changes = mapping(entry).get("changes")
        if not isinstance(changes, list):
            events.append(Piece(Body(OBJECT), "entry", entry).malformed("an entry with a list of changes"))
            continue
        frame = Entry(Body(OBJECT), identifier(mapping(entry).get("id")))
        for change in changes:
            events += _change(Piece(frame, "changes", change), frame, origin, aliases)
    return events


def _change(change: Piece, entry: Entry, origin: Origin, aliases: Aliases) -> list[Event]:
    value = mapping(change.item).get("value")
    field = identifier(mapping(change.item).get("field")) or _field_of(mapping(value))
    if field in SILENT_FIELDS:
        return []
    if not field or not isinstance(value, dict):
        return [change.malformed("a change with a field and a value")]
    if field == "user_id_update":
        return _renamed(value, aliases)
    if field not in {"messages", "smb_message_echoes"}:
        return [change.kept(f"webhook field {field[:80]} is not known here", kind=field[:80])]
    metadata = mapping(value.get("metadata"))
    account = identifier(metadata.get("phone_number_id"))
    if account != origin.account and not origin.any_account:
        return [origin.foreign(change, f"phone number id {account}" if account else "")]
    people, frame = mappings(value.get("contacts")), Value(entry, field, metadata)
    if field == "smb_message_echoes":
        if "message_echoes" not in value:
            return [change.malformed("message_echoes")]
        return [_echo(item, people, frame, origin, aliases) for item in _list(value, "message_echoes")]
    events: list[Event] = []
    for item in _list(value, "messages"):
        events += _message(item, people, frame, origin, aliases)
    for item in _list(value, "statuses"):
        events += _status(Piece(frame, "statuses", item), origin, aliases)
    for item in _list(value, "errors"):
        detail = f"account error {error_detail(mapping(item))}"
        events.append(Piece(frame, "errors", item).kept(detail, kind="error"))
    if not any(key in value for key in ("messages", "statuses", "errors")):
        return [change.malformed("messages, statuses or errors")]
    return events


def _field_of(value: dict[str, Any]) -> str:
    """The field of a change that names none, from what is in it."""
    if "message_echoes" in value:
        return "smb_message_echoes"
    return "messages" if "messages" in value or "statuses" in value else ""


def _user(phone: str, bsuid: str, aliases: Aliases) -> str:
    """Who is meant; an id of an unknown form names its user all the same, so that their words are not lost."""
    return aliases.user(phone, bsuid) or phone or bsuid


def _list(value: dict[str, Any], key: str) -> list[object]:
    """The list under `key`; a value that is no list counts as its one item, so that it is not lost."""
    items = value.get(key)
    if items is None:
        return []
    return items if isinstance(items, list) else [items]


def _message(item: object, people: list[dict[str, Any]], frame: Value, origin: Origin, aliases: Aliases) -> list[Event]:
    message = mapping(item)
    phone, bsuid = phone_number(message.get("from")), identifier(message.get("from_user_id"))
    contact = _contact(people, phone, bsuid)
    piece = Piece(msgspec.structs.replace(frame, contact=contact), "messages", item)
    if type_of(message) == "system":
        # Its ids are what somebody was called until now, so that they are not learned like others.
        return message_events(piece, Author("", None), origin, aliases)
    user = _user(phone or phone_number(contact.get("wa_id")), bsuid or identifier(contact.get("user_id")), aliases)
    return message_events(piece, Author(user, _profile(contact)), origin, aliases)


def _contact(people: list[dict[str, Any]], phone: str, bsuid: str) -> dict[str, Any]:
    """The contact that belongs to a message. Where one change holds several, it is found by either id."""
    for contact in people:
        if bsuid and identifier(contact.get("user_id")) == bsuid:
            return contact
        if phone and phone_number(contact.get("wa_id")) == phone:
            return contact
    # "ID and phone number may not always match": a contact that stands alone is meant.
    return people[0] if len(people) == 1 else {}


def _profile(contact: dict[str, Any]) -> Profile | None:
    profile = mapping(contact.get("profile"))
    name, username = text(profile.get("name")), text(profile.get("username")).removeprefix("@")
    return Profile(name=name, username=username) if name or username else None


def _status(piece: Piece, origin: Origin, aliases: Aliases) -> list[Event]:
    status = mapping(piece.item)
    native_id, state = identifier(status.get("id")), identifier(status.get("status"))
    # In a group `recipient_id` is the group, and whoever it is about is its participant.
    phone = phone_number(status.get("recipient_participant_id") or status.get("recipient_id"))
    bsuid = identifier(status.get("recipient_participant_user_id") or status.get("recipient_user_id"))
    user = _user(phone, bsuid, aliases)
    at = milliseconds(status.get("timestamp"), origin.received_at)
    if not native_id:
        return [piece.kept("a status without a message id", kind="status")]
    about = identifier(status.get("type")) or "message"
    if about not in {"message", "reaction"}:
        detail = f"status {state[:80]} of a {about[:80]} is not known here"
        return [piece.kept(detail, kind=about[:80], native_id=native_id)]
    ours = origin.delivery_id(status.get("biz_opaque_callback_data"))
    if state == "sent":
        # It says no more than the answer to our own call did, except where that answer was lost.
        return [EchoReceived(native_id, user, user, at, ours)] if ours else []
    if state == "failed":
        errors = mappings(status.get("errors"))
        detail = "; ".join(map(error_detail, errors)) or "WhatsApp named no reason"
        failure = failure_for(None, {"error": errors[0] if errors else {}})
        return [ReceiptReceived(user, user, at, "failed", (native_id,), detail, ours, failure)]
    reached = _REACHED.get(state)
    if reached is not None:
        return [ReceiptReceived(user, user, at, reached, (native_id,), delivery_id=ours)]
    return [piece.kept(f"status {state[:80]} is not known here", kind="status", native_id=native_id)]


def _echo(item: object, people: list[dict[str, Any]], frame: Value, origin: Origin, aliases: Aliases) -> Event:
    """What the business wrote in the phone app."""
    message = mapping(item)
    native_id = identifier(message.get("id"))
    phone, bsuid = phone_number(message.get("to")), identifier(message.get("to_user_id"))
    contact = _contact(people, phone, bsuid)
    user = _user(phone or phone_number(contact.get("wa_id")), bsuid or identifier(contact.get("user_id")), aliases)
    if not native_id or not user:
        piece = Piece(msgspec.structs.replace(frame, contact=contact), "message_echoes", item)
        return piece.kept("an echo without recipient or id", kind="echo", native_id=native_id)
    return EchoReceived(native_id, user, user, milliseconds(message.get("timestamp"), origin.received_at))


def _renamed(value: dict[str, Any], aliases: Aliases) -> list[Event]:
    for update in mappings(value.get("user_id_update")):
        ids = mapping(update.get("user_id"))
        previous, current = identifier(ids.get("previous")), identifier(ids.get("current"))
        # Somebody who was only ever known by their number is who they were, too.
        aliases.user(phone_number(update.get("wa_id")), previous)
        aliases.renamed(previous, current)
    return []
