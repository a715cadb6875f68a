"""What a WhatsApp send body says: its type checked, its limits kept, its content as a person would see it.

Limits: Meta's WhatsApp message docs, Jan 2026, and OpenAPI description v23.0.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from gearmesh_meta.sandbox.things import Button, ContactCard, Goods, Place

from . import whatsapp_interactive
from .call import GraphCall
from .errors import bad_parameter, invalid_value, missing_parameter, whatsapp_error
from .parameters import degrees, limited

TEXT_LIMIT: Final = 4096
CAPTION_LIMIT: Final = 1024
OPAQUE_LIMIT: Final = 512
MEDIA_TYPES: Final = ("image", "video", "audio", "document", "sticker")
#: One of these stands beside a contact's formatted name.
_NAME_PARTS: Final = ("first_name", "last_name", "middle_name", "prefix", "suffix")
_TEMPLATE_NAME: Final = re.compile(r"[a-z0-9_]{1,512}")


@dataclass(frozen=True, slots=True)
class Content:
    """`text` is what the phone shows in words; media comes by `media_id` or `link`; a reaction is about `target`."""

    type: str
    text: str = ""
    media_id: str | None = None
    link: str | None = None
    filename: str | None = None
    target: str | None = None
    template: str | None = None
    place: Place | None = None
    contacts: tuple[ContactCard, ...] = ()
    buttons: tuple[Button, ...] = ()
    goods: tuple[Goods, ...] = ()


def read_content(call: GraphCall) -> Content:
    """The content of a send. Raises GraphError."""
    kind = call.text("type") or "text"
    reader = _READERS.get(kind)
    if reader is None:
        raise whatsapp_error(131051, "Unsupported message type", f"Type {kind} cannot be sent.")
    body = call.array(kind) if kind == "contacts" else call.object(kind)
    if body is None:
        raise missing_parameter(kind)
    try:
        return reader(kind, body)
    except (AttributeError, TypeError, ValueError) as error:
        # A list where an object belongs, or the like, somewhere deep in the body.
        raise invalid_value(f"{kind} does not have the form it should have.") from error


def _text(kind: str, body: dict[str, Any]) -> Content:
    return Content("text", limited(body, "text", "body", TEXT_LIMIT))


def _media(kind: str, body: dict[str, Any]) -> Content:
    media_id, link = body.get("id"), body.get("link")
    if not media_id and not link:
        raise missing_parameter(f"{kind}['id'] or {kind}['link']")
    caption = limited(body, kind, "caption", CAPTION_LIMIT) if body.get("caption") else ""
    if caption and kind in ("audio", "sticker"):
        raise bad_parameter(f"Unexpected key 'caption' on param '{kind}'.")
    shown = "voice" if kind == "audio" and body.get("voice") is True else kind
    return Content(
        shown,
        caption,
        media_id=str(media_id) if media_id else None,
        link=None if media_id else str(link),
        filename=body.get("filename"),
    )


def _location(kind: str, body: dict[str, Any]) -> Content:
    latitude, longitude = degrees(body, kind, "latitude", 90), degrees(body, kind, "longitude", 180)
    name, address = (str(body.get(key) or "") for key in ("name", "address"))
    return Content("location", place=Place(latitude, longitude, name, address))


def _contacts(kind: str, contacts: list[Any]) -> Content:
    if not contacts:
        raise missing_parameter("contacts")
    return Content("contacts", contacts=tuple(_card(contact) for contact in contacts))


def _card(contact: Any) -> ContactCard:
    name = contact.get("name") if isinstance(contact, dict) else None
    if not isinstance(name, dict) or not name.get("formatted_name"):
        raise missing_parameter("contacts['name']['formatted_name']")
    if not any(name.get(part) for part in _NAME_PARTS):
        raise missing_parameter(f"contacts['name'] with one of {', '.join(_NAME_PARTS)}")
    return ContactCard(
        str(name["formatted_name"]),
        phones=tuple(str(phone["phone"]) for phone in contact.get("phones") or [] if phone.get("phone")),
        emails=tuple(str(email["email"]) for email in contact.get("emails") or [] if email.get("email")),
        organisation=str((contact.get("org") or {}).get("company") or ""),
    )


def _reaction(kind: str, body: dict[str, Any]) -> Content:
    target, emoji = body.get("message_id"), body.get("emoji")
    if not target:
        raise missing_parameter("reaction['message_id']")
    if not isinstance(emoji, str):
        raise missing_parameter("reaction['emoji']")
    if any(character.isalpha() or character.isspace() for character in emoji):
        raise invalid_value("reaction['emoji'] must be an emoji, or empty to take the reaction away.")
    return Content("reaction", emoji, target=str(target))


def _interactive(kind: str, body: dict[str, Any]) -> Content:
    shape, action = body.get("type"), body.get("action")
    if not shape or not isinstance(action, dict):
        raise missing_parameter("interactive['type'] and interactive['action']")
    return Content(
        "interactive",
        whatsapp_interactive.words(body),
        buttons=whatsapp_interactive.buttons(str(shape), action),
        goods=whatsapp_interactive.goods(str(shape), action),
    )


def _template(kind: str, body: dict[str, Any]) -> Content:
    name = body.get("name")
    language = body.get("language")
    if not name or not isinstance(language, dict) or not language.get("code"):
        raise missing_parameter("template['name'] and template['language']['code']")
    if not _TEMPLATE_NAME.fullmatch(str(name)):
        raise template_unknown(str(name), str(language["code"]))
    values, buttons = [], []
    for component in body.get("components") or []:
        taps = component.get("type") == "button" and component.get("sub_type") == "quick_reply"
        for parameter in component.get("parameters") or []:
            value = str(parameter.get("text") or parameter.get("payload") or parameter.get("type"))
            # What stands on a button was approved with the template and is not known here: its payload must do.
            buttons.extend([Button("template", value, value)] if taps else [])
            values.extend([] if taps else [value])
    return Content("template", " ".join([f"[{name}]", *values]), template=str(name), buttons=tuple(buttons))


def template_unknown(name: str, language: str) -> Exception:
    """The error for a template that is not approved."""
    return whatsapp_error(
        132001,
        "Template name does not exist in the translation",
        f"template name ({name}) has no {language}",
        404,
    )


_READERS: Final[dict[str, Callable[[str, Any], Content]]] = {
    "text": _text,
    **dict.fromkeys(MEDIA_TYPES, _media),
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "interactive": _interactive,
    "template": _template,
}
