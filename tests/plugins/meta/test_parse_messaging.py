"""Messenger and Instagram webhooks become events. Payloads have the shapes of Meta's webhook references."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gearmesh import (
    ChatOpened,
    EchoReceived,
    EditReceived,
    Event,
    Location,
    Media,
    MediaRef,
    Message,
    MessageReceived,
    ReactionReceived,
    ReadUpTo,
    ReceiptReceived,
    RedactionReceived,
    Text,
    Unparsed,
)
from gearmesh_meta.messaging_message import handle_in
from gearmesh_meta.origin import Origin
from gearmesh_meta.parse_messaging import Object, parse

US = "682498302938465"
BEN = "7100000000000001"
AT = 1458692752478
ORIGIN = Origin("fb", US, 999)
URL = "https://scontent.example/file.jpg?sig=1"


def event_of(**body: Any) -> dict[str, Any]:
    return {"sender": {"id": BEN}, "recipient": {"id": US}, "timestamp": AT, **body}


def webhook(*events: Any, kind: Object = "page") -> dict[str, Any]:
    return {"object": kind, "entry": [{"id": US, "time": AT, "messaging": list(events)}]}


def kept(event: Any) -> dict[str, Any]:
    """The webhook that is kept of an event: itself, and nothing around it that says no more."""
    return {"object": "page", "entry": [{"id": US, "messaging": [event]}]}


def read(*events: Any, kind: Object = "page") -> list[Event]:
    return parse(webhook(*events, kind=kind), kind, ORIGIN)


def message(**body: Any) -> list[Event]:
    return read(event_of(message={"mid": "m_1", **body}))


def attachment(kind: str, **payload: Any) -> dict[str, Any]:
    return {"type": kind, "payload": payload}


def received(content: Message, native_id: str = "m_1", reply_to: str = "", parts: int = 1) -> MessageReceived:
    return MessageReceived(native_id, BEN, BEN, AT, content, reply_to, None, parts)


def test_given_a_text_then_it_comes_with_its_person_and_time() -> None:
    assert message(text="hello, world!") == [received(Text("hello, world!"))]


def test_given_a_quick_reply_then_its_title_is_the_text() -> None:
    assert message(text="Red", quick_reply={"payload": "DEV"}) == [received(Text("Red"))]


def test_given_a_reply_then_the_quoted_message_is_named() -> None:
    assert message(text="yes", reply_to={"mid": "m_0"}) == [received(Text("yes"), reply_to="m_0")]


@pytest.mark.parametrize(
    ("piece", "expected"),
    [
        (attachment("image", url=URL), Media("image", MediaRef("fb", URL))),
        (attachment("video", url=URL), Media("video", MediaRef("fb", URL))),
        (attachment("audio", url=URL), Media("voice", MediaRef("fb", URL))),
        (attachment("file", url=URL), Media("file", MediaRef("fb", URL))),
        (attachment("sticker", url=URL, sticker_id=369239263222822), Media("sticker", MediaRef("fb", URL))),
        (attachment("image", url=URL, sticker_id=1), Media("sticker", MediaRef("fb", URL))),
        (
            attachment("location", coordinates={"lat": 1.2, "long": -1.3}),
            Location(1.2, -1.3),
        ),
        (attachment("fallback", url=URL, title="TAHITI"), Text(f"🔗 TAHITI {URL}")),
        (attachment("ig_reel", url=URL, reel_video_id=1), Text(f"🔗 {URL}")),
        (attachment("story_mention", url=URL), Text(f"📷 mention in a story: {URL}")),
        ({"type": "like_heart"}, Text("❤️")),
        (
            attachment(
                "template", text="Look", buttons=[{"title": "Shop", "url": URL}, {"title": "Yes", "payload": "Y"}]
            ),
            Text(f"Look\n🔗 Shop {URL}"),
        ),
        (
            attachment("template", template_type="media", elements=[{"media_type": "image", "url": URL}]),
            Text(URL),
        ),
    ],
)
def test_given_an_attachment_then_its_content_comes(piece: dict[str, Any], expected: Message) -> None:
    assert message(attachments=[piece]) == [received(expected)]


def test_given_text_and_attachments_then_each_is_a_message_with_the_text_first() -> None:
    pieces = [attachment("image", url="https://a"), attachment("video", url="https://b")]

    assert message(text="look", attachments=pieces, reply_to={"mid": "m_0"}) == [
        received(Text("look"), "m_1", "m_0", 3),
        received(Media("image", MediaRef("fb", "https://a")), "m_1#1"),
        received(Media("video", MediaRef("fb", "https://b")), "m_1#2"),
    ]


def test_given_an_attachment_that_is_not_understood_then_it_takes_its_place_in_the_ids_all_the_same() -> None:
    pieces = [attachment("hologram", url=URL), attachment("image", url="https://a")]

    unknown_first = message(attachments=pieces, reply_to={"mid": "m_0"})

    assert unknown_first[0] == received(Media("image", MediaRef("fb", "https://a")), "m_1#1", "m_0")
    assert [type(event) for event in unknown_first] == [MessageReceived, Unparsed]


def test_given_a_sticker_that_comes_twice_then_it_is_one_message() -> None:
    pieces = [attachment("sticker", url=URL, sticker_id=1), attachment("image", url=URL)]

    assert message(attachments=pieces) == [received(Media("sticker", MediaRef("fb", URL)))]


def test_given_the_preview_of_a_link_in_the_text_then_it_is_not_repeated() -> None:
    assert message(text="see https://youtu.be/x", attachments=[attachment("fallback", url="https://youtu.be/x")]) == [
        received(Text("see https://youtu.be/x"))
    ]


def test_given_a_reply_to_a_story_then_its_address_comes_along() -> None:
    assert message(text="wow", reply_to={"story": {"url": "https://cdn/s", "id": "1"}}) == [
        received(Text("wow\n📷 answer to a story: https://cdn/s"))
    ]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"attachments": [attachment("template", product={"elements": []})]}, "template"),
        ({"attachments": [attachment("appointment_booking", booking_id="1")]}, "appointment booking"),
        ({"attachments": [attachment("ephemeral")]}, "view-once message"),
        ({"attachments": [attachment("story_mention")]}, "story that is gone"),
        ({"attachments": [{"type": 5}]}, "attachment"),
        ({"is_unsupported": True}, "unsupported"),
        ({}, "message"),
        ({"text": 5}, "message"),
    ],
)
def test_given_a_message_that_is_not_understood_then_it_is_kept_and_the_person_can_be_told(
    body: dict[str, Any], kind: str
) -> None:
    (event,) = message(**body)

    assert isinstance(event, Unparsed)
    assert (event.user, event.thread, event.kind, event.native_id) == (BEN, BEN, kind, "m_1")


def test_given_a_text_beside_an_attachment_that_is_not_understood_then_both_come() -> None:
    first, second = message(text="see", attachments=[attachment("template", product={})])

    assert first == received(Text("see"), parts=2)
    assert isinstance(second, Unparsed)
    assert json.loads(second.raw) == kept(
        event_of(message={"mid": "m_1#1", "attachments": [attachment("template", product={})]})
    )


@pytest.mark.parametrize(
    ("body", "kind", "native_id"),
    [
        ({"message_edit": {"mid": "m_2", "num_edit": "1"}}, "edit", "m_2"),
        ({"message_edit": {"text": "new", "num_edit": "1"}}, "edit", ""),
        ({"reaction": {"mid": "m_2", "action": "react"}}, "reaction", "m_2"),
        ({"reaction": {"action": "unreact"}}, "reaction", ""),
        ({"order": {"products": []}}, "order", ""),
        ({"telepathy": {}}, "message", ""),
        ({}, "message", ""),
    ],
)
def test_given_an_event_that_is_not_understood_then_it_is_kept(body: dict[str, Any], kind: str, native_id: str) -> None:
    (event,) = read(event_of(**body))

    assert isinstance(event, Unparsed)
    assert (event.user, event.kind, event.native_id) == (BEN, kind, native_id)
    assert json.loads(event.raw) == kept(event_of(**body))


@pytest.mark.parametrize(
    ("body", "emoji", "removed"),
    [
        ({"action": "react", "reaction": "love", "emoji": "❤"}, "❤", False),
        ({"action": "react", "reaction": "love", "emoji": "\\u{2764}\\u{FE0F}"}, "❤️", False),
        ({"action": "react", "reaction": "love", "emoji": "\\u{110000}"}, "❤️", False),
        ({"reaction": "smile"}, "😆", False),
        ({"action": "react", "reaction": "other"}, "❔", False),
        ({"action": "react", "reaction": "other", "emoji": "🎩"}, "🎩", False),
        ({"action": "unreact"}, "", True),
        ({"action": "unreact", "reaction": "love", "emoji": "❤"}, "❤", True),
    ],
)
@pytest.mark.parametrize("kind", ["page", "instagram"])
def test_given_a_reaction_then_it_is_added_or_taken_back(
    kind: Object, body: dict[str, Any], emoji: str, removed: bool
) -> None:
    assert read(event_of(reaction={"mid": "m_0", **body}), kind=kind) == [
        ReactionReceived(BEN, BEN, AT, "m_0", emoji, removed)
    ]


@pytest.mark.parametrize(("count", "number"), [("2", "2"), (2, "2"), (None, "")])
def test_given_an_edit_then_its_number_comes_along_as_text_or_number(count: object, number: str) -> None:
    edit = {"mid": "m_0", "text": "new", "num_edit": count}

    assert read(event_of(message_edit=edit)) == [EditReceived(BEN, BEN, AT, "m_0", Text("new"), number)]


def test_given_an_unsent_message_then_it_is_taken_back() -> None:
    assert message(is_deleted=True) == [RedactionReceived(BEN, BEN, AT, "m_1")]


def test_given_words_beside_a_signal_then_they_are_not_lost_with_it() -> None:
    assert read(event_of(optin={"ref": "x"}, message={"mid": "m_1", "text": "hi"})) == [received(Text("hi"))]


@pytest.mark.parametrize(
    ("start", "zone", "said"),
    [
        (
            1739612400,
            "America/Los_Angeles",
            "📅 Appointment requested: 2025-02-15 01:40 to 02:40 (America/Los_Angeles)",
        ),
        (1739612400, "Nowhere", "📅 Appointment requested: 2025-02-15 09:40 to 10:40 (UTC)"),
        (1739526000, "UTC", "📅 Appointment requested: 2025-02-14 09:40 to 2025-02-15 10:40 (UTC)"),
        ("soon", "UTC", "📅 Appointment requested"),
    ],
)
def test_given_an_appointment_then_its_state_and_time_come_in_words(start: object, zone: str, said: str) -> None:
    piece = attachment("appointment_booking", status="requested", start_time=start, end_time=1739616000, timezone=zone)

    assert message(attachments=[piece]) == [received(Text(said))]


@pytest.mark.parametrize(
    "key",
    [
        "optin",
        "account_linking",
        "pass_thread_control",
        "take_thread_control",
        "request_thread_control",
        "policy_enforcement",
        "response_feedback",
    ],
)
def test_given_a_signal_that_holds_nobodys_words_then_nothing_comes(key: str) -> None:
    assert read(event_of(**{key: {"ref": "x"}})) == []


def test_given_the_get_started_button_then_the_chat_is_open_and_the_link_names_whom_they_want() -> None:
    referral = {"ref": "handle.Ada", "source": "SHORTLINK", "type": "OPEN_THREAD"}
    postback = {"mid": "m_1", "title": "Get started", "payload": "GET_STARTED", "referral": referral}

    assert read(event_of(postback=postback)) == [ChatOpened(BEN, BEN, AT, None, "ada")]


def test_given_a_link_into_an_open_thread_then_the_chat_is_open() -> None:
    link = {"ref": "handle.ada", "source": "SHORTLINK"}
    assert read(event_of(referral=link)) == [ChatOpened(BEN, BEN, AT, None, "ada")]
    assert read(event_of(referral={"ref": "campaign", "source": "ADS"})) == [ChatOpened(BEN, BEN, AT)]


def test_given_a_button_then_its_title_is_the_text() -> None:
    assert read(event_of(postback={"mid": "m_1", "title": "Help", "payload": "HELP"})) == [received(Text("Help"))]


def test_given_a_button_without_message_id_then_a_repeated_webhook_gives_the_same_id() -> None:
    once, again = (read(event_of(postback={"title": "Help", "payload": "HELP"})) for _ in range(2))

    assert once == again == [received(Text("Help"), f"postback:{BEN}:{AT}")]


def test_given_a_message_through_a_link_then_the_chat_opens_before_it() -> None:
    assert message(text="hi", referral={"ref": "handle.ada", "type": "OPEN_THREAD"}) == [
        ChatOpened(BEN, BEN, AT, None, "ada"),
        received(Text("hi")),
    ]


def test_given_deliveries_then_they_are_receipts_or_a_watermark() -> None:
    assert read(event_of(delivery={"mids": ["m_8", "m_9"], "watermark": AT, "seq": 37})) == [
        ReceiptReceived(BEN, BEN, AT, "delivered", ("m_8", "m_9"))
    ]
    assert read(event_of(delivery={"watermark": AT - 5})) == [ReadUpTo(BEN, BEN, AT, AT - 5, "delivered")]


def test_given_a_read_event_then_it_is_a_watermark_on_messenger_and_a_message_on_instagram() -> None:
    assert read(event_of(read={"watermark": AT - 5})) == [ReadUpTo(BEN, BEN, AT, AT - 5)]
    assert read(event_of(read={"mid": "m_9"}), kind="instagram") == [ReceiptReceived(BEN, BEN, AT, "read", ("m_9",))]
    (event,) = read(event_of(read={}))
    assert isinstance(event, Unparsed)


def test_given_an_echo_then_our_own_id_comes_back() -> None:
    delivery = f"{7:032x}:fb:0"
    echo = {"mid": "m_1", "is_echo": True, "app_id": 1517776481860111, "metadata": delivery, "text": "hello"}
    ours = {"sender": {"id": US}, "recipient": {"id": BEN}, "timestamp": AT}

    assert read(ours | {"message": echo}) == [EchoReceived("m_1", BEN, BEN, AT, delivery, "hello")]
    assert read(ours | {"reaction": {"mid": "m_1", "action": "react"}}) == []


@pytest.mark.parametrize("metadata", ["DEV", 5, None, f"{7:032x}:ig:0", f"{7:032x}:fb:0 "])
def test_given_an_echo_of_what_we_did_not_send_then_no_id_is_taken_for_ours(metadata: object) -> None:
    echo = {"mid": "m_1", "is_echo": True, "metadata": metadata, "text": "hello"}

    assert read(event_of(message=echo) | {"sender": {"id": US}, "recipient": {"id": BEN}}) == [
        EchoReceived("m_1", BEN, BEN, AT, "", "hello")
    ]


def test_given_an_echo_on_instagram_then_its_words_come_as_they_were_sent() -> None:
    ours = {"sender": {"id": US}, "recipient": {"id": BEN}, "timestamp": AT}
    spoken = {"mid": "m_1", "is_echo": True, "text": " Cleo: hello\n🎩 "}
    shown = {"mid": "m_2", "is_echo": True, "attachments": [attachment("image", url=URL)]}

    assert read(ours | {"message": spoken}, ours | {"message": shown}, kind="instagram") == [
        EchoReceived("m_1", BEN, BEN, AT, "", " Cleo: hello\n🎩 "),
        EchoReceived("m_2", BEN, BEN, AT),
    ]


def test_given_a_thread_that_another_app_has_then_messages_are_kept_and_nobody_is_answered() -> None:
    items = [event_of(message={"mid": "m", "text": "x"}), event_of(read={"watermark": AT})]
    payload = {"object": "page", "entry": [{"id": US, "standby": items}]}

    (event,) = parse(payload, "page", ORIGIN)

    assert isinstance(event, Unparsed)
    assert (event.kind, event.user) == ("standby", "")


def in_changes(value: Any, field: str) -> dict[str, Any]:
    return {"id": US, "time": AT, "changes": [{"field": field, "value": value}]}


def in_entry(value: Any, field: str) -> dict[str, Any]:
    return {"id": US, "time": AT, "field": field, "value": value}


def in_messaging(value: Any, field: str) -> dict[str, Any]:
    return {"id": US, "time": AT, "messaging": [value]}


@pytest.mark.parametrize("shape", [in_changes, in_entry, in_messaging])
@pytest.mark.parametrize(
    ("field", "body", "expected"),
    [
        ("messages", {"message": {"mid": "m_1", "text": "hi"}}, received(Text("hi"))),
        ("messaging_seen", {"read": {"mid": "m_1"}}, ReceiptReceived(BEN, BEN, AT, "read", ("m_1",))),
        (
            "messaging_postbacks",
            {"postback": {"mid": "m_1", "title": "Go", "payload": "x"}},
            received(Text("Go")),
        ),
    ],
)
def test_given_any_of_instagrams_shapes_then_the_same_events_come(
    shape: Any, field: str, body: dict[str, Any], expected: Event
) -> None:
    payload = {"object": "instagram", "entry": [shape(event_of(**body), field)]}

    assert parse(payload, "instagram", ORIGIN) == [expected]


def test_given_comments_and_insights_then_comments_are_kept_and_insights_are_not() -> None:
    comment = in_changes({"id": "1", "text": "nice"}, "comments")
    insights = in_changes({"media_id": "1"}, "story_insights")

    events = parse({"object": "instagram", "entry": [comment, insights]}, "instagram", ORIGIN)

    assert [event.kind for event in events if isinstance(event, Unparsed)] == ["comments"]
    assert len(events) == 1


def test_given_another_page_of_the_same_app_then_its_messages_are_kept_apart() -> None:
    foreign = event_of(message={"mid": "m_1", "text": "x"}) | {"recipient": {"id": "777"}}

    (event,) = read(foreign)

    assert isinstance(event, Unparsed)
    assert "777" in event.detail
    assert event.user == ""


def test_given_a_batch_then_every_entry_is_read_in_order() -> None:
    entries = [webhook(event_of(message={"mid": f"m_{n}", "text": str(n)}))["entry"][0] for n in range(3)]

    events = parse({"object": "page", "entry": entries}, "page", ORIGIN)

    assert [event.native_id for event in events if isinstance(event, MessageReceived)] == ["m_0", "m_1", "m_2"]


def test_given_ids_as_numbers_then_they_are_read_all_the_same() -> None:
    event = {"sender": {"id": int(BEN)}, "recipient": {"id": int(US)}, "message": {"mid": "m_1", "text": "x"}}

    assert read(event) == [MessageReceived("m_1", BEN, BEN, 999, Text("x"))]


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        {},
        {"object": "instagram", "entry": []},
        {"object": "page", "entry": None},
        {"object": "page", "entry": [None]},
        {"object": "page", "entry": [{"id": US}]},
        {"object": "page", "entry": [{"id": US, "messaging": 5}]},
        {"object": "page", "entry": [{"id": US, "changes": [5]}]},
        {"object": "page", "entry": [{"id": US, "field": "messages"}]},
        webhook({"sender": {"user_ref": "x"}, "recipient": {"id": US}, "postback": {"title": "Go"}}),
        webhook(event_of(message={"text": "no id"})),
    ],
)
def test_given_another_shape_then_it_is_kept_whole(payload: object) -> None:
    (event,) = parse(payload, "page", ORIGIN)

    assert isinstance(event, Unparsed)
    assert event.raw


@pytest.mark.parametrize(
    ("ref", "handle"),
    [
        ("handle.ada", "ada"),
        ("handle.@Ada.L-1_", "ada.l-1_"),
        ("handle.", ""),
        ("handle", ""),
        ("ada", ""),
        ("handle.a b", ""),
        (None, ""),
        ("handle." + "a" * 65, ""),
    ],
)
def test_a_link_names_a_handle(ref: object, handle: str) -> None:
    assert handle_in(ref) == handle
