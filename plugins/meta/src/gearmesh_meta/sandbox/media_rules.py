"""Which files each network takes: MIME types and sizes in bytes (WhatsApp media docs, Jan 2026; Messenger Platform
docs, mid-2026; Instagram messaging docs)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MB: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class Rule:
    """What is taken as one type of media; no `mimes` takes any."""

    limit: int
    mimes: tuple[str, ...] = ()

    def takes(self, mime: str) -> bool:
        """Whether a file of this MIME type, parameters aside, is taken. A `mimes` ending in `/` is a whole family."""
        plain = mime.partition(";")[0].strip().lower()
        return not self.mimes or any(
            plain == allowed or (allowed[-1] == "/" and plain.startswith(allowed)) for allowed in self.mimes
        )


WHATSAPP: Final = {
    "image": Rule(5 * MB, ("image/jpeg", "image/png")),
    "audio": Rule(16 * MB, ("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg")),
    "video": Rule(16 * MB, ("video/3gpp", "video/mp4")),
    "sticker": Rule(500 * 1024, ("image/webp",)),
    "document": Rule(100 * MB),
}
STILL_STICKER_LIMIT: Final = 100 * 1024

MESSENGER: Final = {
    "image": Rule(8 * MB, ("image/",)),
    "audio": Rule(25 * MB, ("audio/", "video/mp4", "application/ogg")),
    "video": Rule(25 * MB, ("video/",)),
    "file": Rule(25 * MB),
}

INSTAGRAM: Final = {
    "image": Rule(8 * MB, ("image/png", "image/jpeg", "image/gif")),
    "audio": Rule(
        25 * MB,
        ("audio/aac", "audio/mp4", "audio/x-m4a", "audio/m4a", "audio/wav", "audio/x-wav", "video/mp4"),
    ),
    "video": Rule(25 * MB, ("video/mp4", "video/ogg", "video/x-msvideo", "video/quicktime", "video/webm")),
    "file": Rule(25 * MB, ("application/pdf",)),
}


def whatsapp_kind(mime: str) -> str:
    """The type under which WhatsApp would send a file of this MIME type."""
    return next((kind for kind, rule in WHATSAPP.items() if rule.takes(mime)), "document")


def too_large(kind: str, rule: Rule, data: bytes) -> bool:
    """Whether a file exceeds its type's size; a sticker that does not move may be smaller still."""
    limit = STILL_STICKER_LIMIT if kind == "sticker" and b"ANIM" not in data[:64] else rule.limit
    return len(data) > limit
