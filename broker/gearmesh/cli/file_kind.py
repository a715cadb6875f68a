"""What a file is, by its first bytes: its name may say anything."""

from __future__ import annotations

from typing import Final

import puremagic

from gearmesh.model.content import MediaKind

BEGINNING: Final = 4096
"""Bytes that are enough to tell."""
UNKNOWN: Final = "application/octet-stream"
VOICE: Final = frozenset({"audio/ogg", "audio/opus", "application/ogg"})
"""In messengers, such a recording is a voice message."""


def kind_of(start: bytes) -> tuple[MediaKind, str]:
    """As what a file with this beginning would be sent, and its MIME type."""
    mime = _mime(start)
    if mime in VOICE:
        return "voice", "audio/ogg"
    if mime == "image/gif":
        return "gif", mime
    for kind in ("image", "video", "audio"):
        if mime.startswith(f"{kind}/"):
            return kind, mime
    return "file", mime


def _mime(start: bytes) -> str:
    if start[4:8] == b"ftyp":  # of these, only some brands tell what they are
        brand = start[8:12]
        if brand in {b"heic", b"heix", b"mif1", b"hevc"}:
            return "image/heic"
        return "audio/mp4" if brand[:3] == b"M4A" else "video/mp4"
    try:
        return puremagic.from_string(start, mime=True) or UNKNOWN
    except (puremagic.PureError, ValueError):
        return UNKNOWN
