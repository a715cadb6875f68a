"""What a WhatsApp send body says: its type checked, its limits kept, its content as a person would see it.

Limits: Meta's WhatsApp message docs, Jan 2026, and OpenAPI description v23.0.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from .call import GraphCall
from .errors import bad_parameter, invalid_value, missing_parameter, whatsapp_error

TEXT_LIMIT: Final = 4096
CAPTION_LIMIT: Final = 1024
OPAQUE_LIMIT: Final = 512
MEDIA_TYPES: Final = ("image", "video", "audio", "document", "sticker")
_TEMPLATE_NAME: Final = re.compile(r"[a-z0-9_]{1,512}")


@dataclass(frozen=True, slots=True)
class Content:
    """`text` is what the phone shows; media comes by `media_id` or `link`; a reaction is about `target`."""

    type: str
    text: str = ""
    media_id: str | None = None
    link: str | None = None
    filename: str | None = None
    target: str | None = None
    template: str | None = None


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
    try:
        latitude, longitude = float(body["latitude"]), float(body["longitude"])
    except KeyError as error:
        raise missing_parameter(f"location[{error.args[0]!r}]") from error
    except (TypeError, ValueError) as error:
        raise invalid_value("location needs latitude and longitude as numbers.") from error
    named = [str(body[key]) for key in ("name", "address") if body.get(key)]
    return Content("location", "\n".join([*named, f"{latitude}, {longitude}"]))


def _contacts(kind: str, contacts: list[Any]) -> Content:
    if not contacts:
        raise missing_parameter("contacts")
    lines = []
    for contact in contacts:
        name = contact.get("name") if isinstance(contact, dict) else None
        if not isinstance(name, dict) or not name.get("formatted_name"):
            raise missing_parameter("contacts['name']['formatted_name']")
        phones = [str(phone.get("phone", "")) for phone in contact.get("phones") or []]
        lines.append(" ".join([str(name["formatted_name"]), *phones]))
    return Content("contacts", "\n".join(lines))


def _reaction(kind: str, body: dict[str, Any]) -> Content:
    target = body.get("message_id")
    if not target:
        raise missing_parameter("reaction['message_id']")
    return Content("reaction", str(body.get("emoji") or ""), target=str(target))


def _interactive(kind: str, body: dict[str, Any]) -> Content:
    if not body.get("type") or not isinstance(body.get("action"), dict):
        raise missing_parameter("interactive['type'] and interactive['action']")
    parts = [part for part in (body.get("header"), body.get("body"), body.get("footer")) if isinstance(part, dict)]
    lines = [str(part["text"]) for part in parts if part.get("text")]
    if isinstance(body.get("body"), dict):
        limited(body["body"], "interactive['body']", "text", 1024)
    buttons = body["action"].get("buttons") or []
    if len(buttons) > 3:
        raise invalid_value("A message has at most 3 reply buttons.")
    owner = "interactive['action']['buttons']"
    lines.extend(f"[{limited(button.get('reply') or {}, owner, 'title', 20)}]" for button in buttons)
    sections = body["action"].get("sections") or []
    if len(sections) > 10:
        raise invalid_value("A list has at most 10 sections.")
    for section in sections:
        rows = section.get("rows") or []
        lines.extend("- " + limited(row, "interactive['action']['sections']", "title", 24) for row in rows)
    return Content("interactive", "\n".join(lines))


def _template(kind: str, body: dict[str, Any]) -> Content:
    name = body.get("name")
    language = body.get("language")
    if not name or not isinstance(language, dict) or not language.get("code"):
        raise missing_parameter("template['name'] and template['language']['code']")
    if not _TEMPLATE_NAME.fullmatch(str(name)):
        raise template_unknown(str(name), str(language["code"]))
    values = [
        str(parameter.get("text") or parameter.get("payload") or parameter.get("type"))
        for component in body.get("components") or []
        for parameter in component.get("parameters") or []
    ]
    return Content("template", " ".join([f"[{name}]", *values]), template=str(name))


def template_unknown(name: str, language: str) -> Exception:
    """The error for a template that is not approved."""
    return whatsapp_error(
        132001,
        "Template name does not exist in the translation",
        f"template name ({name}) has no {language}",
        404,
    )


def limited(body: dict[str, Any], owner: str, key: str, limit: int) -> str:
    """A text of `body` that is there and not longer than `limit` characters. Raises GraphError."""
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise missing_parameter(f"{owner}['{key}']")
    if len(value) > limit:
        raise bad_parameter(f"Param {owner}['{key}'] must be at most {limit} characters long.")
    return value


_READERS: Final[dict[str, Callable[[str, Any], Content]]] = {
    "text": _text,
    **dict.fromkeys(MEDIA_TYPES, _media),
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "interactive": _interactive,
    "template": _template,
}
