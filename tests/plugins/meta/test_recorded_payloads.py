"""Sample webhooks of every shape that Meta is known to send, from files: each comes out as the right events.

The files are in `tests/data/payloads`; its README says where their shapes are from. They are of other accounts than the
one that reads them here, as with `any_account = true`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gearmesh import (
    Card,
    ChatOpened,
    Contacts,
    EchoReceived,
    EditReceived,
    Event,
    Listing,
    Location,
    Media,
    MediaKind,
    MediaRef,
    Message,
    MessageReceived,
    Product,
    Profile,
    ReactionReceived,
    ReadUpTo,
    ReceiptReceived,
    RedactionReceived,
    Text,
    Unparsed,
)
from gearmesh_meta.aliases import Aliases
from gearmesh_meta.meta_bridge import decode
from gearmesh_meta.origin import Origin
from gearmesh_meta.parse_messaging import parse as parse_messaging
from gearmesh_meta.parse_whatsapp import parse as parse_whatsapp

FOLDER: Final = Path(__file__).parents[2] / "data" / "payloads"
BODIES: Final = {path.stem: path.read_bytes() for path in sorted(FOLDER.glob("*.json"))}
ORIGIN: Final = Origin("app", "1", 999, any_account=True)
ADA, BSUID, BEN, CLEO = "15550100123", "US.90000000000000000042", "7100000000000042", "6100000000000042"
PAGE: Final = "640000000000042"
SENT, NOW = 1760000000000, 1760000000123
ADA_PROFILE: Final = Profile(name="Ada Example")
CDN: Final = "https://cdn.example"


def read(name: str, payload: object) -> list[Event]:
    if name.startswith("whatsapp"):
        return parse_whatsapp(payload, ORIGIN, Aliases())
    return parse_messaging(payload, "page" if name.startswith("messenger") else "instagram", ORIGIN)


def ada(
    words: str | Message, native_id: str = "wamid.IN", quoted: str = "", user: str = ADA, parts: int = 1
) -> MessageReceived:
    content = Text(words) if isinstance(words, str) else words
    return MessageReceived(native_id, user, user, SENT, content, quoted, ADA_PROFILE, parts)


def ben(words: str | Message, native_id: str = "mid.1", parts: int = 1) -> MessageReceived:
    content = Text(words) if isinstance(words, str) else words
    return MessageReceived(native_id, BEN, BEN, NOW, content, parts=parts)


def cleo(
    words: str | Message, native_id: str = "ig.1", quoted: str = "", at: int = NOW, parts: int = 1
) -> MessageReceived:
    content = Text(words) if isinstance(words, str) else words
    return MessageReceived(native_id, CLEO, CLEO, at, content, quoted, parts=parts)


def file(
    media: MediaKind,
    source: str,
    mime: str = "",
    caption: str = "",
    *,
    forwarded: bool = False,
    view_once: bool = False,
    **facts: Any,
) -> Media:
    ref = MediaRef("app", source, mime, **facts)
    return Media(media, ref, caption, forwarded=forwarded, view_once=view_once)


def ada_reacts(target: str, emoji: str) -> ReactionReceived:
    return ReactionReceived(ADA, ADA, SENT, target, emoji, not emoji, ADA_PROFILE)


def ben_reacts(emoji: str) -> ReactionReceived:
    return ReactionReceived(BEN, BEN, NOW, "m_1", emoji, not emoji)


def about(kind: Literal["listing", "order", "ad"], said: str = "", *listings: Listing) -> Product:
    return Product(listings, kind, said)


def reached(state: Any, native_id: str, detail: str = "", user: str = ADA) -> ReceiptReceived:
    return ReceiptReceived(user, user, SENT, state, (native_id,), detail)


def dead(kind: str, native_id: str = "", user: str = "") -> Unparsed:
    """A dead letter; its bytes and its words are looked at apart."""
    return Unparsed(b"", "", user, user, kind, native_id)


ADVERT: Final = about("ad", "", Listing("All lamps", link=f"{CDN}/ad.mp4", picture=f"{CDN}/ad.png"))

EXPECTED: Final[dict[str, list[Event]]] = {
    "whatsapp_text": [ada("good morning")],
    "whatsapp_text_of_short_number": [ada("short", user="4321")],
    "whatsapp_text_with_placeholders": [
        MessageReceived(
            "wamid.ID", "PHONE_NUMBER", "PHONE_NUMBER", 999, Text("MESSAGE_BODY"), profile=Profile(name="NAME")
        )
    ],
    "whatsapp_text_with_scoped_id_as_number": [
        MessageReceived(
            "wamid.IN", BSUID, BSUID, SENT, Text("no number"), profile=Profile(name="Ada Example", username="ada")
        )
    ],
    "whatsapp_text_with_written_number": [ada("spaced")],
    "whatsapp_text_without_field": [ada("bare")],
    "whatsapp_text_without_type": [ada("untyped")],
    "whatsapp_text_from_advert": [
        ada(
            about(
                "ad",
                "",
                Listing("Lamps", "All lamps", link="https://shop.example/ad", picture="https://shop.example/ad.png"),
            ),
            "wamid.IN#1",
        ),
        ada(Text("is it still there?", forwarded=True), parts=2),
    ],
    "whatsapp_media": [
        ada(file("image", "900000000000001", "image/jpeg"), "wamid.1"),
        ada(file("video", "900000000000002", "video/mp4", "the sea", sha256="ab" * 32, forwarded=True), "wamid.2"),
        ada(file("voice", "900000000000003", "audio/ogg; codecs=opus"), "wamid.3"),
        ada(file("audio", "900000000000004", "audio/mpeg"), "wamid.4"),
        ada(file("file", "900000000000005", "application/pdf", "as promised", name="plan.pdf"), "wamid.5"),
        ada(file("sticker", "900000000000006", "image/webp"), "wamid.6"),
    ],
    "whatsapp_locations": [
        ada(Location(12.5, -43.25), "wamid.1"),
        ada(Location(48.1, 11.5, "Old Library", "1 Book Lane", "https://places.example/1"), "wamid.2"),
    ],
    "whatsapp_contacts": [
        ada(
            Contacts(
                (
                    Card("Cleo Example", ("+1 555-010-0001", "+1 555-010-0002")),
                    Card("Lamps & Co", (), ("hello@shop.example",), "Lamps & Co"),
                    Card(
                        "Dan Example",
                        ("15550100003",),
                        vcard="BEGIN:VCARD\nVERSION:3.0\nFN:Dan Example\nTEL;TYPE=CELL:15550100003\nEND:VCARD",
                    ),
                )
            )
        )
    ],
    "whatsapp_answers": [
        ada("Yes please", "wamid.1", "wamid.OUT"),
        ada("Tuesday", "wamid.2", "wamid.OUT"),
        ada(about("listing", "", Listing("2", retailer_id="2", catalog="1")), "wamid.3#1"),
        ada("No more", "wamid.3", "wamid.OUT", parts=2),
        ada("in answer", "wamid.4", "wamid.OUT"),
    ],
    "whatsapp_chat_opened": [ChatOpened(ADA, ADA, SENT, ADA_PROFILE)],
    "whatsapp_other_kinds": [
        ada_reacts("wamid.OUT", "👍"),
        ada_reacts("wamid.OUT", ""),
        ada(about("order", "", Listing("LAMP", price="9 EUR", retailer_id="LAMP", catalog="1", quantity=1)), "wamid.3"),
        EditReceived(ADA, ADA, SENT, "wamid.1", Text("better"), "wamid.4", ADA_PROFILE),
        RedactionReceived(ADA, ADA, SENT, "wamid.1", ADA_PROFILE),
        dead("poll", "wamid.6", ADA),
        dead("unsupported", "wamid.7", ADA),
        dead("call permission", "wamid.8", ADA),
        dead("ephemeral", "wamid.9", ADA),
        dead("image", "wamid.10", ADA),
    ],
    "whatsapp_unsupported": [
        dead(kind, f"wamid.{number}", ADA)
        for number, kind in enumerate(
            (
                "button",
                "edit",
                "unsupported",
                "GIF",
                "group invitation",
                "template",
                "image",
                "interactive message",
                "kept message",
                "link preview",
                "list",
                "location",
                "file that is not there yet",
                "order",
                "pinned message",
                "poll",
                "vote in a poll",
                "product",
                "reaction",
                "unsupported",
                "pinned message",
            ),
            start=1,
        )
    ],
    "whatsapp_changes": [
        ada_reacts("wamid.OUT", "❤️"),
        ada_reacts("wamid.OUT", ""),
        EditReceived(
            ADA,
            ADA,
            SENT,
            "wamid.O",
            file("image", "900000000000001", "image/jpeg", "the sea"),
            "wamid.3",
            ADA_PROFILE,
        ),
        dead("edit", "wamid.4", ADA),
        dead("edit", "wamid.5", ADA),
        dead("unsend", "wamid.6", ADA),
        dead("reaction", "wamid.7", ADA),
    ],
    "whatsapp_products": [
        ada(about("listing", "", Listing("LAMP", retailer_id="LAMP", catalog="7")), "wamid.1#1"),
        ada("still there?", "wamid.1", "wamid.OUT", parts=2),
        ada(
            about("ad", "", Listing("New lamps", link="https://shop.example/p", picture="https://shop.example/t.png")),
            "wamid.2#1",
        ),
        ada("hello", "wamid.2", parts=2),
        ada(
            about(
                "order",
                "by Friday",
                Listing("LAMP", price="30 USD", retailer_id="LAMP", catalog="7", quantity=2),
                Listing("BULB", price="2.50 USD", retailer_id="BULB", catalog="7", quantity=4),
                Listing("?", catalog="7", quantity=1),
            ),
            "wamid.3",
        ),
        dead("order", "wamid.4", ADA),
    ],
    "whatsapp_forms_and_gifs": [
        ada("Sent\nname: Ada\ndays: Mon, Tue\npaid: true\npersons: 2", "wamid.1", "wamid.OUT"),
        ada("Sent\n{", "wamid.2"),
        ada(file("gif", "900000000000007", "image/gif"), "wamid.3"),
        ada(file("image", "900000000000008", "image/jpeg", view_once=True), "wamid.4"),
        ada(Text("again", forwarded=True), "wamid.5"),
        ada("too big", "wamid.6"),
        dead("document", "wamid.6", ADA),
    ],
    "whatsapp_echoes_of_changes": [
        EchoReceived("wamid.E1", ADA, ADA, SENT),
        EchoReceived("wamid.E2", ADA, ADA, SENT),
        dead("echo", "wamid.E3"),
    ],
    "whatsapp_new_numbers": [
        MessageReceived("wamid.1", ADA, ADA, SENT, Text("from my new number")),
        MessageReceived("wamid.2", BSUID, BSUID, SENT, Text("under my new id")),
        dead("system", "wamid.S3"),
        dead("system", "wamid.S4"),
    ],
    "whatsapp_status_of_reaction": [reached("read", "wamid.1")],
    "whatsapp_interactive_without_body": [dead("interactive message", "wamid.IN", ADA), dead("error")],
    "whatsapp_system": [],
    "whatsapp_group": [dead("group", "wamid.IN")],
    "whatsapp_statuses": [
        reached("delivered", "wamid.1"),
        reached("read", "wamid.1"),
        reached("played", "wamid.2"),
        reached("failed", "wamid.3", "131047 Re-engagement message"),
        dead("status", "wamid.4"),
    ],
    "whatsapp_status_of_payment": [dead("payment", "wamid.1")],
    "whatsapp_status_of_group": [reached("read", "wamid.1")],
    "whatsapp_echo": [EchoReceived("wamid.E1", ADA, ADA, SENT)],
    "whatsapp_call": [dead("calls")],
    "messenger_text_with_numbers_as_ids": [ben("good morning")],
    "messenger_link_beside_its_payload": [
        ben("🔗 Old Library https://library.example/"),
        ben("🔗 Old Library https://library.example/2", "mid.2"),
        ben("see https://library.example/3", "mid.3"),
    ],
    "messenger_media": [
        ben(file("image", f"{CDN}/image"), parts=4),
        ben(file("video", f"{CDN}/video"), "mid.1#1"),
        ben(file("voice", f"{CDN}/audio"), "mid.1#2"),
        ben(file("file", f"{CDN}/file"), "mid.1#3"),
        ben(file("sticker", f"{CDN}/thumb.png"), "mid.2"),
    ],
    "messenger_places": [
        ben(Location(0.0, 0.0)),
        ben("📍 Ben's Location https://maps.example/ben", "mid.2"),
    ],
    "messenger_reel_of_facebook": [ben("🔗 https://www.facebook.com/reel/123450000/")],
    "messenger_product": [
        ben("how much?", parts=2),
        ben(about("listing", "", Listing("Lamp", catalog="1")), "mid.1#1"),
    ],
    "messenger_postbacks": [
        ben("SHOW_LAMPS", f"postback:{BEN}:{NOW}"),
        ChatOpened(BEN, BEN, NOW),
        ChatOpened(BEN, BEN, NOW),
        ben("Help", "mid.4"),
    ],
    "messenger_postback_of_a_guest": [dead("postback")],
    "messenger_receipts_without_time": [
        ReceiptReceived(BEN, BEN, 999, "delivered", ("m_1",)),
        ReadUpTo(BEN, BEN, 999, 1760000000100),
    ],
    "messenger_echo": [EchoReceived("mid.E", BEN, BEN, NOW, "", "out")],
    "messenger_addressed_to_its_sender": [
        MessageReceived("mid.1", PAGE, PAGE, NOW, Text("hello")),
        ReadUpTo(PAGE, PAGE, NOW, 1760000000100),
    ],
    "messenger_other_kinds": [
        dead("payment", "", BEN),
        dead("payment", "", BEN),
        dead("unsupported", "mid.3", BEN),
        ben_reacts("😀"),
        EditReceived(BEN, BEN, NOW, "m_1", Text("better"), "1"),
        dead("message", "", BEN),
    ],
    "messenger_changes": [
        EditReceived(BEN, BEN, NOW, "m_1", Text("best"), "2"),
        dead("edit", "m_1", BEN),
        ben_reacts("🎩"),
        ben_reacts("❤️"),
        ben_reacts("❔"),
        ben_reacts(""),
        dead("reaction", "m_1", BEN),
        RedactionReceived(BEN, BEN, NOW, "mid.8"),
    ],
    "messenger_adverts": [
        ben(ADVERT, "mid.1#1"),
        ben("how much?", "mid.1", 2),
        ben(about("listing", "", Listing("LAMP", catalog="LAMP")), "mid.2#1"),
        ben("and this?", "mid.2", 2),
        ChatOpened(BEN, BEN, NOW, None, "cleo"),
        ben(about("ad", "", Listing("All lamps")), f"referral:{BEN}:{NOW}"),
        ChatOpened(BEN, BEN, NOW),
        ben(ADVERT, "mid.4"),
        ben(
            about("order", "by Friday", Listing("Lamp", price="29.50 USD", catalog="1", quantity=2)),
            f"order:{BEN}:{NOW}",
        ),
        ChatOpened(BEN, BEN, NOW, None, "cleo"),
    ],
    "messenger_attachments": [
        ben(file("sticker", f"{CDN}/s.png")),
        ben(file("sticker", f"{CDN}/s.png"), "mid.2"),
        ben(file("gif", f"{CDN}/a.GIF?sig=1"), "mid.3"),
        ben("📅 Appointment confirmed: 2025-02-15 01:40 to 02:40 (America/Los_Angeles)", "mid.4"),
        ben(
            about("listing", "", Listing("Lamp", "29 USD", "", "", f"{CDN}/l.png", retailer_id="LAMP", catalog="1")),
            "mid.5",
        ),
        ben("Lamps\nAll of them\nhttps://shop.example/", "mid.6"),
        ben(f"🔗 Sea {CDN}/r", "mid.7"),
        ben(f"🔗 {CDN}/p", "mid.8"),
        dead("post that is gone", "mid.9", BEN),
        ben("RED", "mid.10"),
    ],
    "messenger_thread_news": [dead("conversations")],
    "instagram_text_with_calendar_time": [cleo("good morning", at=SENT)],
    "instagram_stories": [
        cleo(f"lovely\n📷 answer to a story: {CDN}/story"),
        cleo(f"📷 answer to a story: {CDN}/story", "ig.2", parts=2),
        cleo(file("image", f"{CDN}/i"), "ig.2#1"),
        cleo(f"📷 mention in a story: {CDN}/mention", "ig.3"),
        cleo("which one?", "ig.4", parts=2),
        cleo(f"🔗 {CDN}/s", "ig.4#1"),
        cleo(f"🔗 {CDN}/post", "ig.5"),
        cleo(f"🔗 Lamps {CDN}/post", "ig.6"),
    ],
    "instagram_other_kinds": [
        dead("unsupported", "ig.1", CLEO),
        dead("view-once message", "ig.2", CLEO),
        RedactionReceived(CLEO, CLEO, NOW, "ig.3"),
        ReactionReceived(CLEO, CLEO, NOW, "ig.0", "❤"),
    ],
    "instagram_changes": [
        EditReceived(CLEO, CLEO, NOW, "ig.1", Text("better"), "1"),
        ReactionReceived(CLEO, CLEO, NOW, "ig.1", "❤"),
        ReactionReceived(CLEO, CLEO, NOW, "ig.1", "", removed=True),
        cleo("❤️", "ig.2"),
        cleo("lovely", "ig.3", "ig.1"),
    ],
    "instagram_seen": [ReceiptReceived(CLEO, CLEO, NOW, "read", ("m_9",))],
    "instagram_sample_of_the_dashboard": [cleo("random_text", at=SENT), dead("message"), dead("comments")],
}


def without_bytes(event: Event) -> Event:
    return msgspec.structs.replace(event, raw=b"", detail="") if isinstance(event, Unparsed) else event


def without_failure(event: Event) -> Event:
    """Exceptions are equal to nothing but themselves, and not to be encoded."""
    return msgspec.structs.replace(event, failure=None) if isinstance(event, ReceiptReceived) else event


@pytest.mark.parametrize("name", BODIES)
def test_given_a_sample_webhook_then_the_right_events_come(name: str) -> None:
    events = read(name, decode(BODIES[name]))

    assert [without_failure(without_bytes(event)) for event in events] == EXPECTED[name]


def test_given_what_nobody_understands_then_its_bytes_and_a_reason_are_kept() -> None:
    letters = [
        event for name, body in BODIES.items() for event in read(name, decode(body)) if isinstance(event, Unparsed)
    ]

    assert letters
    for letter in letters:
        assert json.loads(letter.raw)
        assert letter.detail


def test_every_expectation_has_its_file() -> None:
    assert set(EXPECTED) == set(BODIES)


OTHER: Final = (
    "null",
    "true",
    "-1",
    "2.5",
    '""',
    '"x"',
    '"PHONE_NUMBER"',
    "[]",
    "{}",
    "[null]",
    '{"id": []}',
    "9" * 30,
)
"""As text, so that no two places share one list: a piece that holds itself is no JSON."""


def places(piece: object) -> list[tuple[Any, Any]]:
    """Every container in a piece of JSON together with each of its keys."""
    found: list[tuple[Any, Any]] = []
    level = [piece]
    while level:
        node = level.pop()
        if isinstance(node, (dict, list)):
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            found += [(node, key) for key in keys]
            level += [node[key] for key in keys]
    return found


@settings(deadline=None, max_examples=400)
@given(st.data())
def test_given_a_sample_with_pieces_gone_or_of_another_type_then_nothing_raises(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(BODIES)))
    payload = json.loads(BODIES[name])
    for _ in range(data.draw(st.integers(1, 4))):
        known = places(payload)
        if not known:
            break
        container, key = known[data.draw(st.integers(0, len(known) - 1))]
        if data.draw(st.booleans()):
            del container[key]
        else:
            container[key] = json.loads(data.draw(st.sampled_from(OTHER)))

    for event in read(name, payload):
        assert msgspec.json.decode(msgspec.json.encode(without_failure(event)))


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(sorted(BODIES)), st.floats(0, 1, exclude_max=True))
def test_given_a_sample_that_breaks_off_then_it_is_no_json_and_says_so(name: str, share: float) -> None:
    body = BODIES[name].rstrip()

    with pytest.raises(ValueError, match="no JSON"):
        decode(body[: int(len(body) * share)])
