"""Bridges that break the contract inside a real daemon: their messages still arrive, and nobody else notices."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from gearmesh import Delivery, Profile, ReceiptDelivery, Sender, Sent
from gearmesh.bus.letters import Letters, Wanted
from gearmesh.daemon import Daemon
from gearmesh.host import opening
from gearmesh.model.address import Address
from gearmesh.model.content import Content, Text
from gearmesh.model.conversation import dm_id
from gearmesh.model.envelope import Envelope, Header
from gearmesh.testing import FakeBridge, NatsServer
from gearmesh.wire.body import close_body, open_body
from gearmesh.wire.codec import encode
from gearmesh.wire.subjects import Subjects

from .pair import World
from .patience import eventually


@pytest.fixture
def world() -> World:
    return World()


async def test_given_two_networks_when_somebody_writes_then_it_arrives(
    world: World, nats_server: NatsServer, tmp_path: Path
) -> None:
    async with world.running(nats_server, tmp_path):
        await world.north.type("ada", "@south:ben Hello")
        await world.arrives("Hello")


async def test_given_an_app_with_capital_letters_then_it_can_be_addressed_with_and_without_them(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    world = World("North", "South")
    async with world.running(nats_server, tmp_path):
        await world.north.type("ada", "@South:ben One")
        await world.north.type("ada", "@south:ben Two")
        await world.arrives("One", "Two")


async def test_given_a_send_that_cancels_itself_when_it_works_again_then_the_message_arrives(
    world: World, nats_server: NatsServer, tmp_path: Path
) -> None:
    class CancelsOnce(FakeBridge):
        cancelled = False

        async def send(self, delivery: Delivery) -> Sent:
            if not self.cancelled:
                self.cancelled = True
                answer: asyncio.Future[Sent] = asyncio.get_running_loop().create_future()
                answer.cancel()  # as a bridge does that loses its connection
                return await answer
            return await super().send(delivery)

    async with world.running(nats_server, tmp_path, south=CancelsOnce):
        await world.north.type("ada", "@south:ben Hello")
        await world.north.type("ada", "and again")
        await world.arrives("Hello", "and again")


async def test_given_a_run_that_cancels_itself_then_it_is_run_again(
    world: World, nats_server: NatsServer, tmp_path: Path
) -> None:
    class CancelsOnce(FakeBridge):
        cancelled = False

        async def run(self) -> None:
            if not self.cancelled:
                self.cancelled = True
                raise asyncio.CancelledError
            await super().run()

    async with world.running(nats_server, tmp_path, north=CancelsOnce):
        await world.north.type("ada", "@south:ben Hello")
        await world.arrives("Hello")


async def test_given_a_profile_that_fails_in_any_way_then_the_message_arrives_without_it(
    world: World, nats_server: NatsServer, tmp_path: Path
) -> None:
    class Forgetful(FakeBridge):
        async def profile(self, user: str) -> Profile:
            raise KeyError(user)

    async with world.running(nats_server, tmp_path, north=Forgetful):
        await world.north.type("ada", "@south:ben Hello")
        await world.arrives("Hello")


async def test_given_ghosts_that_fail_in_any_way_then_the_text_says_who_wrote(
    world: World, nats_server: NatsServer, tmp_path: Path
) -> None:
    class Haunted(FakeBridge):
        async def ghost(self, thread: str, sender: Sender) -> str:
            raise KeyError(sender.name)

    async with world.running(nats_server, tmp_path, south=Haunted):
        await world.north.type("ada", "@south:ben Hello")
        await world.arrives("Ada (@ada, North):\nHello")


async def test_given_a_ghost_that_never_comes_then_the_text_says_who_wrote(
    world: World, nats_server: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(FakeBridge):
        async def ghost(self, thread: str, sender: Sender) -> str:
            await asyncio.Event().wait()
            return ""

    monkeypatch.setattr("gearmesh.host.composing.GHOST_WITHIN", 0.05)
    async with world.running(nats_server, tmp_path, south=Slow):
        await world.north.type("ada", "@south:ben Hello")
        await world.arrives("Ada (@ada, North):\nHello")


async def test_given_receipts_that_hang_or_fail_then_messages_to_that_person_still_go_out(
    world: World, nats_server: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[ReceiptDelivery] = []

    class Unreceptive(FakeBridge):
        async def receipt(self, delivery: ReceiptDelivery) -> None:
            asked.append(delivery)
            world.north.mark((), "")
            if len(asked) == 1:
                raise KeyError(delivery.native_ids)
            await asyncio.Event().wait()

    monkeypatch.setattr("gearmesh.host.handling.RECEIPT_WITHIN", 0.05)
    async with world.running(nats_server, tmp_path, north=Unreceptive):
        for number in (1, 2):
            await world.north.type("ada", f"@south:ben Hello {number}")
            await world.arrives(f"Hello {number}")
            await world.south.read("ben")
            await world.north.until(lambda number=number: len(asked) >= number)  # type: ignore[misc]
        await world.south.type("ben", "Hello yourself")
        await world.north.until(
            lambda: any("Hello yourself" in shown.text for shown in world.north.shown("ada")), within=20
        )


async def test_given_a_leg_that_we_fail_to_open_then_it_is_kept_for_the_operator_and_the_next_one_arrives(
    world: World, nats_server: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_body

    def fails(seal: str, body: bytes) -> Content:
        if b"Hello" in body:
            raise KeyError("a fault of ours")
        return opened(seal, body)

    monkeypatch.setattr(opening, "open_body", fails)
    async with world.running(nats_server, tmp_path) as daemon:
        await world.north.type("ada", "@south:ben Hello")
        await eventually(lambda: _dead(daemon), awaited="the leg to be a dead letter")
        await world.north.type("ada", "and again")
        await world.arrives("and again")


async def _dead(daemon: Daemon) -> int:
    return (await daemon.connection.js.stream_info("GM_DEAD")).state.messages


LONG = "somebody-whose-id-is-longer-than-forty-characters-"


class Threadless(FakeBridge):
    """Names no thread for some people."""

    def thread_of(self, user: str) -> str:
        if user.startswith(LONG):
            raise KeyError(user)
        return super().thread_of(user)


async def test_given_recipients_without_a_thread_then_the_others_get_the_message_and_each_of_these_has_a_dead_letter(
    world: World, nats_server: NatsServer, tmp_path: Path
) -> None:
    sender, lost = Address("north", "ada"), [f"{LONG}{number}" for number in range(2)]
    recipients = tuple(Address("south", user) for user in (lost[0], "ben", lost[1]))
    async with world.running(nats_server, tmp_path, south=Threadless) as daemon:
        await world.north.type("ada", "@south:ben Hello")
        await world.arrives("Hello")
        header = Header(bytes(16), "event", sender, recipients, dm_id(sender, recipients[1]), time.time_ns() // 10**6)
        data = encode(Envelope(header, close_body(Text("to all of you", Sender("Ada")))))
        await daemon.connection.js.publish(Subjects().outbound("south", header.conversation), data)
        await world.arrives("Hello", "to all of you")
        letters = Letters(daemon.connection, Subjects())
        found = await eventually(lambda: letters.find(Wanted()), lambda found: len(found) == 2, awaited="two letters")
        await world.north.type("ada", "and again")
        await world.arrives("Hello", "to all of you", "and again")

    assert {letter.header.to for letter in found if letter.header} == {(recipients[0],), (recipients[2],)}
    assert all("names no thread" in letter.detail for letter in found)
