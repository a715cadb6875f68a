"""The content of a WhatsApp message: shapes of the Cloud API's webhooks (OpenAPI description v23.0, docs of 2026)."""

from __future__ import annotations

import json
from typing import Any, Final

from gearmesh import Contacts, Location, Media, MediaKind, MediaRef, Message, Text
from gearmesh_meta.capabilities import WHATSAPP
from gearmesh_meta.cards import cards_in
from gearmesh_meta.fields import (
    coordinates,
    flag,
    hex_digest,
    identifier,
    integer,
    lenient_json,
    mapping,
    text,
    web_address,
)
from gearmesh_meta.products import whatsapp_order
from gearmesh_meta.words import spoken

# `voice` as a type of its own is the older API's, which companies ran themselves.
MEDIA: Final[dict[str, MediaKind]] = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "voice": "voice",
    "document": "file",
    "sticker": "sticker",
}
_BODIES: Final = (
    *MEDIA,
    "text",
    "button",
    "interactive",
    "location",
    "contacts",
    "reaction",
    "order",
    "edit",
    "revoke",
    "system",
)

_KINDS: Final = {
    "revoke": "unsend",
    "errors": "unsupported",
    "unknown": "unsupported",
    "gif": "GIF",
    "group_invite": "group invitation",
    "hsm": "template",
    "interactive": "interactive message",
    "keep_in_chat": "kept message",
    "link_preview": "link preview",
    "media_placeholder": "file that is not there yet",
    "pin": "pinned message",
    "poll_creation": "poll",
    "poll_update": "vote in a poll",
    "call_permission_reply": "call permission",
}
"""WhatsApp's names for what people call something else: types, and the sub-types of `unsupported` (docs of 2026)."""

_NOT_ANSWERS: Final = frozenset({"flow_token"})
"""What a form holds that nobody filled in."""


def content_of(kind: str, message: dict[str, Any], app: str) -> Message | None:
    """What this message of type `kind` says, or None when it says nothing that is understood here."""
    body = mapping(message.get(kind))
    match kind:
        case "text":
            return _text(body.get("body"))
        case "button":
            return _plain(text(body.get("text")) or text(body.get("payload")))
        case "interactive":
            return _plain(_chosen(body))
        case "location":
            return _place(body)
        case "contacts":
            cards = cards_in(message.get("contacts"))
            return Contacts(cards) if cards else None
        case "order":
            return whatsapp_order(body)
        case _:
            return media_of(kind, body, app) if kind in MEDIA else None


def media_of(kind: str, body: dict[str, Any], app: str) -> Media | None:
    """A file of type `kind`, or None where it has no id to fetch it by."""
    source = identifier(body.get("id"))
    if not source:
        return None
    mime = text(body.get("mime_type"))
    media: MediaKind = MEDIA[kind]
    if kind == "audio" and flag(body.get("voice")):
        media = "voice"
    elif kind in {"image", "video"} and mime.partition(";")[0].strip().lower() == "image/gif":
        media = "gif"
    ref = MediaRef(
        app=app,
        source=source,
        mime=mime,
        size=integer(body.get("file_size"), 10**12),
        sha256=hex_digest(body.get("sha256")),
        name=text(body.get("filename")),
    )
    caption, markup = spoken(text(body.get("caption")), WHATSAPP.dialect)
    return Media(media, ref, caption, markup=markup, view_once=flag(body.get("view_once")))


def type_of(message: dict[str, Any]) -> str:
    """The type that a message names, or else the one whose body it has; "" when there is neither."""
    return identifier(message.get("type")) or next((kind for kind in _BODIES if kind in message), "")


def kind_of(message: dict[str, Any]) -> str:
    """What people would call a message that is not understood: "poll", "GIF", "pinned message"..."""
    kind = type_of(message) or "message"
    if kind in {"unsupported", "unknown"}:
        # The body of `unknown` is said to be that of `unsupported`; under which key it comes is not.
        inner = mapping(message.get(kind)) or mapping(message.get("unsupported"))
        kind = identifier(inner.get("type")) or "unsupported"
    elif kind == "interactive":
        kind = identifier(mapping(message.get("interactive")).get("type")) or kind
    return _KINDS.get(kind, kind.replace("_", " "))[:80]


def _plain(said: str) -> Text | None:
    return Text(said) if said else None


def _text(value: object) -> Text | None:
    said, markup = spoken(text(value), WHATSAPP.dialect)
    return Text(said, markup=markup) if said else None


def _chosen(body: dict[str, Any]) -> str:
    """What was tapped, or filled in: the title of a button or list row, the answers in a form."""
    reply = mapping(body.get("button_reply")) or mapping(body.get("list_reply"))
    title = text(reply.get("title")) or identifier(reply.get("id"))
    return title or _filled_in(mapping(body.get("nfm_reply")))


def _filled_in(form: dict[str, Any]) -> str:
    """A form that was sent back, one answer in a line. Its fields have only the names that the form's author chose."""
    lines = [text(form.get("body"))]
    try:
        answers = mapping(lenient_json(text(form.get("response_json"))))
        lines += [f"{name}: {_answer(value)}" for name, value in answers.items() if name not in _NOT_ANSWERS]
    except (ValueError, RecursionError):
        # What a person filled in is not to be read; that they sent it back is.
        lines.append(text(form.get("response_json")))
    return "\n".join(line for line in lines if line)


def _answer(value: object) -> str:
    match value:
        case str():
            return value
        case list() if all(isinstance(choice, str) for choice in value):
            return ", ".join(value)
        case _:
            return json.dumps(value, ensure_ascii=False)


def _place(body: dict[str, Any]) -> Location | Text | None:
    """A place; where its coordinates are none, what it is called."""
    name, address, link = text(body.get("name")), text(body.get("address")), web_address(body.get("url"))
    found = coordinates(body.get("latitude"), body.get("longitude"))
    if found is not None:
        return Location(*found, name, address, link)
    return _plain("\n".join(part for part in (name, address, link) if part))
