"""What the three bridges ask Meta to send of places, cards, answers to tap, reactions and typing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gearmesh import (
    Card,
    Contacts,
    Delivery,
    Location,
    Outgoing,
    Poll,
    Product,
    Reaction,
    Rejected,
    Retry,
    Sender,
    Sent,
    Text,
    WindowClosed,
)
from gearmesh_meta.instagram import Instagram
from gearmesh_meta.messenger import Messenger
from gearmesh_meta.whatsapp import WhatsApp

if TYPE_CHECKING:
    from tests.plugins.meta.conftest import GraphStub

ADA = "16505551234"
BSUID = "US.13491208655302741918"
BEN = "7100000000000001"


def to(user: str, content: Outgoing, **more: Any) -> Delivery:
    return Delivery("leg-1", user, user, content, Sender(name="Cleo"), **more)


def reaction(user: str, emoji: str = "👍", *, removed: bool = False, target: tuple[str, ...] = ("t1",)) -> Delivery:
    return to(user, Reaction("00", emoji, removed), target=target)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            Location(37.44221496582, -122.16165924072, "Philz Coffee", "101 Forest Ave", "https://philz.example/"),
            {
                "type": "location",
                "location": {
                    "latitude": 37.44221496582,
                    "longitude": -122.16165924072,
                    "name": "Philz Coffee",
                    "address": "101 Forest Ave",
                },
            },
        ),
        (Location(0.0, -1.5), {"type": "location", "location": {"latitude": 0.0, "longitude": -1.5}}),
        (
            Contacts(
                (
                    Card("Lucía Gómez", ("+1 983 555-2319", "0815"), ("lu@example.org",), "Google", "BEGIN:VCARD"),
                    Card("", organisation="ACME"),
                    Card("", ("+49 30 1",)),
                    Card("", emails=("no@example.org",)),
                    Card(""),
                )
            ),
            {
                "type": "contacts",
                "contacts": [
                    {
                        "name": {"formatted_name": "Lucía Gómez", "first_name": "Lucía Gómez"},
                        "org": {"company": "Google"},
                        "phones": [{"phone": "+1 983 555-2319"}, {"phone": "0815"}],
                        "emails": [{"email": "lu@example.org"}],
                    },
                    {"name": {"formatted_name": "ACME", "first_name": "ACME"}, "org": {"company": "ACME"}},
                    {
                        "name": {"formatted_name": "+49 30 1", "first_name": "+49 30 1"},
                        "phones": [{"phone": "+49 30 1"}],
                    },
                    {
                        "name": {"formatted_name": "no@example.org", "first_name": "no@example.org"},
                        "emails": [{"email": "no@example.org"}],
                    },
                    {"name": {"formatted_name": "?", "first_name": "?"}},
                ],
            },
        ),
        (
            Text("Well?", buttons=("Yes", "No", "Yes")),
            {
                "type": "interactive",
                "interactive": {
                    "type": "button",
                    "body": {"text": "Well?"},
                    "action": {
                        "buttons": [
                            {"type": "reply", "reply": {"id": "1", "title": "Yes"}},
                            {"type": "reply", "reply": {"id": "2", "title": "No"}},
                        ]
                    },
                },
            },
        ),
    ],
)
async def test_whatsapp_sends_places_cards_and_answers_to_tap_as_its_own(
    whatsapp: WhatsApp, graph_stub: GraphStub, content: Outgoing, expected: dict[str, Any]
) -> None:
    sent = await whatsapp.send(to(ADA, content, reply_to="wamid.Q"))

    assert sent == Sent(("wamid.1",))
    assert graph_stub.bodies == [
        {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": ADA,
            **expected,
            "context": {"message_id": "wamid.Q"},
            "biz_opaque_callback_data": "leg-1",
        }
    ]


async def test_messenger_and_instagram_send_answers_to_tap_as_quick_replies(
    messenger: Messenger, instagram: Instagram, graph_stub: GraphStub
) -> None:
    content = Text("Well?", buttons=("Yes", "No", "Yes"))
    await messenger.send(to(BEN, content))
    await instagram.send(to(BEN, content))

    replies = [
        {"content_type": "text", "title": "Yes", "payload": "1"},
        {"content_type": "text", "title": "No", "payload": "2"},
    ]
    assert [body["message"] for body in graph_stub.bodies] == [
        {"text": "Well?", "quick_replies": replies, "metadata": "leg-1"},
        {"text": "Well?", "quick_replies": replies},
    ]


@pytest.mark.parametrize(
    ("delivery", "expected"),
    [
        (reaction(ADA), {"message_id": "t1", "emoji": "👍"}),
        (reaction(ADA, "👍", removed=True), {"message_id": "t1", "emoji": ""}),
        (reaction(ADA, target=("name-line", "picture")), {"message_id": "picture", "emoji": "👍"}),
    ],
)
async def test_whatsapp_reacts_with_a_message_about_a_message(
    whatsapp: WhatsApp, graph_stub: GraphStub, delivery: Delivery, expected: dict[str, str]
) -> None:
    sent = await whatsapp.react(delivery)

    assert sent == Sent(("wamid.1",))
    assert graph_stub.bodies == [
        {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": ADA,
            "type": "reaction",
            "reaction": expected,
            "biz_opaque_callback_data": "leg-1",
        }
    ]


async def test_whatsapp_reacts_to_somebody_without_a_number(whatsapp: WhatsApp, graph_stub: GraphStub) -> None:
    await whatsapp.react(reaction(BSUID))

    assert graph_stub.bodies[0]["recipient"] == BSUID
    assert "to" not in graph_stub.bodies[0]


@pytest.mark.parametrize(
    ("delivery", "expected"),
    [
        (reaction(BEN), {"sender_action": "react", "payload": {"message_id": "t1", "reaction": "👍"}}),
        (reaction(BEN, removed=True), {"sender_action": "unreact", "payload": {"message_id": "t1"}}),
        (
            reaction(BEN, target=("m_1", "m_2#3")),
            {"sender_action": "react", "payload": {"message_id": "m_2", "reaction": "👍"}},
        ),
    ],
)
async def test_messenger_and_instagram_react_by_an_action_that_has_no_id(
    messenger: Messenger,
    instagram: Instagram,
    graph_stub: GraphStub,
    delivery: Delivery,
    expected: dict[str, Any],
) -> None:
    for bridge in (messenger, instagram):
        graph_stub.says({"recipient_id": BEN})
        assert await bridge.react(delivery) == Sent(())

    assert graph_stub.bodies == [{"recipient": {"id": BEN}, **expected}] * 2
    assert [path for _, path, _, _ in graph_stub.calls] == [
        "/v25.0/682498302938465/messages",
        "/v25.0/17841405309211844/messages",
    ]


@pytest.mark.parametrize(
    "delivery", [reaction(BEN, ""), reaction(BEN, target=()), to(BEN, Text("no reaction"), target=("t1",))]
)
async def test_given_nothing_to_react_with_or_to_then_words_must_tell_it(
    whatsapp: WhatsApp, messenger: Messenger, instagram: Instagram, graph_stub: GraphStub, delivery: Delivery
) -> None:
    for bridge in (whatsapp, messenger, instagram):
        with pytest.raises(Rejected):
            await bridge.react(delivery)

    assert graph_stub.calls == []


async def test_given_a_message_that_is_too_old_or_unknown_then_the_reaction_is_rejected(
    whatsapp: WhatsApp, messenger: Messenger, instagram: Instagram, graph_stub: GraphStub
) -> None:
    graph_stub.fails(131009)
    with pytest.raises(Rejected):
        await whatsapp.react(reaction(ADA))
    for bridge, subcode in ((messenger, 0), (instagram, 2534015)):
        graph_stub.fails(100, subcode)
        with pytest.raises(Rejected):
            await bridge.react(reaction(BEN))


async def test_given_a_closed_window_then_a_reaction_waits_as_a_message_does(
    whatsapp: WhatsApp, messenger: Messenger, graph_stub: GraphStub
) -> None:
    graph_stub.fails(131047)
    with pytest.raises(WindowClosed):
        await whatsapp.react(reaction(ADA))
    graph_stub.fails(10, 2018278)
    with pytest.raises(WindowClosed):
        await messenger.react(reaction(BEN))


async def test_given_a_lost_answer_then_the_reaction_is_simply_sent_again(
    whatsapp: WhatsApp, messenger: Messenger, instagram: Instagram, graph_stub: GraphStub
) -> None:
    for bridge, user in ((whatsapp, ADA), (messenger, BEN), (instagram, BEN)):
        graph_stub.fails(2, status=500)
        with pytest.raises(Retry) as caught:
            await bridge.react(reaction(user))
        assert not caught.value.perhaps


async def test_whatsapp_shows_typing_at_the_newest_message_and_cannot_take_it_back(
    whatsapp: WhatsApp, graph_stub: GraphStub
) -> None:
    graph_stub.says({"success": True})
    await whatsapp.typing(ADA, ADA, True, "wamid.NEW")
    await whatsapp.typing(ADA, ADA, False, "wamid.NEW")
    await whatsapp.typing(ADA, ADA, True, "")

    assert graph_stub.bodies == [
        {
            "messaging_product": "whatsapp",
            "status": "read",
            "message_id": "wamid.NEW",
            "typing_indicator": {"type": "text"},
        }
    ]


async def test_messenger_and_instagram_show_typing_and_its_end(
    messenger: Messenger, instagram: Instagram, graph_stub: GraphStub
) -> None:
    for bridge in (messenger, instagram):
        await bridge.typing(BEN, BEN, True, "")
        await bridge.typing(BEN, BEN, False, "")

    actions = [{"recipient": {"id": BEN}, "sender_action": action} for action in ("typing_on", "typing_off")]
    assert graph_stub.bodies == actions * 2


@pytest.mark.parametrize("content", [Poll("Well?", ("a", "b")), Product(()), Reaction("00", "👍")])
async def test_given_a_kind_that_no_capability_claims_then_nothing_of_it_is_lost_in_silence(
    whatsapp: WhatsApp, messenger: Messenger, instagram: Instagram, graph_stub: GraphStub, content: Outgoing
) -> None:
    for bridge, user in ((whatsapp, ADA), (messenger, BEN), (instagram, BEN)):
        with pytest.raises(Rejected, match=type(content).__name__.lower()):
            await bridge.send(to(user, content))

    assert graph_stub.calls == []
