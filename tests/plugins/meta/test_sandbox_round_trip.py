"""The bridges against the sandbox, over HTTP in both directions: what people type comes in, what is sent is shown."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any

import pytest

from gearmesh import (
    ChatOpened,
    Delivery,
    EchoReceived,
    Media,
    MediaRef,
    MessageReceived,
    Profile,
    RateLimited,
    ReadUpTo,
    ReceiptDelivery,
    ReceiptReceived,
    Rejected,
    Sender,
    SendFailed,
    Text,
    Unauthorized,
    Unclear,
    Unparsed,
    WindowClosed,
)
from gearmesh_meta.instagram import Instagram
from gearmesh_meta.messenger import Messenger

if TYPE_CHECKING:
    from tests.plugins.meta.conftest import World

NETWORKS = ("whatsapp", "messenger", "instagram")
PEOPLE = {"whatsapp": "4915112345678", "messenger": "7100000000000001", "instagram": "17841405793187218"}


@pytest.mark.parametrize("network", NETWORKS)
async def test_given_a_phone_when_it_opens_the_chat_and_writes_then_both_come_in(world: World, network: str) -> None:
    opened = await world.next(network, ChatOpened)
    typed = await world.types(network, text="Hello “world” 🎩 /äöå/")

    event = await world.next(network, MessageReceived)

    assert opened.user == event.user == event.thread == PEOPLE[network]
    assert event.content == Text("Hello “world” 🎩 /äöå/")
    assert event.native_id == typed["id"]
    assert abs(event.at - typed["time"]) <= 1000
    if network == "whatsapp":
        assert opened.profile == Profile(name="Ada Lovelace", username="ada")
    else:
        assert opened.handle == {"messenger": "ben", "instagram": "cleo"}[network]


@pytest.mark.parametrize("network", NETWORKS)
async def test_given_a_text_when_it_is_sent_then_the_phone_shows_it(world: World, network: str) -> None:
    await world.next(network, ChatOpened)
    user = PEOPLE[network]

    sent = await world.bridges[network].send(Delivery("leg-1", user, user, Text("Hello “back” 🎩")))

    (shown,) = await world.sees(network)
    assert (shown["id"], shown["direction"], shown["text"]) == (sent.native_ids[0], "in", "Hello “back” 🎩")


@pytest.mark.parametrize("network", ["whatsapp", "messenger"])
async def test_given_a_reply_then_each_side_sees_what_it_answers(world: World, network: str) -> None:
    await world.next(network, ChatOpened)
    user = PEOPLE[network]
    typed = await world.types(network, text="Question")

    sent = await world.bridges[network].send(Delivery("leg-1", user, user, Text("Answer"), reply_to=typed["id"]))
    await world.types(network, text="Thanks", reply_to=sent.native_ids[0])
    await world.next(network, MessageReceived)

    assert (await world.next(network, MessageReceived)).reply_to == sent.native_ids[0]
    assert [shown["reply_to"] for shown in await world.sees(network)] == [None, typed["id"], sent.native_ids[0]]


async def test_given_sent_messages_when_the_phone_reads_then_receipts_come_back(world: World) -> None:
    sent = {}
    for network, user in PEOPLE.items():
        await world.next(network, ChatOpened)
        sent[network] = (await world.bridges[network].send(Delivery("leg-1", user, user, Text("Hi")))).native_ids
        await world.control("POST", f"phones/{network}/{user}/read")

    delivered, read = [await world.next("whatsapp", ReceiptReceived) for _ in range(2)]
    assert (delivered.state, delivered.native_ids) == ("delivered", sent["whatsapp"])
    assert (read.state, read.native_ids) == ("read", sent["whatsapp"])
    assert (await world.next("messenger", ReceiptReceived)).native_ids == sent["messenger"]
    assert (await world.next("messenger", ReadUpTo)).state == "read"
    seen = await world.next("instagram", ReceiptReceived)
    assert (seen.state, seen.native_ids) == ("read", sent["instagram"])


async def test_given_a_message_to_messenger_then_its_echo_brings_our_id_back(world: World) -> None:
    await world.next("messenger", ChatOpened)
    user, ours = PEOPLE["messenger"], f"{7:032x}:messenger:0"

    sent = await world.bridges["messenger"].send(Delivery(ours, user, user, Text("Hi")))

    echo = await world.next("messenger", EchoReceived)
    assert (echo.native_id, echo.user, echo.delivery_id, echo.text) == (sent.native_ids[0], user, ours, "Hi")


async def test_given_a_message_to_whatsapp_then_each_status_of_it_brings_our_id_back(world: World) -> None:
    await world.next("whatsapp", ChatOpened)
    user, ours = PEOPLE["whatsapp"], f"{7:032x}:whatsapp:0"

    sent = await world.bridges["whatsapp"].send(Delivery(ours, user, user, Text("Hi")))

    echo = await world.next("whatsapp", EchoReceived)
    delivered = await world.next("whatsapp", ReceiptReceived)
    assert (echo.native_id, echo.user, echo.delivery_id) == (sent.native_ids[0], user, ours)
    assert (delivered.state, delivered.native_ids, delivered.delivery_id) == ("delivered", sent.native_ids, ours)


async def test_given_a_message_to_instagram_then_its_echo_brings_the_words_back(world: World) -> None:
    await world.next("instagram", ChatOpened)
    user = PEOPLE["instagram"]

    sent = await world.bridges["instagram"].send(Delivery("leg-1", user, user, Text("Hi “you” 🎩")))

    echo = await world.next("instagram", EchoReceived)
    assert (echo.native_id, echo.user, echo.delivery_id, echo.text) == (sent.native_ids[0], user, "", "Hi “you” 🎩")


@pytest.mark.parametrize("network", NETWORKS)
async def test_given_a_message_that_was_read_elsewhere_then_the_phone_shows_it(world: World, network: str) -> None:
    await world.next(network, ChatOpened)
    user = PEOPLE[network]
    typed = await world.types(network, text="Seen?")
    await world.next(network, MessageReceived)

    await world.bridges[network].receipt(ReceiptDelivery(user, user, "read", (typed["id"],)))

    assert [shown["status"] for shown in await world.sees(network)] == ["read"]


async def test_given_a_sender_from_another_network_then_messenger_shows_their_name(world: World) -> None:
    await world.next("messenger", ChatOpened)
    messenger, user = world.bridges["messenger"], PEOPLE["messenger"]
    assert isinstance(messenger, Messenger)
    cleo = Sender(name="Cleo", network="Instagram", avatar=f"{world.url}/sandbox/pictures/instagram/1.png")

    ghost = await messenger.ghost(user, cleo)
    await messenger.send(Delivery("leg-1", user, user, Text("Hi"), cleo, ghost=ghost))

    assert [shown["sender_name"] for shown in await world.sees("messenger")] == ["Cleo (Instagram)"]
    again = Messenger(messenger.config, world.contexts["messenger"])
    assert await again.ghost(user, cleo) == ghost


async def test_given_people_who_wrote_then_their_profiles_can_be_read(world: World) -> None:
    messenger, instagram = world.bridges["messenger"], world.bridges["instagram"]
    assert isinstance(messenger, Messenger)
    assert isinstance(instagram, Instagram)

    ben, cleo = await messenger.profile(PEOPLE["messenger"]), await instagram.profile(PEOPLE["instagram"])

    assert (ben.name, cleo.name, cleo.username) == ("Ben Okri", "Cleo Dubois", "cleo")
    assert ben.avatar.startswith(world.url)


@pytest.mark.parametrize("network", NETWORKS)
async def test_given_a_picture_then_its_bytes_can_be_fetched(world: World, network: str) -> None:
    picture = {"type": "image", "base64": "iVBORw0KGgo=", "mime": "image/png"}
    await world.types(network, text="", media=picture)

    event = await world.next(network, MessageReceived)

    assert isinstance(event.content, Media)
    assert event.content.media == "image"
    chunks = [chunk async for chunk in world.bridges[network].media(event.content.ref)]
    assert b"".join(chunks) == b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("network", NETWORKS)
async def test_given_a_file_from_elsewhere_then_it_goes_out_uploaded_or_by_link(world: World, network: str) -> None:
    await world.next(network, ChatOpened)
    await world.types("whatsapp", text="", media={"type": "image", "base64": "iVBORw0KGgo=", "mime": "image/png"})
    shown = (await world.sees("whatsapp"))[0]
    world.contexts[network].links["src"] = f"{world.url}{shown['media']['url']}"
    world.contexts[network].files["src"] = base64.b64decode("iVBORw0KGgo=")
    content, user = Media("image", MediaRef("other", "src", "image/png")), PEOPLE[network]

    sent = await world.bridges[network].send(Delivery("leg-1", user, user, content))

    arrived = {message["id"]: message for message in await world.sees(network)}
    assert arrived[sent.native_ids[0]]["media"]["type"] == "image"


@pytest.mark.parametrize(
    ("network", "fault", "expected"),
    [
        ("whatsapp", {"code": 131056, "status": 400}, RateLimited),
        ("whatsapp", {"code": 190, "status": 401}, Unauthorized),
        ("messenger", {"code": 10, "subcode": 2018278, "status": 400}, WindowClosed),
        ("instagram", {"code": 10, "subcode": 2534022, "status": 400}, WindowClosed),
        ("instagram", {"code": 100, "subcode": 2534014, "status": 400}, Rejected),
    ],
)
async def test_given_a_fault_then_its_class_comes_out(
    world: World, network: str, fault: dict[str, Any], expected: type[SendFailed]
) -> None:
    await world.next(network, ChatOpened)
    user = PEOPLE[network]
    await world.control("POST", "faults", kind="error", network=network, count=1, **fault)

    with pytest.raises(expected):
        await world.bridges[network].send(Delivery("leg-1", user, user, Text("Hi")))

    await world.bridges[network].send(Delivery("leg-1", user, user, Text("Hi again")))


async def test_given_an_answer_that_never_comes_then_the_send_is_unclear(world: World) -> None:
    await world.next("whatsapp", ChatOpened)
    user = PEOPLE["whatsapp"]
    await world.control("POST", "faults", kind="timeout", network="whatsapp", when="after", seconds=0.05, count=1)

    with pytest.raises(Unclear):
        await world.bridges["whatsapp"].send(Delivery("leg-1", user, user, Text("Hi")))

    assert [shown["text"] for shown in await world.sees("whatsapp")] == ["Hi"]


async def test_given_a_closed_window_then_messenger_says_no_at_once_and_whatsapp_later(world: World) -> None:
    for network in NETWORKS:
        await world.next(network, ChatOpened)
    await world.control("POST", "clock", advance=25 * 3600)

    for network in ("messenger", "instagram"):
        user = PEOPLE[network]
        with pytest.raises(WindowClosed):
            await world.bridges[network].send(Delivery("leg-1", user, user, Text("Late")))
    user = PEOPLE["whatsapp"]
    sent = await world.bridges["whatsapp"].send(Delivery("leg-1", user, user, Text("Late")))
    refused = await world.next("whatsapp", ReceiptReceived)

    assert (refused.state, refused.native_ids) == ("failed", sent.native_ids)
    assert refused.detail.startswith("131047")
    assert isinstance(refused.failure, WindowClosed)


@pytest.mark.parametrize("network", ["messenger", "instagram"])
async def test_given_a_closed_window_then_a_late_message_is_taken_for_a_week(world: World, network: str) -> None:
    await world.next(network, ChatOpened)
    bridge, user = world.bridges[network], PEOPLE[network]
    late = Delivery("leg-1", user, user, Text("Sorry, we slept"), late=True)

    await world.control("POST", "clock", advance=6 * 24 * 3600)
    await bridge.send(late)
    await world.control("POST", "clock", advance=2 * 24 * 3600)
    with pytest.raises(WindowClosed):
        await bridge.send(late)

    assert [shown["text"] for shown in await world.sees(network)] == ["Sorry, we slept"]


async def test_given_somebody_who_is_not_there_then_the_message_is_rejected(world: World) -> None:
    for network, nobody in (("whatsapp", "4900000000"), ("messenger", "42"), ("instagram", "42")):
        with pytest.raises(Rejected):
            await world.bridges[network].send(Delivery("leg-1", nobody, nobody, Text("Hi")))


@pytest.mark.parametrize("network", NETWORKS)
async def test_given_no_store_when_somebody_writes_then_it_comes_in_once_the_store_is_back(
    world: World, network: str
) -> None:
    await world.next(network, ChatOpened)
    with world.away(network):
        await world.types(network, text="Patience")
        await world.contexts[network].refused.wait()

    assert (await world.next(network, MessageReceived)).content == Text("Patience")


async def test_given_a_whatsapp_user_with_a_hidden_number_then_the_scoped_id_goes_both_ways(world: World) -> None:
    phone = await world.control("POST", "phones", network="whatsapp", handle="dot", name="Dot", hide_number=True)
    path = f"phones/whatsapp/{phone['user']}/messages"
    await world.control("POST", path, text="Who am I?")

    event = await world.next("whatsapp", MessageReceived)
    await world.bridges["whatsapp"].send(Delivery("leg-1", event.thread, event.user, Text("Dot")))

    assert event.user == phone["bsuid"]
    assert [shown["text"] for shown in await world.control("GET", path)] == ["Who am I?", "Dot"]


@pytest.mark.parametrize("network", NETWORKS)
async def test_given_a_good_token_then_every_bridge_connects(world: World, network: str) -> None:
    running = asyncio.create_task(world.bridges[network].run())

    assert await world.contexts[network].statuses.get() == "connected"
    running.cancel()
    await asyncio.wait([running])


async def test_given_the_sandbox_then_nothing_that_it_sends_is_misunderstood(world: World) -> None:
    for network in NETWORKS:
        await world.types(network, text="Hi")
        await world.next(network, MessageReceived)

    events = [event for context in world.contexts.values() for batch in context.batches for event in batch]
    assert [event for event in events if isinstance(event, Unparsed)] == []
