"""What the three networks carry, each number with its source."""

from __future__ import annotations

from typing import Final

import msgspec

from gearmesh import Capabilities, Limit, MediaKind, MediaRef, Rate, Window
from gearmesh_meta.features import INSTAGRAM_FEATURES, MESSENGER_FEATURES, WHATSAPP_FEATURES
from gearmesh_meta.formats import (
    INSTAGRAM_BUTTONS,
    INSTAGRAM_FILES,
    MB,
    MESSENGER_BUTTONS,
    MESSENGER_FILES,
    WHATSAPP_BUTTONS,
    WHATSAPP_DIALECT,
    WHATSAPP_FILES,
)

DAY: Final = 24 * 3600.0

# Meta writes "characters" and does not say whether it means code points or UTF-16 units. A text within that many UTF-16
# units is within the limit either way, and a refused message costs more than one that is cut a little earlier.
WHATSAPP: Final = Capabilities(
    text=Limit(4096, "utf16", "WhatsApp Cloud API docs, 2026: text body up to 4096 characters"),
    caption=Limit(1024, "utf16", "WhatsApp Cloud API docs, 2026: caption up to 1024 characters"),
    media=frozenset({"image", "video", "audio", "voice", "file", "sticker", "gif"}),
    replies=True,
    receipts=frozenset({"read"}),
    app_rate=Rate(1 / 80, source="WhatsApp Cloud API throughput docs, 2026: 80 messages a second for each number"),
    recipient_rate=Rate(
        6.0,
        burst=45,
        within=6.0,
        source="WhatsApp Cloud API docs on rate limits, 2026: one message in 6 s to a person, or 45 in 6 s on credit",
    ),
    window=Window(DAY, source="WhatsApp Cloud API docs, 2026: 24 hours after the person's last message"),
    source="WhatsApp Cloud API OpenAPI description v23.0 and docs, 2026",
    features=WHATSAPP_FEATURES,
    dialect=WHATSAPP_DIALECT,
    files=WHATSAPP_FILES,
    buttons=WHATSAPP_BUTTONS,
)
MESSENGER: Final = Capabilities(
    text=Limit(2000, "utf16", "Messenger Platform: 2000 characters in the reference, fewer than 2000 in the guide"),
    media=frozenset({"image", "video", "audio", "voice", "file", "sticker", "gif"}),
    replies=True,
    receipts=frozenset({"read"}),
    # Sounds and videos have a bound of their own, 10 a second; one that is too fast is told so and waits.
    app_rate=Rate(1 / 300, source="Messenger Platform rate limits, 2026: 300 calls a second for each Page"),
    window=Window(DAY, source="Messenger Platform docs, mid-2026: standard messaging window of 24 hours"),
    source="Messenger Platform Send API docs, mid-2026",
    features=MESSENGER_FEATURES,
    files=MESSENGER_FILES,
    buttons=MESSENGER_BUTTONS,
)
INSTAGRAM: Final = Capabilities(
    text=Limit(1000, "bytes", "Instagram messaging docs, 2026: UTF-8 text of at most 1000 bytes"),
    media=frozenset({"image", "video", "audio", "voice", "file", "sticker", "gif"}),
    # The Instagram Send API documents no way to quote a message.
    replies=False,
    receipts=frozenset({"read"}),
    app_rate=Rate(
        1 / 100,
        source="Graph API rate limits, Instagram Platform, 2026: 100 calls a second; "
        "the Messenger Platform's page on rate limits (March 2026) says 300, the lower one is kept to",
    ),
    window=Window(DAY, source="Instagram messaging docs, 2026: 24 hours after the person's last message"),
    source="Instagram messaging docs, 2026",
    features=INSTAGRAM_FEATURES,
    files=INSTAGRAM_FILES,
    buttons=INSTAGRAM_BUTTONS,
)


def answered_late(capabilities: Capabilities) -> Capabilities:
    """The same for an account that Meta lets answer for a week, with the tag HUMAN_AGENT."""
    source = "Messenger Platform and Instagram docs, 2026: tag HUMAN_AGENT, 7 days after the person's last message"
    window = Window(DAY, 7 * DAY, source)
    return msgspec.structs.replace(capabilities, window=window)


