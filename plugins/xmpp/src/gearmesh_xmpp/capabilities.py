"""What XMPP carries, with the specification that says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from gearmesh import Capabilities, Dialect, EditRule, Feature, FileRule, Limit, MediaKind, Support

STYLING_DIALECT: Final = Dialect(
    bold="*", italic="_", strike="~", code="`", block="```", quote="> ", bullet="- ", source="XEP-0393 version 1.1"
)
"""Lists have no mark there; a dash is what people write."""
_TEXT: Final = Limit(
    40_000,
    "bytes",
    "256 KiB are the largest stanza that Prosody 0.12 and ejabberd 23 take from a client; `&` takes five bytes",
)
_NO_WAY: Final = "XMPP clients, 2026: none shows it"
DIRECT_FEATURES: Final[Mapping[Feature, Support]] = {
    "formatting": Support("partial", "a link's address stands beside its words", "XEP-0393"),
    "view_once": Support("fallback", "as an ordinary file", _NO_WAY),
    "location": Support("fallback", source=_NO_WAY),
    "contacts": Support("fallback", source=_NO_WAY),
    "poll": Support("fallback", source=_NO_WAY),
    "vote": Support("fallback", source=_NO_WAY),
    "product": Support("fallback", source=_NO_WAY),
    "buttons": Support("fallback", source=_NO_WAY),
    "forward": Support("fallback", source="XEP-0297 is shown by no client as what was forwarded"),
    "reply": Support("full", source="XEP-0461"),
    "reaction": Support("full", source="XEP-0444"),
    "edit": Support("full", source="XEP-0308: some clients show only the last message's"),
    "redaction": Support("full", source="XEP-0424"),
    "typing": Support("full", source="XEP-0085"),
    "delivered": Support("full", source="XEP-0184"),
    "read": Support("full", source="XEP-0333"),
}
ROOM_FEATURES: Final[Mapping[Feature, Support]] = {
    **DIRECT_FEATURES,
    "typing": Support("dropped", "many write at once", "XEP-0085, section 5.5 leaves it out of rooms"),
    "delivered": Support("dropped", "rooms have no receipts", "XEP-0184, section 5.3"),
    "read": Support("dropped", "a marker in a room is about all who are elsewhere", "XEP-0333, section 5"),
}
_ANY: Final = FileRule((), 100 * 1024 * 1024, source="XEP-0363; servers have limits of their own, 10 to 100 MB")
FILES: Final[Mapping[MediaKind, FileRule]] = {
    "image": FileRule(
        ("image/jpeg", "image/png", "image/webp", "image/gif"),
        _ANY.size,
        source=f"{_ANY.source}; what Conversations and Dino show",
    ),
    "video": FileRule(("video/mp4",), _ANY.size, source=_ANY.source),
    "audio": FileRule(("audio/mp4", "audio/ogg", "audio/mpeg"), _ANY.size, source=_ANY.source),
    "file": _ANY,
}
DIRECT: Final = Capabilities(
    text=_TEXT,
    replies=True,
    receipts=frozenset({"delivered", "read"}),
    source="the XMPP specifications named beside each feature, July 2026",
    features=DIRECT_FEATURES,
    dialect=STYLING_DIALECT,
    edit=EditRule(source="XEP-0308 sets no limit"),
)
ROOM: Final = msgspec.structs.replace(DIRECT, receipts=frozenset(), features=ROOM_FEATURES)
_FILES_ARE: Final[Mapping[Feature, Support]] = {
    "image": Support("full", source="XEP-0363, XEP-0066, XEP-0385"),
    "video": Support("full", source="XEP-0363, XEP-0066, XEP-0385"),
    "audio": Support("full", source="XEP-0363, XEP-0066, XEP-0385"),
    "file": Support("full", source="XEP-0363, XEP-0066, XEP-0385"),
}


def with_files(can: Capabilities) -> Capabilities:
    """The same, where files can be uploaded."""
    return msgspec.structs.replace(can, media=frozenset(FILES), files=FILES, features={**can.features, **_FILES_ARE})
