"""Sample webhooks of every shape that Meta is known to send, from files: each comes out as the right events.

The files are in `tests/data/payloads`; its README says where their shapes are from. They are of other accounts than the
one that reads them here, as with `any_account = true`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gearmesh import (
    ChatOpened,
    EchoReceived,
    Event,
    Media,
    MediaKind,
    MediaRef,
    Message,
    MessageReceived,
    Profile,
    ReadUpTo,
    ReceiptReceived,
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


def ada(words: str | Message, native_id: str = "wamid.IN", quoted: str = "", user: str = ADA) -> MessageReceived:
    content = Text(words) if isinstance(words, str) else words
    return MessageReceived(native_id, user, user, SENT, content, quoted, ADA_PROFILE)


def ben(words: str | Message, native_id: str = "mid.1") -> MessageReceived:
    return MessageReceived(native_id, BEN, BEN, NOW, Text(words) if isinstance(words, str) else words)


def cleo(words: str | Message, native_id: str = "ig.1", quoted: str = "", at: int = NOW) -> MessageReceived:
    return MessageReceived(native_id, CLEO, CLEO, at, Text(words) if isinstance(words, str) else words, quoted)


def file(media: MediaKind, source: str, mime: str = "", caption: str = "", **facts: Any) -> Media:
    return Media(media, MediaRef("app", source, mime, **facts), caption)


def reached(state: Any, native_id: str, detail: str = "", user: str = ADA) -> ReceiptReceived:
    return ReceiptReceived(user, user, SENT, state, (native_id,), detail)


def dead(kind: str, native_id: str = "", user: str = "") -> Unparsed:
    """A dead letter; its bytes and its words are looked at apart."""
    return Unparsed(b"", "", user, user, kind, native_id)


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
    "whatsapp_text_from_advert": [ada("is it still there?")],
    "whatsapp_media": [
        ada(file("image", "900000000000001", "image/jpeg"), "wamid.1"),
        ada(file("video", "900000000000002", "video/mp4", "the sea", sha256="ab" * 32), "wamid.2"),
        ada(file("voice", "900000000000003", "audio/ogg; codecs=opus"), "wamid.3"),
        ada(file("audio", "900000000000004", "audio/mpeg"), "wamid.4"),
        ada(file("file", "900000000000005", "application/pdf", "as promised", name="plan.pdf"), "wamid.5"),
        ada(file("sticker", "900000000000006", "image/webp"), "wamid.6"),
    ],
    "whatsapp_locations": [
        ada("📍 https://maps.google.com/?q=12.500000,-43.250000", "wamid.1"),
        ada("📍 Old Library, 1 Book Lane https://maps.google.com/?q=48.100000,11.500000", "wamid.2"),
    ],
    "whatsapp_contacts": [
        ada("Cleo Example: +1 555-010-0001, +1 555-010-0002\nLamps & Co: hello@shop.example\nDan Example: 15550100003")
    ],
    "whatsapp_answers": [
        ada("Yes please", "wamid.1", "wamid.OUT"),
        ada("Tuesday", "wamid.2", "wamid.OUT"),
        ada("No more", "wamid.3", "wamid.OUT"),
        ada("in answer", "wamid.4", "wamid.OUT"),
    ],
    "whatsapp_chat_opened": [ChatOpened(ADA, ADA, SENT, ADA_PROFILE)],
    "whatsapp_not_bridged": [
        dead(kind, f"wamid.{number}", ADA)
        for number, kind in enumerate(
            (
                "reaction",
                "reaction",
                "order",
                "edit",
                "unsend",
                "poll",
                "unsupported",
                "call permission",
                "ephemeral",
                "image",
            ),
            start=1,
        )
    ],
    "whatsapp_interactive_without_body": [dead("interactive", "wamid.IN", ADA), dead("error")],
    "whatsapp_system": [dead("system", "wamid.S1"), dead("system", "wamid.S2")],
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
        ben(file("image", f"{CDN}/image")),
        ben(file("video", f"{CDN}/video"), "mid.1#1"),
        ben(file("audio", f"{CDN}/audio"), "mid.1#2"),
        ben(file("file", f"{CDN}/file"), "mid.1#3"),
        ben(file("sticker", f"{CDN}/thumb.png"), "mid.2"),
    ],
    "messenger_places": [
        ben("📍 https://maps.google.com/?q=0.000000,0.000000"),
        ben("📍 Ben's Location https://maps.example/ben", "mid.2"),
    ],
    "messenger_reel_of_facebook": [ben("🔗 https://www.facebook.com/reel/123450000/")],
    "messenger_product": [ben("how much?"), dead("template", "mid.1", BEN)],
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
    "messenger_not_bridged": [
        dead("payment", "", BEN),
        dead("payment", "", BEN),
        dead("unsupported", "mid.3", BEN),
        dead("reaction", "m_1", BEN),
        dead("edit", "m_1", BEN),
        dead("message", "", BEN),
    ],
    "messenger_thread_news": [dead("conversations")],
    "instagram_text_with_calendar_time": [cleo("good morning", at=SENT)],
    "instagram_stories": [
        cleo(f"lovely\n🔗 {CDN}/story"),
        cleo(f"🔗 {CDN}/story", "ig.2"),
        cleo(file("image", f"{CDN}/i"), "ig.2#1"),
        cleo(f"🔗 {CDN}/mention", "ig.3"),
        cleo("which one?", "ig.4"),
        cleo(f"🔗 {CDN}/s", "ig.4#1"),
        cleo(f"🔗 {CDN}/post", "ig.5"),
        cleo(f"🔗 Lamps {CDN}/post", "ig.6"),
    ],
    "instagram_not_bridged": [
        dead("unsupported", "ig.1", CLEO),
        dead("ephemeral", "ig.2", CLEO),
        dead("unsend", "ig.3", CLEO),
        dead("reaction", "ig.4", CLEO),
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
