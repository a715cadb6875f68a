"""What a WhatsApp message has to tap: reply buttons, lists, links, items of a catalogue.

Limits: Meta's WhatsApp documentation of interactive messages, May 2026, and OpenAPI description v23.0.
"""

from __future__ import annotations

from typing import Any, Final

from gearmesh_meta.sandbox.things import Button, Goods

from .errors import invalid_value, missing_parameter
from .parameters import label

KINDS: Final = (
    "button",
    "list",
    "cta_url",
    "product",
    "product_list",
    "catalog_message",
    "flow",
    "location_request_message",
    "address_message",
    "call_permission_request",
    "voice_call",
    "contact_request",
)
BODY_LIMIT: Final = 1024
HEADER_LIMIT: Final = 60
BUTTONS: Final = 3
BUTTON_LIMIT: Final = 20
BUTTON_ID_LIMIT: Final = 256
SECTIONS: Final = 10
ROWS: Final = 10
_BUTTONS_PATH: Final = "interactive['action']['buttons']"
_ROWS_PATH: Final = "interactive['action']['sections']['rows']"


def words(body: dict[str, Any]) -> str:
    """Header, body and footer, one below the other. Raises GraphError."""
    if body["type"] not in KINDS:
        raise invalid_value(f"interactive['type'] must be one of {', '.join(KINDS)}.")
    lines = []
    for part, limit in (("header", HEADER_LIMIT), ("body", BODY_LIMIT), ("footer", HEADER_LIMIT)):
        shown = body.get(part)
        # A header can be a picture or a file instead.
        if isinstance(shown, dict) and (part != "header" or shown.get("type") == "text"):
            lines.append(label(shown, f"interactive['{part}']", "text", limit))
    if body["type"] in ("button", "list", "cta_url") and not isinstance(body.get("body"), dict):
        raise missing_parameter("interactive['body']['text']")
    return "\n".join(lines)


def buttons(kind: str, action: dict[str, Any]) -> tuple[Button, ...]:
    """What can be tapped: of a list its rows. Raises GraphError."""
    match kind:
        case "button":
            return _replies(action.get("buttons") or [])
        case "list":
            label(action, "interactive['action']", "button", BUTTON_LIMIT)
            return _rows(action.get("sections") or [])
        case "cta_url":
            link = action.get("parameters")
            if not isinstance(link, dict) or not link.get("url"):
                raise missing_parameter("interactive['action']['parameters']['url']")
            title = label(link, "interactive['action']['parameters']", "display_text", BUTTON_LIMIT)
            return (Button("url", title, url=str(link["url"])),)
        case _:
            return ()


def goods(kind: str, action: dict[str, Any]) -> tuple[Goods, ...]:
    """Items of the account's catalogue, which the sandbox knows by their ids only. Raises GraphError."""
    if kind not in ("product", "product_list"):
        return ()
    catalog = action.get("catalog_id")
    if not catalog:
        raise missing_parameter("interactive['action']['catalog_id']")
    sections = action.get("sections") or []
    items = [action] if kind == "product" else [item for section in sections for item in section["product_items"]]
    ids = [item.get("product_retailer_id") for item in items]
    if not ids or not all(ids):
        raise missing_parameter("interactive['action']['product_retailer_id']")
    return tuple(Goods(title=str(each), retailer_id=str(each), catalog_id=str(catalog)) for each in ids)


def _replies(items: list[Any]) -> tuple[Button, ...]:
    if not 1 <= len(items) <= BUTTONS:
        raise invalid_value(f"A message has between 1 and {BUTTONS} reply buttons.")
    found = []
    for item in items:
        if item.get("type") != "reply":
            raise invalid_value(f"{_BUTTONS_PATH}['type'] can only be reply.")
        reply = item.get("reply") or {}
        title = label(reply, _BUTTONS_PATH, "title", BUTTON_LIMIT)
        found.append(Button("reply", title, label(reply, _BUTTONS_PATH, "id", BUTTON_ID_LIMIT)))
    _check_unique(found)
    if len({button.title for button in found}) < len(found):
        raise invalid_value("Reply buttons must have different titles.")
    return tuple(found)


def _rows(sections: list[Any]) -> tuple[Button, ...]:
    if not 1 <= len(sections) <= SECTIONS:
        raise invalid_value(f"A list has between 1 and {SECTIONS} sections.")
    found = []
    for section in sections:
        if len(sections) > 1:
            label(section, "interactive['action']['sections']", "title", 24)
        for row in section.get("rows") or []:
            title, row_id = label(row, _ROWS_PATH, "title", 24), label(row, _ROWS_PATH, "id", 200)
            text = label(row, _ROWS_PATH, "description", 72) if row.get("description") else ""
            found.append(Button("list", title, row_id, text))
    if not 1 <= len(found) <= ROWS:
        raise invalid_value(f"A list has between 1 and {ROWS} rows.")
    _check_unique(found)
    return tuple(found)


def _check_unique(found: list[Button]) -> None:
    if len({button.id for button in found}) < len(found):
        raise invalid_value("What can be tapped must have different ids.")
