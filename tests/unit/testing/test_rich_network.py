"""Everything that people send on the messenger in memory, and all that its bridge shows there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from gearmesh import (
    Card,
    Contacts,
    Delivery,
    Edit,
    EditReceived,
    Event,
    Listing,
    Location,
    Media,
    MediaRef,
    MessageReceived,
    Outgoing,
    Poll,
    Product,
    Reaction,
    ReactionReceived,
    Redaction,
    RedactionReceived,
    Rejected,
    Sender,
    Text,
    TypingReceived,
    VoteReceived,
)
from gearmesh.testing import (
    WORDS_ONLY,
    FakeBridge,
    FakeClock,
    FakeConfig,
    FakeContext,
    FakeNetwork,
    Shape,
    Shown,
    bridge_for,
)

HERE = Location(52.5, 13.4, "The lake")
CARDS = Contacts((Card("Grace Hopper", ("+1 555 0100",)),))
POLL = Poll("Where?", ("Here", "There"))
SOFA = Product((Listing("A sofa", price="€ 40"),), text="Is it still there?")
SHAPES = pytest.mark.parametrize("shape", [HERE, CARDS, POLL, SOFA], ids=lambda shape: type(shape).__name__)


@pytest.fixture
def network() -> FakeNetwork:
    network = FakeNetwork(clock=FakeClock())
    network.add("ada", "Ada Lovelace")
    return network


@pytest_asyncio.fixture
async def bridge(network: FakeNetwork, fake_context: FakeContext) -> AsyncIterator[FakeBridge]:
    bridge = bridge_for(network)(FakeConfig(), fake_context)
    running = asyncio.create_task(bridge.run())
    yield bridge
    running.cancel()
    await asyncio.wait({running})


async def came(network: FakeNetwork, bridge: FakeBridge) -> list[Event]:
    await network.until(lambda: network.waiting == 0)
    assert isinstance(bridge.context, FakeContext)
    return bridge.context.events


def delivery(content: Outgoing, *target: str, ghost: str = "") -> Delivery:
    return Delivery("leg-1", "ada", "ada", content, Sender("Grace"), ghost=ghost, target=target)


def seen(network: FakeNetwork, native_id: str) -> Shown:
    message = network.message(native_id)
    assert message is not None
    return message


@SHAPES
async def test_given_something_that_is_no_words_when_it_is_shared_then_it_comes_in_as_it_is(
    network: FakeNetwork, bridge: FakeBridge, shape: Shape
) -> None:
    native_id = await network.share("ada", shape)

    (event,) = await came(network, bridge)
    assert isinstance(event, MessageReceived)
    assert (event.native_id, event.content) == (native_id, shape)


@SHAPES
async def test_given_something_that_is_no_words_when_it_is_sent_then_it_is_shown_as_it_is(
    network: FakeNetwork, bridge: FakeBridge, shape: Shape
) -> None:
    await bridge.send(delivery(shape))

    (shown,) = network.shown("ada")
    assert shown.shape == shape


async def test_given_files_when_they_are_sent_then_their_kind_and_what_else_is_known_go_both_ways(
    network: FakeNetwork, bridge: FakeBridge
) -> None:
    await network.type("ada", "", file=b"OggS", media="voice", mime="audio/ogg", forwarded=True)
    await network.type("ada", "once", file=b"PNG", view_once=True)
    await bridge.send(delivery(Media("sticker", MediaRef("elsewhere", "1"), forwarded=True)))

    voice, picture = [event.content for event in await came(network, bridge) if isinstance(event, MessageReceived)]
    assert voice == Media("voice", MediaRef("fake", "file-1", "audio/ogg", 4), forwarded=True)
    assert picture == Media("image", MediaRef("fake", "file-2", "image/png", 3), "once", view_once=True)
    (shown,) = network.shown("ada")
    assert (shown.media, shown.forwarded) == ("sticker", True)


async def test_given_a_message_when_people_react_change_and_take_back_then_the_bridge_tells_each(
    network: FakeNetwork, bridge: FakeBridge
) -> None:
    ours = (await bridge.send(delivery(Text("Hello")))).native_ids[0]
    poll = (await bridge.send(delivery(POLL))).native_ids[0]
    theirs = await network.type("ada", "Helo")
    await network.react("ada", ours, "❤️")
    await network.react("ada", ours, "")
    await network.edit("ada", theirs, "Hello")
    await network.vote("ada", poll, "Here")
    await network.writing("ada")
    await network.unsend("ada", theirs)

    at = network.clock.millis()
    assert (await came(network, bridge))[1:] == [
        ReactionReceived("ada", "ada", at, ours, "❤️"),
        ReactionReceived("ada", "ada", at, ours, removed=True),
        EditReceived("ada", "ada", at, theirs, Text("Hello"), "1"),
        VoteReceived("ada", "ada", at, poll, ("Here",)),
        TypingReceived("ada", "ada", at),
        RedactionReceived("ada", "ada", at, theirs),
    ]
    assert seen(network, theirs).deleted


async def test_given_a_message_when_the_bridge_reacts_then_one_reaction_of_each_person_is_seen(
    network: FakeNetwork, bridge: FakeBridge
) -> None:
    theirs = await network.type("ada", "Hello")
    grace = await bridge.ghost("ada", Sender("Grace"))
    await bridge.react(delivery(Reaction("e", "😀"), theirs, ghost=grace))
    await bridge.react(delivery(Reaction("e", "❤️"), theirs, ghost=grace))
    await bridge.react(delivery(Reaction("e", "👍"), theirs))

    assert seen(network, theirs).reactions == {"Grace": "❤️", "": "👍"}
    await bridge.react(delivery(Reaction("e", "❤️", removed=True), theirs, ghost=grace))
    assert seen(network, theirs).reactions == {"": "👍"}


async def test_given_a_long_message_when_the_bridge_changes_it_then_one_part_says_it_and_the_others_go(
    network: FakeNetwork, bridge: FakeBridge
) -> None:
    first, second = [(await bridge.send(delivery(Text(text)))).native_ids[0] for text in ("a long", "text")]
    await bridge.edit(delivery(Edit("e", Text("a short one")), first, second))

    assert (seen(network, first).text, seen(network, first).history) == ("a short one", ("a long",))
    assert seen(network, second).deleted
    await bridge.redact(delivery(Redaction("e"), first))
    assert all(shown.deleted for shown in network.shown("ada"))
    with pytest.raises(Rejected, match="any more"):
        await bridge.edit(delivery(Edit("e", Text("again")), first))


async def test_given_limits_of_changes_when_it_is_too_late_or_too_often_then_it_is_refused(
    network: FakeNetwork, bridge: FakeBridge
) -> None:
    clock = network.clock
    assert isinstance(clock, FakeClock)
    sent = (await bridge.send(delivery(Text("0")))).native_ids[0]
    for number in range(5):
        await bridge.edit(delivery(Edit("e", Text(str(number))), sent))

    with pytest.raises(Rejected, match="5 times"):
        await bridge.edit(delivery(Edit("e", Text("6")), sent))
    late = (await bridge.send(delivery(Text("7")))).native_ids[0]
    await clock.advance(901)
    with pytest.raises(Rejected, match="900 s"):
        await bridge.edit(delivery(Edit("e", Text("8")), late))


async def test_given_buttons_when_one_is_tapped_then_it_is_an_answer_in_its_words(
    network: FakeNetwork, bridge: FakeBridge
) -> None:
    sent = (await bridge.send(delivery(Text("Coming?", buttons=("Yes", "No"))))).native_ids[0]
    await network.tap("ada", sent, "Yes")

    (event,) = await came(network, bridge)
    assert isinstance(event, MessageReceived)
    assert (event.content, event.reply_to) == (Text("Yes"), sent)


async def test_given_that_somebody_writes_then_it_is_seen_until_the_message_comes(
    network: FakeNetwork, bridge: FakeBridge
) -> None:
    await bridge.typing("ada", "ada", True, "")
    assert network.sees_typing("ada")

    await bridge.send(delivery(Text("Hello")))
    assert not network.sees_typing("ada")
    assert network.signals == [("ada", True), ("ada", False)]


async def test_given_a_network_of_words_only_then_it_refuses_all_else(fake_context: FakeContext) -> None:
    network = FakeNetwork(capabilities=WORDS_ONLY)
    bridge = bridge_for(network)(FakeConfig(), fake_context)
    theirs = await network.type("ada", "Hello")

    ours = (await bridge.send(delivery(Text("Hello")))).native_ids[0]
    for content in (HERE, CARDS, POLL, SOFA, Text("?", buttons=("Yes",)), Media("image", MediaRef("a", "1"))):
        with pytest.raises(Rejected, match="no such thing"):
            await bridge.send(delivery(content))
    with pytest.raises(Rejected, match="reaction"):
        await bridge.react(delivery(Reaction("e", "😀"), theirs))
    with pytest.raises(Rejected, match="edit"):
        await bridge.edit(delivery(Edit("e", Text("?")), ours))
    with pytest.raises(Rejected, match="redaction"):
        await bridge.redact(delivery(Redaction("e"), ours))


async def test_given_what_nobody_can_do_then_a_test_is_told_so(network: FakeNetwork) -> None:
    theirs = await network.type("ada", "Hello")

    for undoable in (
        network.react("ada", "no-such-message", "😀"),
        network.edit("ben", theirs, "?"),
        network.tap("ada", theirs, "Yes"),
        network.vote("ada", theirs, "Here"),
    ):
        with pytest.raises(ValueError, match=r"message|write|button|poll"):
            await undoable
