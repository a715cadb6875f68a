"""Several messages to one thread at once: what a bridge gets of them, and what becomes of those that fail."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from gearmesh import Delivery, Rejected, Retry, SendFailed, Sent, Unclear
from gearmesh.testing import FakeBridge, NatsServer

from .pair import World

COUNT = 30


class Batching(FakeBridge):
    """Sends what it is given at once, and says of all behind a message that may be sent again that they failed too."""

    batches: list[int]
    may_go: asyncio.Event

    async def send(self, delivery: Delivery) -> Sent:
        await self.may_go.wait()
        self.batches.append(1)
        return await super().send(delivery)

    async def send_all(self, deliveries: Sequence[Delivery]) -> Sequence[Sent | SendFailed]:
        await self.may_go.wait()
        self.batches.append(len(deliveries))
        results: list[Sent | SendFailed] = []
        stopped: SendFailed | None = None
        for delivery in deliveries:
            if stopped is not None:
                results.append(stopped)
                continue
            try:
                results.append(await super().send(delivery))
            except SendFailed as error:
                results.append(error)
                stopped = None if isinstance(error, Rejected | Unclear) else error
        return results


@pytest.fixture
def batching() -> type[Batching]:
    """A bridge of its own for each test."""
    return type("Batching", (Batching,), {"batches": [], "may_go": asyncio.Event()})


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

    assert sum(batching.batches) == COUNT
    assert max(batching.batches) > COUNT // 2


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


@pytest.mark.parametrize("answers", [(), (Sent(("x",)),) * 99])
async def test_given_a_bridge_that_miscounts_then_its_messages_are_unclear_and_arrive(
    world: World, nats_server: NatsServer, tmp_path: Path, batching: type[Batching], answers: tuple[Sent, ...]
) -> None:
    class Miscounting(batching):  # type: ignore[valid-type, misc]
        async def send_all(self, deliveries: Sequence[Delivery]) -> Sequence[Sent | SendFailed]:
            await super().send_all(deliveries[:0])
            return answers

    async with world.running(nats_server, tmp_path, south=Miscounting):
        await jam(world, batching, 5)
        await seen(world, list(range(5)))


async def test_given_a_bridge_that_fails_in_a_way_it_should_not_then_its_messages_arrive(
    world: World, nats_server: NatsServer, tmp_path: Path, batching: type[Batching]
) -> None:
    class Broken(batching):  # type: ignore[valid-type, misc]
        async def send_all(self, deliveries: Sequence[Delivery]) -> Sequence[Sent | SendFailed]:
            await self.may_go.wait()
            raise KeyError(len(deliveries))

    async with world.running(nats_server, tmp_path, south=Broken):
        await jam(world, batching, 5)
        await seen(world, list(range(5)))


async def test_given_a_process_that_dies_with_many_on_their_way_then_its_successor_sends_only_what_did_not_arrive(
    world: World, nats_server: NatsServer, tmp_path: Path, batching: type[Batching]
) -> None:
    shown = asyncio.Event()

    class Dying(batching):  # type: ignore[valid-type, misc]
        async def send_all(self, deliveries: Sequence[Delivery]) -> Sequence[Sent | SendFailed]:
            await super().send_all(deliveries[: len(deliveries) // 2])
            shown.set()
            await asyncio.Event().wait()
            return ()

    world.south.echo = True
    async with world.running(nats_server, tmp_path, south=Dying) as daemon:
        await jam(world, batching, 20)
        await shown.wait()
        for tasks in [daemon.apps["south"].egress._tasks]:
            for task in tasks.values():
                task.cancel()
    arrived = numbers(world)
    assert 5 < len(arrived) < 20
    async with world.running(nats_server, tmp_path, south=batching):
        await world.south.until(lambda: sorted(numbers(world)) == list(range(20)), within=30, awaited="all of them")

    assert numbers(world) == list(range(20))
