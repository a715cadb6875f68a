"""Several messages to one thread at once: what a bridge gets of them, and what becomes of those that fail."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from gearmesh import Delivery, Rejected, Retry, SendFailed, Sent, Unclear
from gearmesh.daemon import Daemon
from gearmesh.host.begun import Begins
from gearmesh.host.evidence import Evidence
from gearmesh.host.turn import Turn
from gearmesh.model.content import words_of
from gearmesh.model.delivery import LedgerEntry
from gearmesh.testing import FakeBridge, NatsServer
from gearmesh.wire.subjects import Subjects

from .pair import World
from .patience import eventually, until
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
        except (Retry, Unclear) as error:
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


async def test_given_a_connection_that_is_lost_then_what_the_network_shows_is_not_sent_again(
    world: World, nats_server: NatsServer, tmp_path: Path, batching: type[Batching]
) -> None:
    class Cut(batching):  # type: ignore[valid-type, misc]
        """Of what is on its way the first few arrive, and nobody says so."""

        calls = 0

        async def _show(self, delivery: Delivery) -> Sent:
            Cut.calls += 1
            if 1 < Cut.calls <= COUNT:
                if Cut.calls < 7:
                    await FakeBridge.send(self, delivery)
                raise Unclear("the connection was lost")
            sent: Sent = await FakeBridge.send(self, delivery)
            return sent

    world.south.echo = True
    async with world.running(nats_server, tmp_path, south=Cut) as daemon:
        await warm(world, batching)
        for number in range(1, COUNT):
            await world.north.type("ada", f"number {number}")
        await waiting(world, daemon, COUNT - 1)
        batching.may_go.set()
        await seen(world, list(range(COUNT)))


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


async def warm(world: World, batching: type[Batching]) -> None:
    """The conversation is open; what is written next waits."""
    await world.north.type("ada", "@south:ben number 0")
    batching.may_go.set()
    await seen(world, [0])
    batching.may_go.clear()


async def waiting(world: World, daemon: Daemon, count: int) -> None:
    """So many legs were taken and are not done with: one in work, the others behind it."""
    egress = daemon.apps["south"].egress
    await eventually(lambda: _of(egress.waiting), lambda legs: legs == count, awaited=f"{count} legs in hand")


async def _of(number: int) -> int:
    return number


async def test_given_one_that_has_to_wait_then_those_behind_it_go_together_again(
    world: World, nats_server: NatsServer, tmp_path: Path, batching: type[Batching]
) -> None:
    """Each of them would pause for itself, and go alone."""
    async with world.running(nats_server, tmp_path, south=batching) as daemon:
        await warm(world, batching)
        for number in range(1, 20):
            await world.north.type("ada", f"number {number}")
        await waiting(world, daemon, 19)
        await world.south.until(lambda: len(batching.together) == 2, awaited="the first of them to be on its way")
        world.south.fail(Retry("not now", after=0.01))
        world.south.fail(Retry("nor now", after=0.01))
        batching.together.clear()
        batching.may_go.set()
        await seen(world, list(range(20)))

    assert max(batching.together) > 10
    assert len(batching.together) < 60


@pytest.mark.parametrize("answer", [None, Sent(("\ud800",)), Sent((7,))], ids=["nothing", "no-unicode", "a-number"])  # type: ignore[arg-type]
async def test_given_an_answer_that_is_none_then_the_others_do_not_go_twice(
    world: World, nats_server: NatsServer, tmp_path: Path, batching: type[Batching], answer: Sent | None
) -> None:
    class Odd(batching):  # type: ignore[valid-type, misc]
        was = False

        async def _show(self, delivery: Delivery) -> Sent | None:
            sent: Sent = await super()._show(delivery)
            if "number 3" in words_of(delivery.content) and not Odd.was:
                Odd.was = True
                return answer
            return sent

    async with world.running(nats_server, tmp_path, south=Odd) as daemon:
        await warm(world, batching)
        for number in range(1, 10):
            await world.north.type("ada", f"number {number}")
        await waiting(world, daemon, 9)
        batching.may_go.set()
        await waiting(world, daemon, 0)

    twice = [number for number in range(10) if numbers(world).count(number) > 1]
    assert sorted(set(numbers(world))) == list(range(10))
    assert twice in ([], [3]), "an answer that says nothing is unclear; the others were clear"


async def test_given_an_answer_to_what_is_just_before_it_then_it_is_shown_as_one(
    world: World, nats_server: NatsServer, tmp_path: Path, batching: type[Batching]
) -> None:
    async with world.running(nats_server, tmp_path, south=batching) as daemon:
        await warm(world, batching)
        await world.north.type("ada", "number 1")
        asked = await world.north.type("ada", "number 2")
        await world.north.type("ada", "number 3", reply_to=asked)
        await waiting(world, daemon, 3)
        batching.may_go.set()
        await seen(world, [0, 1, 2, 3])
        shown = world.south.shown("ben")

    assert shown[-1].reply_to == shown[-2].id


async def test_given_a_turn_that_ends_with_many_on_their_way_then_nothing_fails(
    world: World, nats_server: NatsServer, tmp_path: Path, batching: type[Batching], caplog: pytest.LogCaptureFixture
) -> None:
    async with world.running(nats_server, tmp_path, south=batching) as daemon:
        await warm(world, batching)
        for number in range(1, 6):
            await world.north.type("ada", f"number {number}")
        await waiting(world, daemon, 5)
        egress = daemon.apps["south"].egress
        failed: list[Exception] = []
        egress._failed = failed.append  # type: ignore[method-assign, assignment]
        world.south.fail(Rejected("the first"))
        world.south.fail(Rejected("one of many"))
        egress.end()
        batching.may_go.set()
        await egress.finish()

    assert failed == []


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
        for task in daemon.apps["south"].egress._on_the_way._tasks.values():
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
        for task in daemon.apps["south"].egress._on_the_way._tasks.values():
            task.cancel()
    monkeypatch.setattr(Evidence, "seek", counted)
    async with world.running(nats_server, tmp_path, south=batching):
        await world.south.until(lambda: numbers(world) == list(range(8)), within=30, awaited="all of them")

    assert len(waits) == 7
    assert sum(waits) <= SIGN_WITHIN


async def test_given_a_predecessor_that_writes_down_what_it_sent_while_its_successor_begins_then_it_is_not_sent_again(
    world: World, nats_server: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Frozen(FakeBridge):
        """It hears no answer any more."""

        async def send(self, delivery: Delivery) -> Sent:
            await super().send(delivery)
            await asyncio.Event().wait()
            raise AssertionError

    async with world.running(nats_server, tmp_path, south=Frozen) as daemon:
        await world.north.type("ada", "@south:ben number 0")
        await seen(world, [0])
        for task in daemon.apps["south"].egress._on_the_way._tasks.values():
            task.cancel()
    drop = Begins._drop_what_was_sent
    written: list[str] = []

    async def woken(begins: Begins) -> None:
        for held in begins._undecided:
            envelope = held.begun.id.partition(":")[0]
            at, native_id = held.begun.at + 1, world.south.shown("ben")[-1].id
            entry = LedgerEntry(envelope, "south", "sent", at, thread="ben", to="south:ben", native_ids=(native_id,))
            subject = Subjects().sent("south", "ben", envelope, native_id)
            await begins._publisher.publish(subject, msgspec.msgpack.encode(entry))
            written.append(envelope)
        await drop(begins)

    monkeypatch.setattr(Begins, "_drop_what_was_sent", woken)
    async with world.running(nats_server, tmp_path):
        await world.north.type("ada", "number 1")
        await seen(world, [0, 1])

    assert written


async def go_at_once(world: World, daemon: Daemon, batching: type[Batching], count: int) -> None:
    """Let so many messages to Ben go at once, from number 1 on."""
    await warm(world, batching)
    for number in range(1, count + 1):
        await world.north.type("ada", f"number {number}")
    await waiting(world, daemon, count)
    batching.may_go.set()


async def test_given_one_in_doubt_behind_one_that_was_not_tried_then_it_is_looked_for_and_not_sent_again(
    world: World,
    nats_server: NatsServer,
    tmp_path: Path,
    batching: type[Batching],
) -> None:
    tries: dict[str, int] = {}

    async def show(bridge: FakeBridge, delivery: Delivery) -> Sent:
        words = words_of(delivery.content)
        tries[words] = tries.get(words, 0) + 1
        if tries[words] == 1 and words.endswith(("number 2", "number 3")):
            raise Retry("not now", after=0.01)
        sent = await FakeBridge.send(bridge, delivery)
        if tries[words] == 1 and words.endswith("number 4"):
            raise Unclear("the connection was lost")
        return sent

    world.south.echo = True
    async with world.running(nats_server, tmp_path, south=type("Cut", (batching,), {"_show": show})) as daemon:
        await go_at_once(world, daemon, batching, 5)
        await waiting(world, daemon, 0)

    assert sorted(numbers(world)) == [0, 1, 2, 3, 4, 5]


async def test_given_one_of_many_that_fails_before_it_is_waited_for_then_none_is_sent_twice(
    world: World,
    nats_server: NatsServer,
    tmp_path: Path,
    batching: type[Batching],
) -> None:
    failed: list[str] = []

    def send(bridge: Any, delivery: Delivery) -> Any:
        words = words_of(delivery.content)
        if "number 3" in words and not failed:
            failed.append(words)
            raise KeyError("no such thing")
        return batching.send(bridge, delivery)

    async with world.running(nats_server, tmp_path, south=type("Hasty", (batching,), {"send": send})) as daemon:
        await go_at_once(world, daemon, batching, 6)
        await until(lambda: {0, 1, 2, 4, 5, 6} <= set(numbers(world)), awaited="the others to arrive")
        await waiting(world, daemon, 0)

    assert len(numbers(world)) == len(set(numbers(world)))