class Carriage(msgspec.Struct, frozen=True):
    """One way a file can go: the network's `type`, its MIME types (empty: any), its largest size in bytes."""

    type: str
    mimes: frozenset[str]
    size: int

    def carries(self, ref: MediaRef) -> bool:
        """Whether this file fits. What the network it came from did not tell is taken to fit."""
        mime = ref.mime.partition(";")[0].strip().lower()
        return ref.size <= self.size and (not mime or not self.mimes or mime in self.mimes)


# MIME types and sizes: WhatsApp Cloud API media documentation, 2026. Documents take any MIME type.
_WA_DOCUMENT: Final = Carriage("document", frozenset(), 100 * MB)
_WA_IMAGE: Final = Carriage("image", frozenset({"image/jpeg", "image/png"}), 5 * MB)
_WA_VIDEO: Final = Carriage("video", frozenset({"video/mp4", "video/3gpp"}), 16 * MB)
_WA_AUDIO: Final = Carriage(
    "audio", frozenset({"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"}), 16 * MB
)
_WA_STICKER: Final = Carriage("sticker", frozenset({"image/webp"}), 500_000)

# Messenger Platform docs, mid-2026: images 8 MB, everything else 25 MB.
_FB_FILE: Final = Carriage("file", frozenset(), 25 * MB)
_FB_IMAGE: Final = Carriage("image", frozenset(), 8 * MB)
_FB_VIDEO: Final = Carriage("video", frozenset(), 25 * MB)
_FB_AUDIO: Final = Carriage("audio", frozenset(), 25 * MB)

# Instagram messaging docs, 2026; MIME types for the file types named there.
_IG_FILE: Final = Carriage("file", frozenset({"application/pdf"}), 25 * MB)
_IG_IMAGE: Final = Carriage("image", frozenset({"image/png", "image/jpeg", "image/gif"}), 8 * MB)
_IG_VIDEO: Final = Carriage(
    "video",
    frozenset({"video/mp4", "video/ogg", "video/x-msvideo", "video/avi", "video/quicktime", "video/webm"}),
    25 * MB,
)
_IG_AUDIO: Final = Carriage(
    "audio", frozenset({"audio/aac", "audio/m4a", "audio/x-m4a", "audio/mp4", "audio/wav", "audio/x-wav"}), 25 * MB
)

Ways = dict[MediaKind, tuple[Carriage, ...]]
WHATSAPP_WAYS: Final[Ways] = {
    "image": (_WA_IMAGE, _WA_DOCUMENT),
    "video": (_WA_VIDEO, _WA_DOCUMENT),
    "audio": (_WA_AUDIO, _WA_DOCUMENT),
    "voice": (_WA_AUDIO, _WA_DOCUMENT),
    "sticker": (_WA_STICKER, _WA_IMAGE, _WA_DOCUMENT),
    "gif": (_WA_VIDEO, _WA_DOCUMENT),
    "file": (_WA_DOCUMENT,),
}
MESSENGER_WAYS: Final[Ways] = {
    "image": (_FB_IMAGE, _FB_FILE),
    "video": (_FB_VIDEO,),
    "audio": (_FB_AUDIO,),
    "voice": (_FB_AUDIO,),
    "sticker": (_FB_IMAGE,),
    "gif": (_FB_IMAGE, _FB_FILE),
    "file": (_FB_FILE,),
}
INSTAGRAM_WAYS: Final[Ways] = {
    "image": (_IG_IMAGE,),
    "video": (_IG_VIDEO,),
    "audio": (_IG_AUDIO,),
    "voice": (_IG_AUDIO,),
    "sticker": (_IG_IMAGE,),
    "gif": (_IG_IMAGE, _IG_VIDEO),
    "file": (_IG_FILE,),
}
"""For each kind the ways to send it, the best one first."""


def way_for(kind: MediaKind, ref: MediaRef, ways: Ways) -> Carriage | None:
    """The best way to send this file, or None where it can only go as a link."""
    return next((way for way in ways.get(kind, ()) if way.carries(ref)), None)
