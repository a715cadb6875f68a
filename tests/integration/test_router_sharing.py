"""Two routers on one nats-server: each has its part of the work, and one has all of it when the other is gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import chain
from typing import Final

import pytest

from gearmesh.bus import direct
from gearmesh.bus.connection import Access, Connection
from gearmesh.bus.journal import Journal
from gearmesh.bus.ledger import Ledger
from gearmesh.bus.members import Members
from gearmesh.bus.publisher import Publisher
from gearmesh.bus.store import Store
from gearmesh.bus.streams import IN, OUT, ensure_all
from gearmesh.bus.whereabouts import Process as Whereabouts
from gearmesh.metrics import Metrics
from gearmesh.model.address import Address
from gearmesh.model.conversation import Conversation
from gearmesh.model.envelope import Envelope, Header
from gearmesh.router import SHARE_EVERY, Router
from gearmesh.testing import NatsServer
from gearmesh.wire.codec import encode
from gearmesh.wire.subjects import PARTITIONS, Subjects

from .patience import eventually, until

SUBJECTS: Final = Subjects()
TAKEN_OVER_WITHIN: Final = 5.0
"""Seconds: what the death of a router may cost."""
CONVERSATIONS: Final = [f"c{number}" for number in range(3 * PARTITIONS)]
"""Enough that every partition has some."""
ALL: Final = list(range(PARTITIONS))


class Process:
    """One process' router, with connections of its own."""

    def __init__(self, connection: Connection, publisher: Publisher) -> None:
        metrics = Metrics()
        self.connection = connection
        self.members = Members(connection, SUBJECTS.bucket("leases"), "router")
        # As one of another machine would: nobody can see that it is dead, its sign of life must fade.
        self.members._here = Whereabouts(1, "1", f"machine of {self.members.me}")
        self.router = Router(
            publisher,
            Journal(connection, publisher, SUBJECTS, metrics),
            Ledger(connection, publisher, SUBJECTS, metrics),
            Store(connection, publisher, SUBJECTS.bucket("conversations"), Conversation),
            SUBJECTS,
            broker="test",
            apps={"whatsapp", "instagram"},
            members=self.members,
        )
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to work."""
        await self.router.prepare()
        self._running = asyncio.create_task(self.router.run())

    async def die(self) -> None:
        """End at once: nobody is told, and nothing is acknowledged any more."""
        if self._running:
            self._running.cancel()
            await asyncio.wait([self._running])

    @property
    def wanted(self) -> list[int]:
        """The partitions that it holds to be its own."""
        return [number for number, consumer in enumerate(self.router.consumers) if consumer.wanted]

    @property
    def runs(self) -> bool:
        """Whether it is at work, and not ended by a fault."""
        return self._running is not None and not self._running.done()


New = Callable[[], Awaitable[Process]]


@pytest.fixture
async def new(server: NatsServer, connection: Connection) -> AsyncIterator[New]:
    """Starts a process with a router."""
    await ensure_all(connection, SUBJECTS)
    async with AsyncExitStack() as stack:

        async def started() -> Process:
            own = await Connection.open(Access((server.url,)), "router")
            stack.push_async_callback(own.close)
            process = Process(own, await stack.enter_async_context(Publisher(own)))
            stack.push_async_callback(process.die)
            await process.start()
            return process

        yield started


class Talk:
    """What is said in all conversations: one message after the other in each, numbered."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.said = 0

    async def go_on(self, rounds: int = 1) -> None:
        """One more message in every conversation, `rounds` times."""
        for _ in range(rounds):
            self.said += 1
            for number, conversation in enumerate(CONVERSATIONS):
                identifier = number.to_bytes(8, "big") + self.said.to_bytes(8, "big")
                sender, recipient = Address("whatsapp", f"4{number}"), Address("instagram", f"17{number}")
                header = Header(identifier, "event", sender, (recipient,), conversation, time.time_ns() // 1_000_000)
                await self._connection.js.publish(
                    SUBJECTS.inbound("whatsapp", conversation),
                    encode(Envelope(header, b"body")),
                    headers={"Nats-Msg-Id": header.hex_id},
                )

    async def legs(self) -> dict[str, list[int]]:
        """The numbers of the legs that were stored for each conversation, in order."""
        found: dict[str, list[int]] = {conversation: [] for conversation in CONVERSATIONS}
        async for leg in direct.scan(self._connection, SUBJECTS.stream(OUT), SUBJECTS.legs()):
            envelope = leg.headers["Nats-Msg-Id"].partition("-")[0]
            found[leg.subject.rpartition(".")[2]].append(int(envelope[16:32], 16))
        return found

    async def all_routed(self, *, within: float = 20.0) -> None:
        """Wait until every message has its leg, and see that each has one, in order."""

        async def stored() -> int:
            return (await self._connection.js.stream_info(SUBJECTS.stream(OUT))).state.messages

        expected = self.said * len(CONVERSATIONS)
        await eventually(stored, lambda count: count >= expected, awaited=f"{expected} legs", within=within)
        for conversation, numbers in (await self.legs()).items():
            assert numbers == list(range(1, self.said + 1)), conversation

    async def all_acknowledged(self) -> None:
        """Wait until no router has anything left to do."""

        async def left() -> int:
            infos = [await self._connection.js.consumer_info(SUBJECTS.stream(IN), f"router-{number}") for number in ALL]
            return sum((info.num_pending or 0) + (info.num_ack_pending or 0) for info in infos)

        await eventually(left, lambda count: count == 0, awaited="everything to be acknowledged")


@pytest.fixture
def talk(connection: Connection) -> Talk:
    """What is said."""
    return Talk(connection)


async def all_shared(talk: Talk, *processes: Process) -> None:
    """Go on talking until each of the routers has an equal part of the partitions, and together they have all."""
    for _ in range(100):
        await talk.go_on()
        parts = [process.router.active for process in processes]
        if sorted(chain.from_iterable(parts)) == ALL and {len(part) for part in parts} == {
            PARTITIONS // len(processes)
        }:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"the partitions are not shared: {parts}")


