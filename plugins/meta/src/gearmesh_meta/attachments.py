"""Attachments of Messenger and Instagram messages (Messenger Platform and Instagram webhook reference, mid-2026)."""

from __future__ import annotations

from typing import Any, Final

from gearmesh import Media, MediaKind, MediaRef, Message, Text
from gearmesh_meta.fields import coordinates_link, mapping, mappings, text

_FACEBOOK: Final = "https://www.facebook.com"

_FILES: Final[dict[str, MediaKind]] = {"image": "image", "video": "video", "audio": "audio", "file": "file"}
_LINKS: Final = frozenset(
    {"fallback", "share", "post", "ig_post", "reel", "ig_reel", "story", "ig_story", "story_mention"}
)
"""Something that is shown elsewhere: what can be carried of it is its address."""


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
    if kind == "like_heart":
        return Text("❤️")
    if kind == "location":
        place = mapping(payload.get("coordinates"))
        link = coordinates_link(place.get("lat"), place.get("long"))
        shown = link or url
        return Text(" ".join(part for part in ("📍", title, shown) if part)) if shown else None
    if not url:
        return None
    if kind == "sticker" or (kind == "image" and "sticker_id" in payload):
        return Media("sticker", MediaRef(app, url))
    if kind in _FILES:
        return Media(_FILES[kind], MediaRef(app, url, name=title if kind == "file" else ""))
    if kind in _LINKS:
        return Text(" ".join(part for part in ("🔗", title, url) if part))
    return None


def repeats(attachment: dict[str, Any], said: str) -> bool:
    """Whether this is the preview of a link that the text already holds."""
    url = _address(attachment)
    return attachment.get("type") == "fallback" and bool(said) and bool(url) and url in said


def _address(attachment: dict[str, Any]) -> str:
    """Where the attachment is. Links of old stand beside a payload that says nothing; reels come without a host."""
    payload = mapping(attachment.get("payload"))
    found = payload.get("url"), payload.get("story_media_url"), attachment.get("url"), attachment.get("URL")
    url = next((url for url in map(text, found) if url), "")
    return f"{_FACEBOOK}{url}" if url.startswith("/reel/") else url


def attachments_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The attachments of a message, also where one stands alone instead of in a list."""
    value = message.get("attachments") or message.get("attachment")
    return without_twins(mappings(value if isinstance(value, list) else [value]))
