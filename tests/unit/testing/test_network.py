"""The messenger in memory and its bridge, beyond what the contract covers."""

from __future__ import annotations

import asyncio

import pytest

from gearmesh import (
    BusUnavailable,
    Delivery,
    EchoReceived,
    MessageReceived,
    RateLimited,
    Rejected,
    Retry,
    Sender,
    Text,
    Unauthorized,
    Unclear,
    WebhookResponse,
)
from gearmesh.config import parse
from gearmesh.model.capabilities import Capabilities, Limit
from gearmesh.testing import (
    FakeBridge,
    FakeClock,
    FakeConfig,
    FakeContext,
    FakeNetwork,
    Shown,
    Typed,
    bridge_for,
    plugins_of,
)


@pytest.fixture
def network() -> FakeNetwork:
    network = FakeNetwork()
    network.add("ada", "Ada Lovelace")
    return network


@pytest.fixture
def bridge(network: FakeNetwork, fake_context: FakeContext) -> FakeBridge:
    return bridge_for(network)(FakeConfig(), fake_context)


def hello(delivery_id: str = "leg-1") -> Delivery:
    return Delivery(delivery_id, "ada", "ada", Text("Hello"), Sender("Grace"))


async def test_given_an_order_to_fail_then_it_fails_so_often_and_then_works(
    network: FakeNetwork, bridge: FakeBridge
) -> None:
    network.fail(RateLimited("slow down", scope="app", after=3), times=2)

    for _ in range(2):
        with pytest.raises(RateLimited):
            await bridge.send(hello())
    sent = await bridge.send(hello())

    assert network.shown("ada") == (Shown(sent.native_ids[0], "Hello", "ada"),)


async def test_given_a_lost_answer_then_the_message_is_shown_all_the_same(
    network: FakeNetwork, bridge: FakeBridge
) -> None:
    network.fail(Unclear("no answer"), shown=True)

    with pytest.raises(Unclear):
        await bridge.send(hello())

    assert [shown.text for shown in network.shown("ada")] == ["Hello"]


async def test_given_an_order_to_drop_then_the_id_comes_and_nothing_is_shown(
    network: FakeNetwork, bridge: FakeBridge
) -> None:
    network.drop()

    assert (await bridge.send(hello())).native_ids
    assert network.shown("ada") == ()


async def test_given_echoes_then_our_own_messages_come_back_with_our_id(
    network: FakeNetwork, bridge: FakeBridge, fake_context: FakeContext
) -> None:
    network.echo = True
    running = asyncio.create_task(bridge.run())
    sent = await bridge.send(hello("leg-7"))

    echo = await fake_context.next_event(EchoReceived)

    assert (echo.native_id, echo.delivery_id) == (sent.native_ids[0], "leg-7")
    running.cancel()
    await asyncio.wait({running})


async def test_given_a_slow_network_then_a_send_takes_its_time(fake_context: FakeContext) -> None:
    clock = FakeClock()
    network = FakeNetwork(clock=clock)
    network.add("ada")
    network.delay = 30
    sending = asyncio.create_task(bridge_for(network)(FakeConfig(), fake_context).send(hello()))
    await clock.until_asleep()
    assert network.shown("ada") == ()

    await clock.advance(30)

    assert (await sending).native_ids == (network.shown("ada")[0].id,)


async def test_given_nobody_of_that_name_or_too_long_a_text_then_the_network_refuses(fake_context: FakeContext) -> None:
    short = Limit(3, "characters", "this test")
    network = FakeNetwork(capabilities=Capabilities(text=short, source="this test"))
    bridge = bridge_for(network)(FakeConfig(), fake_context)

    with pytest.raises(Rejected, match="nobody"):
        await bridge.send(hello())
    network.add("ada")
    with pytest.raises(Rejected, match="3 characters"):
        await bridge.send(hello())


async def test_given_a_network_out_of_reach_then_run_ends_sends_are_tried_again_and_what_is_typed_waits(
    network: FakeNetwork, bridge: FakeBridge, fake_context: FakeContext
) -> None:
    running = asyncio.create_task(bridge.run())
    await fake_context.until(lambda: bool(fake_context.reports))
    network.reachable = False
    with pytest.raises(ConnectionError):
        await running
    with pytest.raises(Retry):
        await bridge.send(hello())
    native_id = await network.type("ada", "Hello?")

    network.reachable = True
    running = asyncio.create_task(bridge.run())

    assert (await fake_context.next_event(MessageReceived)).native_id == native_id
    await network.until(lambda: network.waiting == 0)
    running.cancel()
    await asyncio.wait({running})


async def test_given_refused_credentials_then_run_says_so(network: FakeNetwork, bridge: FakeBridge) -> None:
    network.lets_in = False

    with pytest.raises(Unauthorized):
        await bridge.run()


async def test_given_a_message_by_webhook_then_it_comes_in_unless_it_is_forged(
    network: FakeNetwork, bridge: FakeBridge, fake_context: FakeContext
) -> None:
    request = network.request(network.typed("ada", "By post", thread="the club"))

    assert await bridge.webhook(request) == WebhookResponse()
    fake_context.unavailable = True
    with pytest.raises(BusUnavailable):
        await bridge.webhook(request)

    (event,) = fake_context.events_of(MessageReceived)
    assert (event.thread, event.user, event.content) == ("the club", "ada", Text("By post"))


def test_given_two_networks_then_a_configuration_finds_their_bridges() -> None:
    north, south = FakeNetwork("north"), FakeNetwork("south", title="The South")

    config = parse(
        {"apps": {"n": {"bridge": "north"}, "s": {"bridge": "south", "ghosts": False}}}, plugins_of(north, south)
    )

    assert {name: app.bridge.title for name, app in config.apps.items()} == {"n": "North", "s": "The South"}
    assert config.apps["s"].settings == FakeConfig(ghosts=False)


async def test_given_a_room_when_our_account_is_not_in_it_then_nothing_of_it_is_told(network: FakeNetwork) -> None:
    await network.type("ada", "Too early", thread="#club")
    network.sit_in(["#club"])
    heard = await network.type("ada", "Hello", thread="#club")
    network.sit_in([])
    await network.type("ada", "Too late", thread="#club")
    await network.move("ada", "#club", "left")

    told = await network.first()
    assert network.waiting == 1
    assert isinstance(told, Typed)
    assert (told.id, told.text) == (heard, "Hello")


async def test_given_a_network_that_retells_when_we_sit_in_rooms_anew_then_what_was_said_there_is_told_again(
    network: FakeNetwork,
) -> None:
    network.retells = True
    network.sit_in(["#club"])
    said = await network.type("ada", "Hello", thread="#club")
    await network.type("ada", "Between us")
    network.acknowledge()
    network.acknowledge()
    network.sit_in(["#club"])

    again = await network.first()
    assert network.waiting == 1
    assert isinstance(again, Typed)
    assert again.id == said
