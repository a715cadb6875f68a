"""WhatsApp webhooks become events. Payloads have the shapes of the Cloud API's webhook reference."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import msgspec
import pytest

from gearmesh import (
    Card,
    ChatOpened,
    Contacts,
    Dialect,
    EchoReceived,
    EditReceived,
    Event,
    Listing,
    Location,
    Media,
    MediaRef,
    MessageReceived,
    Product,
    Profile,
    RateLimited,
    ReactionReceived,
    ReceiptReceived,
    RedactionReceived,
    Rejected,
    Retry,
    SendFailed,
    Text,
    Unauthorized,
    Unparsed,
    WindowClosed,
)
from gearmesh.wire.body import close_body, open_body
from gearmesh_meta.aliases import Aliases
from gearmesh_meta.capabilities import WHATSAPP
from gearmesh_meta.origin import Origin
from gearmesh_meta.parse_whatsapp import parse

US = "106540352242922"
ADA = "16505551234"
ADA_ID = "US.13491208655302741918"
ORIGIN = Origin("wa", US, 999)
OURS = f"{7:032x}:wa:0"
CONTACT = {"profile": {"name": "Ada Lovelace", "username": "@ada"}, "wa_id": ADA, "user_id": ADA_ID}
DIGEST = hashlib.sha256(b"file")


def webhook(field: str = "messages", **value: Any) -> dict[str, Any]:
    metadata = {"display_phone_number": "15550783881", "phone_number_id": US}
    change = {"field": field, "value": {"messaging_product": "whatsapp", "metadata": metadata, **value}}
    return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}


def message(kind: str, body: Any = None, **more: Any) -> dict[str, Any]:
    base = {"from": ADA, "from_user_id": ADA_ID, "id": "wamid.A", "timestamp": "1749416383", "type": kind}
    return base | ({} if body is None else {kind: body}) | more


def read(payload: object, aliases: Aliases | None = None) -> list[Event]:
    return parse(payload, ORIGIN, aliases or Aliases())


def only(*messages: dict[str, Any], aliases: Aliases | None = None) -> Event:
    (event,) = read(webhook(contacts=[CONTACT], messages=list(messages)), aliases)
    return event


def content_of(event: Event) -> Any:
    assert isinstance(event, MessageReceived), event
    return event.content


def test_given_a_text_then_it_comes_with_its_person_time_and_profile() -> None:
    assert only(message("text", {"body": "Hello 🎩"})) == MessageReceived(
        "wamid.A", ADA, ADA, 1749416383000, Text("Hello 🎩"), "", Profile(name="Ada Lovelace", username="ada")
    )


def test_given_a_reply_then_the_quoted_message_is_named() -> None:
    event = only(message("text", {"body": "Yes"}, context={"from": "15550783881", "id": "wamid.Q"}))

    assert isinstance(event, MessageReceived)
    assert event.reply_to == "wamid.Q"


@pytest.mark.parametrize("context", [{"forwarded": True}, {"frequently_forwarded": "true"}])
def test_given_a_forwarded_message_then_it_says_so_and_nothing_is_quoted(context: dict[str, Any]) -> None:
    kinds = (
        message("text", {"body": "Look"}),
        message("image", {"id": "1"}),
        message("location", {"latitude": 1, "longitude": 2}),
        message("contacts", [{"name": {"formatted_name": "Ben"}}]),
    )
    for kind in kinds:
        event = only(kind | {"context": context})

        assert isinstance(event, MessageReceived)
        assert event.reply_to == ""
        assert isinstance(event.content, (Text, Media, Location, Contacts))
        assert event.content.forwarded


@pytest.mark.parametrize(
    ("said", "words", "markup"),
    [("*hello* _world_", "**hello** _world_", True), ("2*3*4 a_b_c", "2*3*4 a_b_c", False)],
)
def test_given_whatsapps_formatting_then_it_becomes_commonmark_and_plain_signs_stay_what_they_are(
    monkeypatch: pytest.MonkeyPatch, said: str, words: str, markup: bool
) -> None:
    dialect = Dialect("*", "_", "~", "`", "```", "> ", "- ")
    formatting = msgspec.structs.replace(WHATSAPP, dialect=dialect)
    monkeypatch.setattr("gearmesh_meta.whatsapp_content.WHATSAPP", formatting)
    edit = {"original_message_id": "wamid.O", "message": {"type": "text", "text": {"body": said}}}

    text, picture, edited = (
        only(message(kind, body))
        for kind, body in (("text", {"body": said}), ("image", {"id": "1", "caption": said}), ("edit", edit))
    )

    assert content_of(text) == Text(words, markup=markup)
    assert content_of(picture) == Media("image", MediaRef("wa", "1"), words, markup=markup)
    assert isinstance(edited, EditReceived)
    assert edited.content == Text(words, markup=markup)


PROFILE = Profile(name="Ada Lovelace", username="ada")


@pytest.mark.parametrize(
    ("body", "emoji"),
    [
        ({"message_id": "wamid.Q", "emoji": "👍🏽"}, "👍🏽"),
        (
            {"message_id": "wamid.Q", "emoji": "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"},
            "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        ),
        ({"message_id": "wamid.Q", "emoji": ""}, ""),
        ({"message_id": "wamid.Q", "emoji": None}, ""),
        ({"message_id": "wamid.Q"}, ""),
    ],
)
def test_given_a_reaction_then_it_is_added_or_taken_back(body: dict[str, Any], emoji: str) -> None:
    event = only(message("reaction", body))

    assert event == ReactionReceived(ADA, ADA, 1749416383000, "wamid.Q", emoji, not emoji, PROFILE)


@pytest.mark.parametrize(
    ("inner", "content"),
    [
        ({"type": "text", "text": {"body": "better"}}, Text("better")),
        ({"text": {"body": "better"}}, Text("better")),
        (
            {"type": "image", "image": {"id": "1", "caption": "better"}, "context": {"id": "M0"}},
            Media("image", MediaRef("wa", "1"), "better"),
        ),
    ],
)
def test_given_an_edit_then_the_message_says_something_else_and_edits_are_told_apart(
    inner: dict[str, Any], content: Text | Media
) -> None:
    event = only(message("edit", {"original_message_id": "wamid.O", "message": inner}))

    assert event == EditReceived(ADA, ADA, 1749416383000, "wamid.O", content, "wamid.A", PROFILE)


def test_given_a_revoked_message_then_it_is_taken_back() -> None:
    event = only(message("revoke", {"original_message_id": "wamid.O"}))

    assert event == RedactionReceived(ADA, ADA, 1749416383000, "wamid.O", PROFILE)


def test_given_a_product_or_an_advertisement_then_its_card_comes_first_under_an_id_that_stays() -> None:
    context = {"id": "wamid.Q", "referred_product": {"catalog_id": "7", "product_retailer_id": "LAMP"}}
    referral = {"source_url": "https://shop.example", "headline": "Lamps"}
    said = message("text", {"body": "how much?"}, context=context, referral=referral)

    first, again = (read(webhook(contacts=[CONTACT], messages=[said])) for _ in range(2))

    assert first == again
    assert [event.parts for event in first if isinstance(event, MessageReceived)] == [1, 1, 3]
    assert [
        (event.native_id, event.reply_to, event.content) for event in first if isinstance(event, MessageReceived)
    ] == [
        ("wamid.A#1", "", Product((Listing("Lamps", link="https://shop.example"),), "ad")),
        ("wamid.A#2", "", Product((Listing("LAMP", retailer_id="LAMP", catalog="7"),))),
        ("wamid.A", "wamid.Q", Text("how much?")),
    ]


def test_given_a_file_that_whatsapp_could_not_fetch_then_its_caption_comes_and_the_person_is_told() -> None:
    error = {"code": 131052, "title": "Media download error"}

    caption, lost = read(
        webhook(contacts=[CONTACT], messages=[message("video", {"id": "1", "caption": "the sea"}, errors=[error])])
    )

    assert isinstance(caption, MessageReceived)
    assert isinstance(lost, Unparsed)
    assert (caption.native_id, caption.content) == ("wamid.A", Text("the sea"))
    assert (lost.user, lost.kind, lost.native_id) == (ADA, "video", "wamid.A")
    assert "131052 Media download error" in lost.detail


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        (
            "image",
            {
                "caption": "Taj",
                "mime_type": "image/jpeg",
                "sha256": base64.b64encode(DIGEST.digest()).decode(),
                "id": "1",
            },
            Media("image", MediaRef("wa", "1", "image/jpeg", sha256=DIGEST.hexdigest()), "Taj"),
        ),
        ("video", {"mime_type": "video/mp4", "id": "2"}, Media("video", MediaRef("wa", "2", "video/mp4"))),
        (
            "audio",
            {"mime_type": "audio/ogg; codecs=opus", "id": "3", "voice": True},
            Media("voice", MediaRef("wa", "3", "audio/ogg; codecs=opus")),
        ),
        ("voice", {"mime_type": "audio/ogg", "id": "3"}, Media("voice", MediaRef("wa", "3", "audio/ogg"))),
        ("audio", {"mime_type": "audio/mpeg", "id": 4}, Media("audio", MediaRef("wa", "4", "audio/mpeg"))),
        (
            "document",
            {"filename": "receipt.pdf", "mime_type": "application/pdf", "id": "5", "file_size": "303833"},
            Media("file", MediaRef("wa", "5", "application/pdf", 303833, name="receipt.pdf")),
        ),
        (
            "sticker",
            {"mime_type": "image/webp", "id": "6", "animated": False},
            Media("sticker", MediaRef("wa", "6", "image/webp")),
        ),
        (
            "location",
            {"latitude": 37.4422, "longitude": -122.1616, "name": "Philz", "address": "101 Forest Ave"},
            Location(37.4422, -122.1616, "Philz", "101 Forest Ave"),
        ),
        (
            "location",
            {"latitude": 137.4422, "longitude": -122.1616, "name": "Philz", "url": "https://philz.example/"},
            Text("Philz\nhttps://philz.example/"),
        ),
        (
            "interactive",
            {"type": "button_reply", "button_reply": {"id": "cancel", "title": "Cancel"}},
            Text("Cancel"),
        ),
        (
            "interactive",
            {"type": "list_reply", "list_reply": {"id": "x", "title": "Express", "description": "1 day"}},
            Text("Express"),
        ),
        ("button", {"payload": "STOP", "text": "Unsubscribe"}, Text("Unsubscribe")),
    ],
)
def test_given_a_known_kind_then_its_content_comes(kind: str, body: Any, expected: object) -> None:
    assert content_of(only(message(kind, body))) == expected


VCARD = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Dan Example\r\nitem1.TEL;waid=1983:+1 983\r\n"
    "EMAIL:dan@example.org\r\nORG:Lamps;Repairs\r\nEND:VCARD"
)


@pytest.mark.parametrize(
    ("contact", "card"),
    [
        (
            {
                "name": {"formatted_name": "Lucía Gómez"},
                "phones": [{"phone": "+1 983", "wa_id": "15551983"}, {"wa_id": "15550007"}],
                "org": {"company": "Lamps"},
            },
            Card("Lucía Gómez", ("+1 983", "+15550007"), (), "Lamps"),
        ),
        ({"name": {"first_name": "Ben", "last_name": "Example"}}, Card("Ben Example")),
        (
            {"emails": [{"email": "a@example.org"}, {"email": "a@example.org"}]},
            Card("a@example.org", (), ("a@example.org",)),
        ),
        ({"phones": [{"phone": "+1 983"}]}, Card("+1 983", ("+1 983",))),
        ({"vcard": VCARD}, Card("Dan Example", ("+1 983",), ("dan@example.org",), "Lamps Repairs", VCARD)),
        ({"vcard": "FN:" + "x" * 100 + "\n" + "PHOTO:" + "A" * 100_000}, Card("x" * 100)),
    ],
)
def test_given_a_contact_then_it_is_a_card(contact: dict[str, Any], card: Card) -> None:
    assert content_of(only(message("contacts", [contact, {}, "?"]))) == Contacts((card,))


@pytest.mark.parametrize(
    ("kind", "body", "named"),
    [
        ("reaction", {"emoji": "👍"}, "reaction"),
        ("reaction", {"message_id": "wamid.Q", "emoji": "x" * 33}, "reaction"),
        ("reaction", {"message_id": "wamid.Q", "emoji": 5}, "reaction"),
        ("edit", {"original_message_id": "wamid.O", "message": {"type": "text"}}, "edit"),
        ("edit", {"original_message_id": "wamid.O", "message": {"type": "reaction"}}, "edit"),
        ("revoke", {}, "unsend"),
        ("order", {"catalog_id": "1", "product_items": []}, "order"),
        ("unsupported", {"type": "poll_creation"}, "poll"),
        ("unsupported", {"type": "edit"}, "edit"),
        ("unsupported", None, "unsupported"),
        ("unsupported", {"type": "some_new_kind"}, "some new kind"),
        ("unknown", {"type": "gif"}, "GIF"),
        ("unsupported", {"type": "unknown"}, "unsupported"),
        ("interactive", {"type": "nfm_reply", "nfm_reply": {"body": ""}}, "nfm reply"),
        ("interactive", {"type": "call_permission_reply"}, "call permission"),
        ("contacts", [{}], "contacts"),
        ("location", {"latitude": 137.4}, "location"),
        ("image", {"mime_type": "image/jpeg"}, "image"),
        ("text", {"body": ""}, "text"),
        ("text", ["?"], "text"),
        ("telepathy", {"thought": 1}, "telepathy"),
    ],
)
def test_given_a_kind_that_is_not_understood_then_it_is_kept_and_the_person_can_be_told(
    kind: str, body: Any, named: str
) -> None:
    original = message(kind, body)

    event = only(original)

    assert isinstance(event, Unparsed)
    assert (event.user, event.thread, event.kind, event.native_id) == (ADA, ADA, named, "wamid.A")
    assert json.loads(event.raw) == webhook(contacts=[CONTACT], messages=[original])
    assert b": " not in event.raw


def test_given_half_an_emoji_in_a_form_then_the_rest_of_it_comes_and_can_be_kept() -> None:
    form = {
        "body": "Sent",
        "response_json": r'{"name": "Ada \ud83d", "days": ["Mon\ude00"], "\ud83d": {"b": "\udc00"}}',
    }

    content = content_of(only(message("interactive", {"type": "nfm_reply", "nfm_reply": form})))

    assert content == Text('Sent\nname: Ada ?\ndays: Mon?\n?: {"b": "?"}')
    assert open_body("none", close_body(content)) == content


def test_given_an_unsupported_message_then_whatsapps_own_reason_is_kept() -> None:
    error = {"code": 131051, "title": "Message type unknown", "error_data": {"details": "Not supported."}}

    event = only(message("unsupported", {"type": "gif"}, errors=[error]))

    assert isinstance(event, Unparsed)
    assert "131051 Message type unknown: Not supported." in event.detail


def test_given_an_opened_chat_then_it_is_no_message() -> None:
    profile = Profile(name="Ada Lovelace", username="ada")
    assert only(message("request_welcome")) == ChatOpened(ADA, ADA, 1749416383000, profile)


def test_given_a_message_of_a_group_then_it_is_kept_but_belongs_to_nobodys_thread() -> None:
    event = only(message("text", {"body": "all"}, group_id="Y2FwaV9ncm91cDox"))

    assert isinstance(event, Unparsed)
    assert (event.user, event.thread, event.kind) == ("", "", "group")


def test_given_a_system_message_then_operators_see_it_and_nobody_is_told_off() -> None:
    body = {"body": "User identity changed", "type": "customer_identity_changed"}
    event = only(message("system", body))

    assert isinstance(event, Unparsed)
    assert (event.user, event.kind) == ("", "system")
    assert "identity changed" in event.detail


def test_given_several_people_in_one_change_then_each_message_has_its_own_profile() -> None:
    ben = {"profile": {"name": "Ben"}, "wa_id": "4915112345678", "user_id": "DE.1"}
    texts = [
        message("text", {"body": "1"}),
        {"from": "4915112345678", "id": "wamid.B", "timestamp": "2", "type": "text", "text": {"body": "2"}},
        {"from_user_id": "GB.3", "id": "wamid.C", "timestamp": "3", "type": "text", "text": {"body": "3"}},
    ]

    events = read(webhook(contacts=[ben, CONTACT], messages=texts))

    named = [event.profile and event.profile.name for event in events if isinstance(event, MessageReceived)]
    assert named == ["Ada Lovelace", "Ben", None]


@pytest.mark.parametrize("state", ["delivered", "read", "played"])
def test_given_a_status_then_it_is_a_receipt(state: str) -> None:
    status = {"id": "wamid.S", "status": state, "timestamp": "1750030073", "recipient_id": ADA}

    (event,) = read(webhook(contacts=[CONTACT], statuses=[status]))

    assert isinstance(event, ReceiptReceived)
    assert (event.user, event.state, event.native_ids) == (ADA, state, ("wamid.S",))
    assert event.at == 1750030073000


def test_given_a_failure_then_its_code_comes_along_also_when_nobody_is_named() -> None:
    error = {"code": 131047, "title": "Re-engagement message", "error_data": {"details": "24 hours"}}
    status = {"id": "wamid.S", "status": "failed", "timestamp": "1", "errors": [error]}

    (event,) = read(webhook(statuses=[status]))

    assert isinstance(event, ReceiptReceived)
    assert (event.user, event.at, event.state, event.native_ids) == ("", 1000, "failed", ("wamid.S",))
    assert event.detail == "131047 Re-engagement message: 24 hours"


@pytest.mark.parametrize(
    ("errors", "expected", "code"),
    [
        ([{"code": 131047, "title": "Re-engagement message"}], WindowClosed, "131047"),
        ([{"code": 131026, "message": "Message undeliverable"}, {"code": 131056}], Rejected, "131026"),
        ([{"code": "131056"}], RateLimited, "131056"),
        ([{"code": 131042}], Unauthorized, "131042"),
        ([{"code": 131053, "error_data": {"details": "Unsupported"}}], Retry, "131053"),
        ([{"code": 424242}], Retry, "424242"),
        ([{"title": "No code"}], Rejected, ""),
        ([], Rejected, ""),
        (None, Rejected, ""),
        ("?", Rejected, ""),
    ],
)
def test_given_a_failure_then_it_means_what_the_same_answer_to_a_send_would_have_meant(
    errors: Any, expected: type[SendFailed], code: str
) -> None:
    status = {"id": "wamid.S", "status": "failed", "timestamp": "1", "recipient_id": ADA, "errors": errors}

    (event,) = read(webhook(statuses=[status | {"biz_opaque_callback_data": OURS}]))

    assert isinstance(event, ReceiptReceived)
    assert type(event.failure) is expected
    assert event.failure.code == code
    assert (event.user, event.delivery_id) == (ADA, OURS)
    assert event.detail


def test_given_news_of_a_message_whose_id_came_along_then_it_is_known_by_it() -> None:
    told = [
        {"id": "w", "status": state, "timestamp": "1", "recipient_id": ADA, "biz_opaque_callback_data": OURS}
        for state in ("sent", "delivered", "read", "played")
    ]

    assert read(webhook(statuses=told)) == [
        EchoReceived("w", ADA, ADA, 1000, OURS),
        *(ReceiptReceived(ADA, ADA, 1000, state, ("w",), "", OURS) for state in ("delivered", "read", "played")),
    ]


@pytest.mark.parametrize(
    "told",
    [
        None,
        "",
        7,
        "leg-1",
        f"{7:032x}:other:0",
        f"{7:032x}:wa:",
        f"{7:032x}:wa:0:invitation",
        f"{7:032x}:wa:0\n",
        f"{7:031x}:wa:0",
        f"{7:032X}".replace("7", "F") + ":wa:0",
        f"{7:032x}:wa:٣",
    ],
)
def test_given_what_is_no_id_of_ours_then_nothing_is_recognised_by_it(told: object) -> None:
    base = {"id": "w", "timestamp": "1", "recipient_id": ADA, "biz_opaque_callback_data": told}

    assert read(webhook(statuses=[base | {"status": "sent"}])) == []
    assert read(webhook(statuses=[base | {"status": "read"}])) == [ReceiptReceived(ADA, ADA, 1000, "read", ("w",))]


@pytest.mark.parametrize(
    "status", [{"status": "read"}, {"id": "wamid.S", "status": "vanished"}, {"id": "wamid.S"}, "read", 5, None]
)
def test_given_a_status_that_is_not_understood_then_it_is_kept(status: object) -> None:
    (event,) = read(webhook(statuses=[status]))

    assert isinstance(event, Unparsed)
    assert json.loads(event.raw) == webhook(statuses=[status])


def test_given_what_the_business_wrote_in_the_phone_app_then_it_is_an_echo() -> None:
    echo = {"from": "15550783881", "to": ADA, "id": "wamid.E", "timestamp": "1", "type": "text", "text": {"body": "x"}}

    (event,) = read(webhook("smb_message_echoes", message_echoes=[echo]))

    assert event == EchoReceived("wamid.E", ADA, ADA, 1000)


def test_given_a_batch_then_every_event_comes_in_order() -> None:
    one = webhook(messages=[message("text", {"body": "1"}), message("telepathy", {"emoji": "x"})])
    two = webhook(statuses=[{"id": "wamid.S", "status": "read", "timestamp": "1", "recipient_id": ADA}])
    payload = {"object": one["object"], "entry": one["entry"] + two["entry"]}

    assert [type(event) for event in read(payload)] == [MessageReceived, Unparsed, ReceiptReceived]


def test_given_another_number_of_the_same_account_then_its_messages_are_kept_apart() -> None:
    payload = webhook(messages=[message("text", {"body": "1"})])
    payload["entry"][0]["changes"][0]["value"]["metadata"]["phone_number_id"] = "777"

    (event,) = read(payload)

    assert isinstance(event, Unparsed)
    assert "777" in event.detail
    assert US in event.detail
    assert event.user == ""


def test_given_an_account_error_then_it_is_kept() -> None:
    (event,) = read(webhook(errors=[{"code": 131042, "title": "Payment issue"}]))

    assert isinstance(event, Unparsed)
    assert "131042 Payment issue" in event.detail


@pytest.mark.parametrize(
    "field", ["account_update", "message_template_status_update", "history", "phone_number_quality_update"]
)
def test_given_news_about_the_account_then_nothing_comes(field: str) -> None:
    assert read(webhook(field, anything=1)) == []


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        "text",
        {},
        {"object": "page", "entry": []},
        {"object": "whatsapp_business_account"},
        {"object": "whatsapp_business_account", "entry": {}},
        {"object": "whatsapp_business_account", "entry": [5]},
        {"object": "whatsapp_business_account", "entry": [{"id": "1"}]},
        {"object": "whatsapp_business_account", "entry": [{"changes": [None]}]},
        {"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": 5}]}]},
        {"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "calls", "value": {}}]}]},
        webhook(),
        webhook(messages="hello"),
        webhook(messages=[message("text", {"body": "x"}) | {"id": None}]),
    ],
)
def test_given_another_shape_then_it_is_kept_whole(payload: object) -> None:
    (event,) = read(payload)

    assert isinstance(event, Unparsed)
    assert event.raw


def test_given_ids_as_numbers_and_times_as_milliseconds_then_they_are_read_all_the_same() -> None:
    event = only(message("text", {"body": "x"}) | {"from": int(ADA), "timestamp": 1749416383123})

    assert isinstance(event, MessageReceived)
    assert (event.user, event.at) == (ADA, 1749416383123)


def test_given_no_time_then_it_is_when_it_came_in() -> None:
    event = only(message("text", {"body": "x"}) | {"timestamp": None})

    assert isinstance(event, MessageReceived)
    assert event.at == 999
