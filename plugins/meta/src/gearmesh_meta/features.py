"""How far the three networks carry what their limits do not tell of, and where that is known from.

Where nothing is said of a feature, the fields of `Capabilities` speak for it. "No way" means that none is documented:
what a person can do in the network's own app is often closed to the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gearmesh import Feature, Support

_WA: Final = "WhatsApp Cloud API OpenAPI description v23.0"
_WA_DOCS: Final = "WhatsApp Cloud API docs, 2026"
_FB: Final = "Messenger Platform Send API docs, mid-2026"
_FB_ACTIONS: Final = "Messenger Platform docs, mid-2026: sender actions"
_IG: Final = "Instagram messaging docs, 2026"
_IG_CLIENTS: Final = "public client libraries (hiinsta); in no document of Meta's"

_ONE_FOR_ALL: Final = "one to a message for everybody who is shown through this account: the latest"

WHATSAPP_FEATURES: Final[Mapping[Feature, Support]] = {
    "formatting": Support("partial", "a link's address stands beside its words", "WhatsApp help centre, 2024"),
    "voice": Support("full", source=f"{_WA_DOCS}: audio with `voice`, mono Opus"),
    "gif": Support("partial", "as a short video", f"{_WA_DOCS}: image/gif is not among the images"),
    "view_once": Support("fallback", "as an ordinary file", f"{_WA}: no way to send one"),
    "location": Support("partial", "without the link that its own network gave", f"{_WA}: location messages"),
    "contacts": Support(
        "partial",
        "name, organisation, phone numbers and e-mail addresses; nothing else of a vCard",
        f"{_WA}: contacts messages",
    ),
    "poll": Support("fallback", source=f"{_WA}: no way to send one"),
    "vote": Support("fallback", source=f"{_WA}: polls come as messages of an unsupported type"),
    "product": Support(
        "fallback",
        "product messages show items of the account's own catalogue only",
        f"{_WA}: interactive messages of type product name a catalogue of the business",
    ),
    "buttons": Support("full", source="WhatsApp Cloud API docs, May 2026: interactive reply buttons"),
    "reply": Support("full", source=f"{_WA}: `context.message_id`"),
    "forward": Support("fallback", source=f"{_WA}: the mark comes with messages, and none can be sent with it"),
    "reaction": Support("partial", _ONE_FOR_ALL, f"{_WA_DOCS}: reaction messages; for 30 days"),
    "edit": Support("fallback", source=f"{_WA}: no way to change a message"),
    "redaction": Support("fallback", source=f"{_WA}: no way to take a message back"),
    "typing": Support(
        "partial",
        "marks what the person wrote as read, and stands for 25 seconds at most",
        f"{_WA_DOCS}: typing indicators",
    ),
    "delivered": Support("dropped", "WhatsApp shows it by itself", f"{_WA}: `read` is the only status to set"),
    "read": Support("full", source=f"{_WA}: status `read`, for a message and those before it"),
}
MESSENGER_FEATURES: Final[Mapping[Feature, Support]] = {
    "formatting": Support("fallback", source=f"{_FB}: text is plain"),
    "voice": Support("partial", "as a sound", f"{_FB}: attachments of type audio"),
    "sticker": Support("partial", "as a picture", f"{_FB}: only Facebook's own stickers can be sent, by their ids"),
    "view_once": Support("fallback", "as an ordinary file", f"{_FB}: no way to send one"),
    "location": Support("fallback", source=f"{_FB}: not among the attachments"),
    "contacts": Support("fallback", source=f"{_FB}: not among the attachments"),
    "poll": Support("fallback", source=f"{_FB}: no way to send one"),
    "vote": Support("fallback", source=f"{_FB}: no way to send one"),
    "product": Support(
        "fallback",
        "product templates show items of the Page's own catalogue only, and titles of other cards end at 80 characters",
        "Messenger Platform docs, mid-2026: product template, generic template",
    ),
    "buttons": Support("full", source="Messenger Platform docs, mid-2026: quick replies"),
    "reply": Support("full", source=f"{_FB}: `reply_to`"),
    "forward": Support("fallback", source=f"{_FB}: no mark for it"),
    "reaction": Support("partial", _ONE_FOR_ALL, f"{_FB_ACTIONS} react and unreact, any emoji"),
    "edit": Support("fallback", source=f"{_FB}: no way to change a message"),
    "redaction": Support("fallback", source=f"{_FB}: no way to take a message back"),
    "typing": Support("full", source=f"{_FB_ACTIONS} typing_on and typing_off"),
    "delivered": Support("dropped", "Messenger shows it by itself", f"{_FB_ACTIONS}: only mark_seen"),
    "read": Support("partial", "all of the thread at once", f"{_FB_ACTIONS}: mark_seen"),
}
INSTAGRAM_FEATURES: Final[Mapping[Feature, Support]] = {
    "formatting": Support("fallback", source=f"{_IG}: text is plain"),
    "voice": Support("partial", "as a sound", f"{_IG}: attachments of type audio"),
    "file": Support("partial", "PDF only; others as a link", f"{_IG}: attachments of type file"),
    "sticker": Support("partial", "as a picture", f"{_IG}: `like_heart` is the only sticker that can be sent"),
    "view_once": Support("fallback", "as an ordinary file", f"{_IG}: no way to send one"),
    "location": Support("fallback", source=f"{_IG}: not among the attachments"),
    "contacts": Support("fallback", source=f"{_IG}: not among the attachments"),
    "poll": Support("fallback", source=f"{_IG}: no way to send one"),
    "vote": Support("fallback", source=f"{_IG}: no way to send one"),
    "product": Support(
        "fallback",
        "product templates show items of the account's own catalogue only, and titles of other cards end at 80 "
        "characters",
        f"{_IG}: product template, generic template",
    ),
    "buttons": Support("partial", "in the phone apps only; a browser shows the text alone", f"{_IG}: quick replies"),
    "reply": Support("fallback", source=f"{_IG}: no way to quote a message"),
    "forward": Support("fallback", source=f"{_IG}: no mark for it"),
    "reaction": Support("partial", _ONE_FOR_ALL, f"{_IG}: sender actions react and unreact"),
    "edit": Support("fallback", source=f"{_IG}: no way to change a message"),
    "redaction": Support("fallback", source=f"{_IG}: no way to take a message back"),
    "typing": Support("partial", "not documented, so Instagram may refuse it", _IG_CLIENTS),
    "delivered": Support("dropped", "Instagram shows it by itself", f"{_IG}: no sender action for it"),
    "read": Support("partial", "all of the thread at once; not documented, so Instagram may refuse it", _IG_CLIENTS),
}
