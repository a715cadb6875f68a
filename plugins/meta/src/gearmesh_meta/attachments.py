"""Attachments of Messenger and Instagram messages (Messenger Platform and Instagram webhook reference, mid-2026)."""

from __future__ import annotations

from typing import Any, Final

from gearmesh import Location, Media, MediaKind, MediaRef, Message, Text
from gearmesh_meta.appointments import appointment
from gearmesh_meta.fields import coordinates, mapping, mappings, text, web_address
from gearmesh_meta.products import elements

_FACEBOOK: Final = "https://www.facebook.com"

_FILES: Final[dict[str, MediaKind]] = {"image": "image", "video": "video", "audio": "voice", "file": "file"}
"""What is heard is said to be a voice: neither app tells, and both let people record, not choose, a sound."""
_LINKS: Final = frozenset(
    {"fallback", "share", "post", "ig_post", "reel", "ig_reel", "story", "ig_story", "story_mention"}
)
"""Something that is shown elsewhere: what can be carried of it is its address."""

_KINDS: Final = {
    "unsupported_type": "unsupported",
    "ephemeral": "view-once message",
    "template": "template",
    "story_mention": "story that is gone",
    "reel": "reel that is gone",
    "ig_reel": "reel that is gone",
    "post": "post that is gone",
    "ig_post": "post that is gone",
    "share": "post that is gone",
    "story": "story that is gone",
    "ig_story": "story that is gone",
    "fallback": "link that is gone",
}
"""Meta's names for attachments that people call something else, when nothing of them can be shown."""


def without_twins(attachments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Attachments without the images that double a sticker.

    Until the end of August 2026 Messenger sends each sticker twice, as `sticker` and as `image`; a sticker never comes
    together with pictures.
    """
    doubles = sum(attachment.get("type") == "sticker" for attachment in attachments)
    kept = []
    for attachment in attachments:
        if doubles and attachment.get("type") == "image":
            doubles -= 1
            continue
        kept.append(attachment)
    return kept


def content_of(attachment: dict[str, Any], app: str) -> Message | None:
    """What this attachment shows, or None when it is not understood."""
    kind, payload = text(attachment.get("type")), mapping(attachment.get("payload"))
    url, title = _address(attachment), text(payload.get("title")) or text(attachment.get("title"))
    match kind:
        case "like_heart":
            return Text("❤️")
        case "location":
            return _place(mapping(payload.get("coordinates")), title, url)
        case "appointment_booking":
            return appointment(payload)
        case "template":
            return elements(payload) or _cards(payload)
    if not url:
        return None
    if kind == "sticker" or (kind == "image" and "sticker_id" in payload):
        return Media("sticker", MediaRef(app, url))
    if kind in _FILES:
        media = "gif" if kind == "image" and _path(url).endswith(".gif") else _FILES[kind]
        return Media(media, MediaRef(app, url, name=title if kind == "file" else ""))
    if kind == "story_mention":
        return Text(f"📷 mention in a story: {url}")
    if kind in _LINKS:
        return Text(" ".join(part for part in ("🔗", title, url) if part))
    return None


def kind_of(attachment: dict[str, Any]) -> str:
    """What people would call an attachment that is not understood."""
    kind = text(attachment.get("type"))
    return _KINDS.get(kind, kind.replace("_", " "))[:80] or "attachment"


def repeats(attachment: dict[str, Any], said: str) -> bool:
    """Whether this is the preview of a link that the text already holds."""
    url = _address(attachment)
    return attachment.get("type") == "fallback" and bool(said) and bool(url) and url in said


def attachments_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The attachments of a message, also where one stands alone instead of in a list."""
    value = message.get("attachments") or message.get("attachment")
    found = mappings(value if isinstance(value, list) else [value])
    if "sticker_id" in message:
        # Before 2026 the sticker's id stood beside the image that shows it.
        found = [_as_sticker(attachment) for attachment in found]
    return without_twins(found)


def _as_sticker(attachment: dict[str, Any]) -> dict[str, Any]:
    return {**attachment, "type": "sticker"} if attachment.get("type") == "image" else attachment


def _place(at: dict[str, Any], title: str, url: str) -> Location | Text | None:
    """A place; where it has no coordinates, its name and address on the web."""
    found = coordinates(at.get("lat"), at.get("long"))
    if found is not None:
        return Location(*found, title, link=web_address(url))
    return Text(" ".join(part for part in ("📍", title, url) if part)) if url else None


def _cards(payload: dict[str, Any]) -> Text | None:
    """A template's text, cards and links in words: title, line below, address."""
    generic = mapping(payload.get("generic"))
    blocks = [[text(payload.get("text")), *_buttons(payload)]]
    for card in mappings(generic.get("elements") or payload.get("elements")):
        places = card.get("item_url"), card.get("url"), mapping(card.get("default_action")).get("url")
        url = next((url for url in map(text, places) if url), "")
        blocks.append([text(card.get("title")), text(card.get("subtitle")), url, *_buttons(card)])
    shown = "\n\n".join(filter(None, ("\n".join(filter(None, lines)) for lines in blocks)))
    return Text(shown) if shown else None


def _buttons(card: dict[str, Any]) -> list[str]:
    """Buttons that lead somewhere; others would answer whoever made them."""
    links = ((text(button.get("title")), text(button.get("url"))) for button in mappings(card.get("buttons")))
    return [f"🔗 {title} {url}".replace("  ", " ") for title, url in links if url]


def _address(attachment: dict[str, Any]) -> str:
    """Where the attachment is. Links of old stand beside a payload that says nothing; reels come without a host."""
    payload = mapping(attachment.get("payload"))
    found = payload.get("url"), payload.get("story_media_url"), attachment.get("url"), attachment.get("URL")
    url = next((url for url in map(text, found) if url), "")
    return f"{_FACEBOOK}{url}" if url.startswith("/reel/") else url


def _path(url: str) -> str:
    """The path of an address, without what it is signed with. Cut by hand: nothing here raises."""
    return url.partition("?")[0].partition("#")[0].lower()
