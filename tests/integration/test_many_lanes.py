"""Many threads at once, by a bridge without ghosts: what is rough, refused or broken keeps no lane from going on."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gearmesh import Delivery, RateLimited, ReadUpTo, Retry, SendFailed, Sent
from gearmesh.bus.ledger import Ledger
from gearmesh.bus.publisher import Outcome
from gearmesh.daemon import Daemon
from gearmesh.errors import BusRefused
from gearmesh.host.begun import Begins
from gearmesh.host.egress import UNCERTAIN
from gearmesh.host.quotes import Quotes
from gearmesh.model.address import Address
from gearmesh.model.content import Edit, Sender, Text, words_of
from gearmesh.model.conversation import dm_id
from gearmesh.model.delivery import LedgerEntry
from gearmesh.model.envelope import Envelope, Header
from gearmesh.testing import FakeBridge, NatsServer
from gearmesh.wire.body import close_body
from gearmesh.wire.codec import encode
from gearmesh.wire.subjects import Subjects

from .couple import Couple
from .patience import eventually, until

COUNT = 60
USERS = [f"u{number}" for number in range(12)]


@pytest.fixture
def couple(nats_server: NatsServer, tmp_path: Path) -> Couple:
    return Couple(nats_server, tmp_path)


class Plain(FakeBridge):
    """It has no ghosts: nobody has to be asked for one, and many lanes go together."""

    ghost = None  # type: ignore[assignment]


async def to_all(daemon: Daemon, users: list[str], text: str, number: int) -> None:
    """One leg to several people, as the router writes it."""
    sender, to = Address("north", "ada"), tuple(Address("south", user) for user in users)
    conversation = dm_id(sender, to[0])
    header = Header(number.to_bytes(16, "big"), "event", sender, to, conversation, time.time_ns() // 10**6)
    data = encode(Envelope(header, close_body(Text(text, Sender("Ada")))))
    await daemon.connection.js.publish(Subjects().outbound("south", conversation), data)


class Rough(Plain):
    """Refuses some messages for the moment, and with one all those behind it that are on their way."""

    at_once: ClassVar[int] = 1
    random: ClassVar[random.Random]
    got: ClassVar[dict[str, list[int]]]
    underway: ClassVar[dict[str, int]]
    failed: ClassVar[dict[str, SendFailed]]
    lines: ClassVar[dict[str, asyncio.Lock]]
    count: ClassVar[int] = 0

    async def send(self, delivery: Delivery) -> Sent:
        kind, thread = type(self), delivery.thread
        if not self.underway.get(thread):
            self.failed.pop(thread, None)
        self.underway[thread] = self.underway.get(thread, 0) + 1
        try:
            async with self.lines.setdefault(thread, asyncio.Lock()):
                if thread in self.failed:
                    raise self.failed[thread]
                await asyncio.sleep(self.random.random() * 0.004)
                if self.random.random() < 0.04:
                    ways = [Retry("not now", after=0.01), RateLimited("slow", scope="recipient", after=0.02)]
                    self.failed[thread] = self.random.choice(ways)
                    raise self.failed[thread]
                self.got.setdefault(thread, []).append(int(words_of(delivery.content).rpartition(" ")[2]))
                kind.count += 1
                return Sent((f"id{kind.count}",))
        finally:
            self.underway[thread] -= 1


@pytest.mark.parametrize("at_once", [1, 6])
@pytest.mark.parametrize("seed", [1, 2])
async def test_given_a_rough_network_and_a_nats_that_refuses_then_each_thread_gets_everything_once_and_in_order(
    couple: Couple, monkeypatch: pytest.MonkeyPatch, seed: int, at_once: int
) -> None:
    dice = random.Random(seed)
    names: dict[str, Any] = {"got": {}, "underway": {}, "failed": {}, "lines": {}}
    rough = type("RoughHere", (Rough,), names | {"at_once": at_once, "random": dice})
    begin_all, write, is_calm = Begins.begin_all, Ledger._write_sent, asyncio.Event()

    async def begins(waves: Begins, deliveries: list[Delivery], at: int) -> None:
        if not is_calm.is_set() and dice.random() < 0.01:
            raise BusRefused("full", 1)
        await begin_all(waves, deliveries, at)

    def writes(ledger: Ledger, entry: LedgerEntry, outcome: Outcome) -> Any:
        if not is_calm.is_set() and dice.random() < 0.005:
            return refuses(outcome)
        return write(ledger, entry, outcome)

    async def refuses(outcome: Outcome) -> None:
        asyncio.get_running_loop().call_soon(lambda: asyncio.ensure_future(outcome(BusRefused("full", 1))))

    monkeypatch.setattr(Begins, "begin_all", begins)
    monkeypatch.setattr(Ledger, "_write_sent", writes)
    monkeypatch.setattr("gearmesh.host.egress.REFUSED_PAUSE", 0.05)
    for user in USERS:
        couple.south.add(user, user)
    async with couple.running(south=rough) as daemon:
        egress = daemon.apps["south"].egress
        for number in range(COUNT):
            for first in range(0, len(USERS), 3):
                await to_all(daemon, USERS[first : first + 3], f"number {number}", number * 100 + first + 1)
            if dice.random() < 0.1:
                egress.give_back("the test", 0.02)
        is_calm.set()
        everything = {user: list(range(COUNT)) for user in USERS}
        await until(
            lambda: all(len(names["got"].get(user, ())) >= COUNT for user in USERS) and not egress.waiting,
            awaited="everything to arrive",
            within=60,
        )
        await eventually(partial(unacknowledged, daemon), lambda left: not left, awaited="all to be acknowledged")

        assert names["got"] == everything
        assert not egress.queued
        assert not egress._on_the_way._tasks
        assert not egress._on_the_way._unwritten
        assert not egress._held
        assert egress._at_hand == 0
        assert not daemon.apps["south"]._evidence.begins._undecided
        assert not couple.shared.messages._unwritten


async def unacknowledged(daemon: Daemon) -> int:
    info = await daemon.connection.js.consumer_info("GM_OUT", "egress-south")
    return (info.num_pending or 0) + (info.num_ack_pending or 0)


async def test_given_a_send_that_cancels_the_task_that_it_runs_in_then_the_lane_goes_on(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancelled: list[str] = []

    class Confused(Plain):
        async def send(self, delivery: Delivery) -> Sent:
            if "bad" in words_of(delivery.content) and not cancelled:
                cancelled.append(delivery.id)
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
                await asyncio.sleep(0)
            return await super().send(delivery)

    monkeypatch.setattr("gearmesh.host.egress.REFUSED_PAUSE", 0.05)
    async with couple.running(south=Confused):
        await couple.comes("north", couple.written("n1", "@south:ben Hello"))
        await couple.sees("Hello")
        await couple.comes("north", couple.written("n2", "bad"))
        await couple.comes("north", couple.written("n3", "and again"))
        await couple.sees("and again")

    assert [shown.text.rpartition("\n")[2] for shown in couple.south.shown("ben")] == ["Hello", "bad", "and again"]


async def test_given_a_ghost_that_cancels_the_task_that_asks_for_it_then_the_lane_goes_on(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancelled: list[str] = []

    class Confused(FakeBridge):
        async def ghost(self, thread: str, sender: Sender) -> str:
            if not cancelled:
                cancelled.append(thread)
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
                await asyncio.sleep(0)
            return await super().ghost(thread, sender)

    monkeypatch.setattr("gearmesh.host.egress.REFUSED_PAUSE", 0.05)
    async with couple.running(south=Confused):
        await couple.comes("north", couple.written("n1", "@south:ben Hello"))
        await couple.comes("north", couple.written("n2", "and again"))
        await couple.sees("and again")

    assert [shown.text.rpartition("\n")[2] for shown in couple.south.shown("ben")] == ["Hello", "and again"]


async def test_given_an_answer_of_nats_that_comes_when_the_turn_is_over_then_nothing_has_failed(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Ledger._write_sent
    answers: list[Callable[[], Awaitable[None]]] = []
    reasons: list[str] = []

    def writes(ledger: Ledger, entry: LedgerEntry, outcome: Outcome) -> Any:
        async def late(result: Any) -> None:
            answers.append(partial(outcome, result))

        return write(ledger, entry, late)

    async with couple.running(south=Plain) as daemon:
        await couple.comes("north", couple.written("n1", "@south:ben Hello"))
        await couple.remembered(await couple.sees("Hello"))
        monkeypatch.setattr(Ledger, "_write_sent", writes)
        await couple.comes("north", couple.written("n2", "and again"))
        await until(lambda: len(answers) == 1, awaited="an answer of nats")
        egress = daemon.apps["south"].egress
        egress.give_back = lambda reason, pause: reasons.append(reason)
        egress.end()
        await answers[0]()
        assert reasons in ([], [UNCERTAIN]), "it is written down, and comes again if its acknowledgement is lost"
        assert await egress.finish(0.1)


async def test_given_an_answer_that_takes_seconds_when_the_first_watermark_comes_then_it_speaks_of_that_message(
    couple: Couple,
) -> None:
    shown_at: list[int] = []

    class Slow(Plain):
        async def send(self, delivery: Delivery) -> Sent:
            sent = await super().send(delivery)
            shown_at.append(couple.now())
            couple.clock.ahead += 2.5
            return sent

    async with couple.running(south=Slow):
        await couple.comes("north", couple.written("n-1", "@south:ben Hello"))
        await couple.remembered(await couple.sees("Hello"))
        await couple.comes("south", ReadUpTo("ben", "ben", couple.now(), shown_at[0] + 100, "delivered"))
        await couple.ticks(("n-1", "delivered"))


@pytest.mark.parametrize("edited", [True, False], ids=["edited", "taken back"])
async def test_given_a_message_that_changes_while_its_words_are_read_then_the_old_ones_are_not_kept(
    couple: Couple, monkeypatch: pytest.MonkeyPatch, edited: bool
) -> None:
    stored, is_read, may_go_on = Quotes._stored, asyncio.Event(), asyncio.Event()

    async def slow(quotes: Quotes, log: str, place: int) -> bytes:
        data = await stored(quotes, log, place)
        is_read.set()
        await may_go_on.wait()
        return data

    async with couple.running(south=Plain) as daemon:
        await couple.comes("north", couple.written("n-1", "@south:ben Hello"))
        native_id = await couple.sees("Hello")
        await couple.remembered(native_id)
        record = await couple.shared.messages.native("south", native_id, "ben")
        assert record is not None
        quotes = daemon.apps["south"].egress._sender._quotes
        monkeypatch.setattr(Quotes, "_stored", slow)
        asking = asyncio.create_task(quotes.of(record.envelope, "ben"))
        await is_read.wait()
        if edited:
            quotes.keep("e", Edit(record.envelope, Text("Hello, mended", Sender("Ada"))))
        else:
            await daemon.connection.js.purge_stream("GM_OUT")
            quotes.forget(record.envelope)
        may_go_on.set()
        quoted = await asking

    if edited:
        assert quoted is not None
        assert quoted.content is not None
        assert words_of(quoted.content) == "Hello, mended"
    else:
        assert quoted is None
