"""The content of a WhatsApp message: shapes of the Cloud API's webhooks (OpenAPI description v23.0, docs of 2026)."""

from __future__ import annotations

import re
from typing import Any, Final

from gearmesh import Media, MediaKind, MediaRef, Message, Text
from gearmesh_meta.fields import (
    coordinates_link,
    flag,
    hex_digest,
    identifier,
    mapping,
    mappings,
    number,
    text,
)

_MEDIA: Final[dict[str, MediaKind]] = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "document": "file",
    "sticker": "sticker",
}
_KINDS: Final = {"revoke": "unsend", "poll_creation": "poll", "poll_update": "poll"}
"""WhatsApp's names for what people call something else."""

_BODIES: Final = (*_MEDIA, "text", "button", "interactive", "location", "contacts")
_CARD_NAME: Final = re.compile(r"^FN[^:\n]{0,80}:([^\r\n]{1,200})", re.MULTILINE)


def content_of(kind: str, message: dict[str, Any], app: str) -> Message | None:
    """What this message of type `kind` says, or None when it says nothing that is understood here."""
    body = mapping(message.get(kind))
    if kind in _MEDIA:
        return _media(kind, body, app)
    words = ""
    match kind:
        case "text":
            words = text(body.get("body"))
        case "button":
            words = text(body.get("text"))
        case "interactive":
            words = _chosen(body)
        case "location":
            words = _place(body)
        case "contacts":
            words = _contacts(message.get("contacts"))
    return Text(words) if words else None


def type_of(message: dict[str, Any]) -> str:
    """The type that a message names, or else the one whose body it has; "" when there is neither."""
    return identifier(message.get("type")) or next((kind for kind in _BODIES if kind in message), "")


def kind_of(message: dict[str, Any]) -> str:
    """What people would call a message that is not understood: "poll", "edit", "unsend", "reaction"..."""
    kind = type_of(message) or "message"
    if mapping(message.get("interactive")).get("type") == "call_permission_reply":
        return "call permission"
    if kind in {"unsupported", "unknown"}:
        kind = identifier(mapping(message.get(kind)).get("type")) or "unsupported"
    return _KINDS.get(kind, kind)


def _media(kind: str, body: dict[str, Any], app: str) -> Media | None:
    source = identifier(body.get("id"))
    if not source:
        return None
    media: MediaKind = "voice" if kind == "audio" and flag(body.get("voice")) else _MEDIA[kind]
    ref = MediaRef(
        app=app,
        source=source,
        mime=text(body.get("mime_type")),
        size=max(int(number(body.get("file_size")) or 0), 0),
        sha256=hex_digest(body.get("sha256")),
        name=text(body.get("filename")),
    )
    return Media(media, ref, caption=text(body.get("caption")))


def _chosen(body: dict[str, Any]) -> str:
    """The title of the button or list row that was tapped."""
    reply = mapping(body.get("button_reply")) or mapping(body.get("list_reply"))
    return text(reply.get("title"))


def _place(body: dict[str, Any]) -> str:
    link = coordinates_link(body.get("latitude"), body.get("longitude"))
    label = ", ".join(part for part in (text(body.get("name")), text(body.get("address"))) if part)
    return " ".join(part for part in ("📍", label, link) if part) if link or label else ""


def _contacts(value: object) -> str:
    """One line for each person: "name: phone, phone"."""
    lines = []
    for contact in mappings(value):
        name = mapping(contact.get("name"))
        label = text(name.get("formatted_name")) or text(name.get("first_name"))
        label = label or text(mapping(contact.get("org")).get("company")) or _card_name(contact.get("vcard"))
        phones = [
            text(phone.get("phone")) or identifier(phone.get("wa_id")) for phone in mappings(contact.get("phones"))
        ]
        mails = [text(mail.get("email")) for mail in mappings(contact.get("emails"))]
        reached = ", ".join(way for way in (*phones, *mails) if way)
        line = ": ".join(part for part in (label, reached) if part)
        if line:
            lines.append(line)
    return "\n".join(lines)


def _card_name(card: object) -> str:
    """The name on a vCard: contacts that people share at a business's request may have it only there."""
    found = _CARD_NAME.search(text(card))
    return found[1].strip() if found else ""
