"""Several messages to one thread at once: what a bridge gets of them, and what becomes of those that fail."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

import pytest

from gearmesh import Delivery, Rejected, Retry, SendFailed, Sent, Unclear
from gearmesh.host.evidence import Evidence
from gearmesh.host.turn import Turn
from gearmesh.testing import FakeBridge, NatsServer

from .pair import World
from .town import SIGN_WITHIN

COUNT = 30


class Batching(FakeBridge):
    """Sends what it is given at once, in order, and takes those behind a message along that may be sent again."""

    at_once: ClassVar[int] = 50
    together: list[int]
    """How many were on their way when each began."""
    may_go: asyncio.Event
    failed: SendFailed | None = None
    line: asyncio.Lock
    underway = 0

    async def send(self, delivery: Delivery) -> Sent:
        self.underway += 1
        self.together.append(self.underway)
        if self.underway == 1:
            self.failed = None
        try:
            await self.may_go.wait()
            await asyncio.sleep(0)  # on its way
            async with self.line:
                return await self._show(delivery)
        finally:
            self.underway -= 1

    async def _show(self, delivery: Delivery) -> Sent:
        if self.failed is not None:
            raise self.failed
        try:
            return await super().send(delivery)
        except Retry as error:
            self.failed = error
            raise


@pytest.fixture
def batching() -> type[Batching]:
    """A bridge of its own for each test."""
    return type("Batching", (Batching,), {"together": [], "may_go": asyncio.Event(), "line": asyncio.Lock()})


@pytest.fixture
def world() -> World:
    return World()


async def jam(world: World, batching: type[Batching], count: int = COUNT) -> None:
    """Ada writes so many messages while nothing goes out to Ben; then everything may."""
    await world.north.type("ada", "@south:ben number 0")
    for number in range(1, count):
        await world.north.type("ada", f"number {number}")
    await world.north.until(lambda: not world.north.waiting, awaited="everything to be stored")
    batching.may_go.set()


def numbers(world: World) -> list[int]:
    """What Ben sees."""
    texts = [shown.text for shown in world.south.shown("ben")]
    return [int(text.rpartition("number ")[2]) for text in texts if "number " in text]


async def seen(world: World, wanted: list[int]) -> None:
    """Ben sees these, in this order, and nothing else of them."""
    await world.south.until(lambda: numbers(world) == wanted, within=20, awaited=f"{wanted}, not {numbers(world)}")


async def test_given_many_that_wait_for_one_thread_then_they_go_out_together_in_order(
    world: World, nats_server: NatsServer, tmp_path: Path, batching: type[Batching]
) -> None:
    async with world.running(nats_server, tmp_path, south=batching):
        await jam(world, batching)
        await seen(world, list(range(COUNT)))

    assert len(batching.together) == COUNT
    assert max(batching.together) > COUNT // 2


async def test_given_one_that_is_refused_then_the_others_arrive_and_its_writer_is_told(
    world: World, nats_server: NatsServer, tmp_path: Path, batching: type[Batching]
) -> None:
    async with world.running(nats_server, tmp_path, south=batching):
        world.south.fail(Retry("not now", after=0.0))  # the first goes alone; so that its successors are together
        await world.north.type("ada", "@south:ben number 0")
        batching.may_go.set()
        await seen(world, [0])
        batching.may_go.clear()
        world.south.fail(Rejected("no such words here"))
        for number in range(1, 10):
            await world.north.type("ada", f"number {number}")
        await world.north.until(lambda: not world.north.waiting, awaited="everything to be stored")
        batching.may_go.set()
        await seen(world, [0, *range(2, 10)])
        await world.north.until(lambda: bool(world.north.shown("ada")), within=20, awaited="a notice to Ada")

    assert len(world.north.shown("ada")) == 1


async def test_given_one_that_has_to_be_sent_again_then_none_overtakes_it(
    world: World, nats_server: NatsServer, tmp_path: Path, batching: type[Batching]
) -> None:
    async with world.running(nats_server, tmp_path, south=batching):
        await world.north.type("ada", "@south:ben number 0")
        batching.may_go.set()
        await seen(world, [0])
        batching.may_go.clear()
        for number in range(1, COUNT):
            await world.north.type("ada", f"number {number}")
        await world.north.until(lambda: not world.north.waiting, awaited="everything to be stored")
        for failure in (Retry("not now", after=0.01), Retry("nor now", after=0.01)):
            world.south.fail(failure)
        batching.may_go.set()
        await seen(world, list(range(COUNT)))


async def test_given_answers_that_are_lost_then_what_the_network_shows_is_not_sent_again(
    world: World, nats_server: NatsServer, tmp_path: Path, batching: type[Batching]
) -> None:
    world.south.echo = True
    async with world.running(nats_server, tmp_path, south=batching):
        await world.north.type("ada", "@south:ben number 0")
        batching.may_go.set()
        await seen(world, [0])
        batching.may_go.clear()
        world.south.fail(Unclear("no answer"), times=5, shown=True)
        world.south.fail(Unclear("no answer"), times=5)
        for number in range(1, COUNT):
            await world.north.type("ada", f"number {number}")
        await world.north.until(lambda: not world.north.waiting, awaited="everything to be stored")
        batching.may_go.set()
        await world.south.until(lambda: sorted(set(numbers(world))) == list(range(COUNT)), within=30, awaited="all")

    assert len(numbers(world)) == COUNT, "something arrived twice"


async def test_given_a_bridge_that_fails_in_a_way_it_should_not_then_its_messages_arrive(
    world: World, nats_server: NatsServer, tmp_path: Path, batching: type[Batching]
) -> None:
    class Broken(batching):  # type: ignore[valid-type, misc]
        failures = 3

        async def _show(self, delivery: Delivery) -> Sent:
            if Broken.failures:
                Broken.failures -= 1
                raise KeyError(delivery.id)
            sent: Sent = await super()._show(delivery)
            return sent

    async with world.running(nats_server, tmp_path, south=Broken):
        await jam(world, batching, 5)
        await world.south.until(lambda: sorted(numbers(world)) == list(range(5)), within=20, awaited="all five")


async def test_given_a_process_that_dies_with_many_on_their_way_then_its_successor_sends_only_what_did_not_arrive(
    world: World, nats_server: NatsServer, tmp_path: Path, batching: type[Batching]
) -> None:
    class Dying(batching):  # type: ignore[valid-type, misc]
        """Its answers do not come any more after the first, and from some message on, the messages do not either."""

        shown = 0

        async def send(self, delivery: Delivery) -> Sent:
            await self.may_go.wait()
            if Dying.shown < 12:
                Dying.shown += 1
                sent: Sent = await FakeBridge.send(self, delivery)
                if Dying.shown == 1:
                    return sent
            await asyncio.Event().wait()
            raise AssertionError

    world.south.echo = True
    async with world.running(nats_server, tmp_path, south=Dying) as daemon:
        await jam(world, batching, 20)
        await world.south.until(lambda: len(numbers(world)) == 12, awaited="twelve of them")
        for task in daemon.apps["south"].egress._tasks.values():
            task.cancel()
    assert numbers(world) == list(range(12))
    async with world.running(nats_server, tmp_path, south=batching):
        await world.south.until(lambda: sorted(numbers(world)) == list(range(20)), within=30, awaited="all of them")

    assert numbers(world) == list(range(20))


async def test_given_a_process_that_dies_with_many_on_their_way_then_its_successor_waits_once_for_signs_of_them_all(
    world: World, nats_server: NatsServer, tmp_path: Path, batching: type[Batching], monkeypatch: pytest.MonkeyPatch
) -> None:
    all_away = asyncio.Event()

    class Dying(batching):  # type: ignore[valid-type, misc]
        """Its answers do not come any more after the first, nor do its messages."""

        async def send(self, delivery: Delivery) -> Sent:
            await self.may_go.wait()
            self.together.append(1)
            if len(self.together) == 1:
                return await FakeBridge.send(self, delivery)
            if len(self.together) == 8:
                all_away.set()
            await asyncio.Event().wait()
            raise AssertionError

    seek = Evidence.seek
    waits: list[float] = []

    async def counted(evidence: Evidence, delivery: Delivery, since: int, within: float, turn: Turn) -> str:
        waits.append(within)
        return await seek(evidence, delivery, since, within, turn)

    async with world.running(nats_server, tmp_path, south=Dying) as daemon:
        await jam(world, batching, 8)
        await asyncio.wait_for(all_away.wait(), 20)
        for task in daemon.apps["south"].egress._tasks.values():
            task.cancel()
    monkeypatch.setattr(Evidence, "seek", counted)
    async with world.running(nats_server, tmp_path, south=batching):
        await world.south.until(lambda: numbers(world) == list(range(8)), within=30, awaited="all of them")

    assert len(waits) == 7
    assert sum(waits) <= SIGN_WITHIN
