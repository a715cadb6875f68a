"""What the three networks take: files, marks for formatting, answers to tap; each number with its source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gearmesh import ButtonRule, Dialect, FileRule, Limit, MediaKind

MB: Final = 1_000_000
"""Meta writes "MB" and does not say whether it means 10^6 or 2^20 bytes: the smaller one is within both."""

_WA: Final = "WhatsApp Cloud API media documentation, January 2026"
_FB: Final = "Messenger Platform Send API documentation, mid-2026: images 8 MB, others 25 MB"
# Messenger's pages name no formats; those that it shares with Instagram's, and MP3, which every phone plays.
_FB_FORMATS: Final = f"{_FB}; formats as documented for Instagram messages"
_IG: Final = "Instagram messaging documentation, 2026: formats and sizes of media"

_MONO: Final = {"audio/ogg": 1}
_OPUS: Final = {"audio/ogg": ("opus",)}

WHATSAPP_FILES: Final[Mapping[MediaKind, FileRule]] = {
    "image": FileRule(("image/jpeg", "image/png"), 5 * MB, source=_WA),
    "video": FileRule(("video/mp4", "video/3gpp"), 16 * MB, source=f"{_WA}: H.264 with AAC"),
    "audio": FileRule(
        ("audio/mp4", "audio/aac", "audio/mpeg", "audio/amr", "audio/ogg"),
        16 * MB,
        codecs=_OPUS,
        channels=_MONO,
        source=f"{_WA}: OGG with Opus and one channel only",
    ),
    # What it would take as a sound is no voice message yet: that is mono Opus only.
    "voice": FileRule(
        ("audio/ogg",),
        16 * MB,
        codecs=_OPUS,
        channels=_MONO,
        source=f"{_WA}: mono Opus; above 512 KB without the play icon",
    ),
    "file": FileRule((), 100 * MB, source=f"{_WA}: documents"),
    "sticker": FileRule(
        ("image/webp",),
        500_000,
        square=512,
        still_size=100_000,
        source=f"{_WA}: 512 by 512 pixels, 100 KB, or 500 KB for one that moves",
    ),
    # A video in WhatsApp's format is all that moves there and is no sticker.
    "gif": FileRule(("video/mp4",), 16 * MB, source=f"{_WA}: image/gif is not among the images"),
}
MESSENGER_FILES: Final[Mapping[MediaKind, FileRule]] = {
    "image": FileRule(("image/jpeg", "image/png", "image/gif"), 8 * MB, source=_FB_FORMATS),
    "video": FileRule(("video/mp4", "video/quicktime", "video/webm"), 25 * MB, source=_FB_FORMATS),
    "audio": FileRule(("audio/mp4", "audio/aac", "audio/mpeg", "audio/wav"), 25 * MB, source=_FB_FORMATS),
    "voice": FileRule(("audio/mp4", "audio/aac", "audio/mpeg", "audio/wav"), 25 * MB, source=_FB_FORMATS),
    "file": FileRule((), 25 * MB, source=_FB),
    # Only Facebook's own stickers go by id; PNG keeps what is transparent.
    "sticker": FileRule(("image/png", "image/gif"), 8 * MB, source=_FB_FORMATS),
    "gif": FileRule(("image/gif",), 8 * MB, source=_FB_FORMATS),
}
INSTAGRAM_FILES: Final[Mapping[MediaKind, FileRule]] = {
    "image": FileRule(("image/jpeg", "image/png", "image/gif"), 8 * MB, source=_IG),
    "video": FileRule(
        ("video/mp4", "video/quicktime", "video/webm", "video/ogg", "video/x-msvideo"), 25 * MB, source=_IG
    ),
    "audio": FileRule(("audio/mp4", "audio/aac", "audio/x-m4a", "audio/m4a", "audio/wav"), 25 * MB, source=_IG),
    "voice": FileRule(("audio/mp4", "audio/aac", "audio/x-m4a", "audio/m4a", "audio/wav"), 25 * MB, source=_IG),
    "file": FileRule(("application/pdf",), 25 * MB, source=_IG),
    "sticker": FileRule(("image/png", "image/gif"), 8 * MB, source=_IG),
    "gif": FileRule(("image/gif",), 8 * MB, source=_IG),
}

WHATSAPP_DIALECT: Final = Dialect(
    bold="*",
    italic="_",
    strike="~",
    code="`",
    block="```",
    quote="> ",
    bullet="- ",
    source="WhatsApp help centre, text formatting, 2024: bold, italic, strikethrough, monospace, lists, quotes, code",
)

_WA_BUTTONS: Final = "WhatsApp Cloud API docs, May 2026: interactive reply buttons"
_FB_BUTTONS: Final = "Messenger Platform docs, mid-2026: quick replies"
_IG_BUTTONS: Final = "Instagram messaging docs, 2026: quick replies"

WHATSAPP_BUTTONS: Final = ButtonRule(
    3,
    title=Limit(20, "utf16", f"{_WA_BUTTONS}, at most 3, with labels of 20 characters"),
    text=Limit(1024, "utf16", f"{_WA_BUTTONS}, body text of 1024 characters"),
)
MESSENGER_BUTTONS: Final = ButtonRule(
    13,
    title=Limit(20, "utf16", f"{_FB_BUTTONS}, at most 13, with titles of 20 characters"),
    text=Limit(2000, "utf16", f"{_FB_BUTTONS} go with an ordinary text, of 2000 characters"),
)
INSTAGRAM_BUTTONS: Final = ButtonRule(
    13,
    title=Limit(20, "utf16", f"{_IG_BUTTONS}, at most 13, titles are cut after 20 characters"),
    text=Limit(1000, "bytes", f"{_IG_BUTTONS} go with an ordinary text, of 1000 bytes"),
)
