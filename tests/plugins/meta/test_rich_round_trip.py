"""The bridges against the sandbox: places, cards, answers to tap, reactions and typing, as phones show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.plugins.meta.conftest import NETWORKS, PEOPLE

from gearmesh import (
    Card,
    ChatOpened,
    Contacts,
    Delivery,
    Location,
    Outgoing,
    Reaction,
    ReceiptReceived,
    Rejected,
    Sender,
    Sent,
    Text,
)

if TYPE_CHECKING:
    from tests.plugins.meta.conftest import World


def to(network: str, content: Outgoing, **more: Any) -> Delivery:
    user = PEOPLE[network]
    return Delivery("leg-1", user, user, content, Sender(name="Dora"), **more)


async def types_to(world: World, network: str) -> bool:
    """Whether the phone shows that somebody writes."""
    return any("typing_until" in phone for phone in await world.control("GET", "phones") if phone["network"] == network)


async def test_given_a_place_when_it_is_sent_then_the_whatsapp_phone_shows_the_place(world: World) -> None:
    await world.next("whatsapp", ChatOpened)

    await world.bridges["whatsapp"].send(
        to("whatsapp", Location(52.5, 13.4, "Philz", "Street 1", "https://x.example/"))
    )
    await world.bridges["whatsapp"].send(to("whatsapp", Location(-33.0, -70.0)))

    named, bare = await world.sees("whatsapp")
    assert named["place"] == {"latitude": 52.5, "longitude": 13.4, "name": "Philz", "address": "Street 1"}
    assert bare["place"] == {"latitude": -33.0, "longitude": -70.0}


async def test_given_cards_when_they_are_sent_then_the_whatsapp_phone_shows_the_contacts(world: World) -> None:
    await world.next("whatsapp", ChatOpened)
    cards = (Card("Lucía Gómez", ("+1 983 555-2319",), ("lu@example.org",), "ACME"), Card("", ("+49 30 1",)), Card(""))

    await world.bridges["whatsapp"].send(to("whatsapp", Contacts(cards)))

    (shown,) = await world.sees("whatsapp")
    assert shown["contacts"] == [
        {
            "name": "Lucía Gómez",
            "phones": ["+1 983 555-2319"],
            "emails": ["lu@example.org"],
            "organisation": "ACME",
        },
        {"name": "+49 30 1", "phones": ["+49 30 1"]},
        {"name": "?"},
    ]


@pytest.mark.parametrize("network", NETWORKS)
async def test_given_answers_to_tap_at_their_limits_when_sent_then_the_phone_offers_them(
    world: World, network: str
) -> None:
    await world.next(network, ChatOpened)
    bridge = world.bridges[network]
    rule = bridge.capabilities(PEOPLE[network]).buttons
    assert rule is not None
    titles = tuple(f"{number:x<{rule.title.value}}" for number in range(1, rule.count + 1))

    await bridge.send(to(network, Text("x" * rule.text.value, buttons=titles)))

    (shown,) = await world.sees(network)
    assert shown["text"] == "x" * rule.text.value
    assert [button["title"] for button in shown["buttons"]] == list(titles)


@pytest.mark.parametrize("network", NETWORKS)
async def test_given_one_answer_more_or_longer_than_claimed_then_the_network_refuses_or_cuts_it(
    world: World, network: str
) -> None:
    await world.next(network, ChatOpened)
    bridge = world.bridges[network]
    rule = bridge.capabilities(PEOPLE[network]).buttons
    assert rule is not None

    with pytest.raises(Rejected):
        await bridge.send(to(network, Text("x", buttons=tuple(map(str, range(rule.count + 1))))))
    with pytest.raises(Rejected):
        await bridge.send(to(network, Text("x" * (rule.text.value + 1), buttons=("y",))))
    if network != "instagram":
        with pytest.raises(Rejected):
            await bridge.send(to(network, Text("x", buttons=("x" * (rule.title.value + 1),))))

    assert await world.sees(network) == []


@pytest.mark.parametrize("network", NETWORKS)
async def test_given_a_reaction_when_it_comes_changes_and_goes_then_the_message_shows_it(
    world: World, network: str
) -> None:
    await world.next(network, ChatOpened)
    bridge = world.bridges[network]
    typed = await world.types(network, text="Hello")
    sent = await bridge.send(to(network, Text("Our own")))

    async def shown() -> list[Any]:
        return [message.get("reactions") for message in await world.sees(network)]

    first = await bridge.react(to(network, Reaction("00", "👍"), target=(typed["id"],)))
    await bridge.react(to(network, Reaction("00", "🎩"), target=sent.native_ids))
    assert await shown() == [{"business": "👍"}, {"business": "🎩"}]
    await bridge.react(to(network, Reaction("00", "❤️"), target=(typed["id"],)))
    assert await shown() == [{"business": "❤️"}, {"business": "🎩"}]
    await bridge.react(to(network, Reaction("00", "❤️", removed=True), target=(typed["id"],)))
    assert await shown() == [None, {"business": "🎩"}]
    assert len(first.native_ids) == (1 if network == "whatsapp" else 0)


async def test_given_a_reaction_to_what_is_gone_then_it_is_rejected_at_once_or_told_as_failed(world: World) -> None:
    for network in ("messenger", "instagram"):
        with pytest.raises(Rejected):
            await world.bridges[network].react(to(network, Reaction("00", "👍"), target=("m_none",)))

    await world.next("whatsapp", ChatOpened)
    sent = await world.bridges["whatsapp"].react(to("whatsapp", Reaction("00", "👍"), target=("wamid.none",)))
    told = await world.next("whatsapp", ReceiptReceived)

    assert (told.state, told.native_ids) == ("failed", sent.native_ids)
    assert isinstance(told.failure, Rejected)


async def test_given_a_lost_answer_to_a_reaction_then_sending_it_again_shows_it_once(world: World) -> None:
    for network in NETWORKS:
        typed = await world.types(network, text="Hello")
        reaction = to(network, Reaction("00", "👍"), target=(typed["id"],))

        await world.bridges[network].react(reaction)
        await world.bridges[network].react(reaction)

        (message,) = await world.sees(network)
        assert message["reactions"] == {"business": "👍"}


@pytest.mark.parametrize("network", NETWORKS)
async def test_given_somebody_writes_then_the_phone_shows_it_until_the_message_comes(
    world: World, network: str
) -> None:
    await world.next(network, ChatOpened)
    bridge, user = world.bridges[network], PEOPLE[network]
    typed = await world.types(network, text="Hello")

    await bridge.typing(user, user, True, typed["id"])
    assert await types_to(world, network)
    await bridge.typing(user, user, False, typed["id"])
    assert await types_to(world, network) == (network == "whatsapp")
    await bridge.typing(user, user, True, typed["id"])
    sent = await bridge.send(to(network, Text("Here it is")))

    assert isinstance(sent, Sent)
    assert not await types_to(world, network)
    first, _ = await world.sees(network)
    assert (first["status"] == "read") == (network == "whatsapp")