async def test_given_one_router_then_it_has_all_partitions(new: New, talk: Talk) -> None:
    await all_shared(talk, await new())
    await talk.all_routed()


async def test_given_a_second_router_then_each_has_half_and_all_goes_on_in_order_and_once(new: New, talk: Talk) -> None:
    first = await new()
    await all_shared(talk, first)

    second = await new()
    await all_shared(talk, first, second)
    await talk.go_on(5)

    await talk.all_routed()
    await talk.all_acknowledged()
    assert [first.runs, second.runs] == [True, True]


async def test_given_a_router_that_leaves_then_the_other_has_all_in_time_in_order_and_once(
    new: New, talk: Talk
) -> None:
    first, second = await new(), await new()
    await all_shared(talk, first, second)

    await second.router.leave()
    await second.die()
    await talk.go_on(3)

    await talk.all_routed(within=TAKEN_OVER_WITHIN)
    await until(lambda: first.router.active == ALL, awaited="all partitions", within=TAKEN_OVER_WITHIN)
    await talk.all_acknowledged()


async def test_given_a_router_that_dies_then_the_other_has_all_in_time_in_order_and_once(new: New, talk: Talk) -> None:
    first, second = await new(), await new()
    await all_shared(talk, first, second)

    await second.die()
    await talk.go_on(3)

    await talk.all_routed(within=TAKEN_OVER_WITHIN)
    await until(lambda: first.router.active == ALL, awaited="all partitions", within=TAKEN_OVER_WITHIN)
    await talk.all_acknowledged()


async def test_given_nats_is_killed_and_started_again_then_the_work_is_shared_as_before_and_nothing_is_lost(
    server: NatsServer, connection: Connection, new: New, talk: Talk
) -> None:
    first, second = await new(), await new()
    await all_shared(talk, first, second)

    wanted = [process.wanted for process in (first, second)]
    server.kill()
    await until(lambda: not connection.is_up, awaited="the loss to be noticed")
    await asyncio.sleep(3 * SHARE_EVERY)  # longer than they take to look who is there: what is tested
    assert [process.wanted for process in (first, second)] == wanted, "one that cannot be asked is not gone"
    await server.start()
    await until(lambda: connection.is_up, awaited="the reconnect")

    await all_shared(talk, first, second)
    await talk.all_routed()
    await talk.all_acknowledged()
    assert [first.runs, second.runs] == [True, True]
