"""Attempts that end too early, or at the wrong moment: nothing is sent twice for it, and nobody waits for ever."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from gearmesh import Delivery, RateLimited, Sent, WindowClosed
from gearmesh.bus.consumer import Taken
from gearmesh.bus.ledger import Ledger
from gearmesh.bus.publisher import Outcome
from gearmesh.daemon import Daemon
from gearmesh.errors import BusRefused, BusUnavailable
from gearmesh.host.begun import Begins
from gearmesh.host.message_map import MessageMap
from gearmesh.host.turn import Turn
from gearmesh.model.capabilities import Window
from gearmesh.model.delivery import LedgerEntry
from gearmesh.testing import FakeBridge, NatsServer

from .couple import Couple
from .patience import eventually, until


@pytest.fixture
def couple(nats_server: NatsServer, tmp_path: Path) -> Couple:
    return Couple(nats_server, tmp_path)


async def test_given_nats_fails_whoever_tries_the_ground_then_messages_go_on_afterwards(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin_all = Begins.begin_all
    attempts: list[str] = []

    async def fails_the_second_time(begins: Begins, deliveries: Sequence[Delivery], at: int) -> None:
        attempts.extend(delivery.id for delivery in deliveries)
        if len(attempts) == 2:
            raise BusUnavailable("nats starts again")
        await begin_all(begins, deliveries, at)

    monkeypatch.setattr(Begins, "begin_all", fails_the_second_time)
    async with couple.running():
        couple.south.fail(RateLimited("wait, all of you", scope="app", after=0.1))
        await couple.comes("north", couple.written("n1", "@south:ben Hello"))
        await couple.sees("Hello")
    assert len(attempts) == 3


async def test_given_the_app_is_lost_while_an_attempt_is_written_down_then_nothing_is_sent(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin_all = Begins.begin_all
    begun: list[str] = []

    async def is_overtaken(begins: Begins, deliveries: Sequence[Delivery], at: int) -> None:
        await begin_all(begins, deliveries, at)
        begun.extend(delivery.id for delivery in deliveries)
        if len(begun) == 1:
            couple.daemon.apps["south"].egress.end()  # as when somebody else has taken over

    monkeypatch.setattr(Begins, "begin_all", is_overtaken)
    async with couple.running():
        await couple.comes("north", couple.written("n1", "@south:ben Hello"))
        await until(lambda: begun, awaited="the attempt to be written down")
        await couple.sees("Hello")
        assert len(begun) == 2, "it went out although the turn had ended; only the next turn may send it"
        assert len(couple.south.shown("ben")) == 1


async def test_given_an_app_that_drains_when_its_consumer_begins_another_turn_then_what_waits_is_left_to_others(
    couple: Couple,
) -> None:
    async with couple.running():
        egress = couple.daemon.apps["south"].egress
        couple.south.fail(RateLimited("wait", scope="recipient", after=3600.0))
        await couple.comes("north", couple.written("n1", "@south:ben Hello"))
        await until(lambda: egress.queued, awaited="the leg to wait in its queue")

        assert await egress.drain(1.0)
        await egress.begin(Turn())

        assert egress.queued == 0


async def test_given_the_ledger_cannot_be_read_after_a_send_when_the_leg_comes_again_then_it_is_not_sent_again(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Ledger.sent
    failed: list[LedgerEntry] = []

    async def fails_once(ledger: Ledger, entry: LedgerEntry, outcome: Outcome, *, new: bool = False) -> None:
        if not failed:
            failed.append(entry)
            raise BusUnavailable("nats starts again")
        await write(ledger, entry, outcome, new=new)

    couple.south.fail(RateLimited("wait", scope="recipient", after=3600.0))
    async with couple.running() as daemon:
        await couple.comes("north", couple.written("n1", "@south:ben Hello"))
        await until(lambda: daemon.apps["south"].egress.queued, awaited="the leg to wait in its queue")
    monkeypatch.setattr(Ledger, "sent", fails_once)

    async with couple.running() as daemon:
        await until(lambda: failed, awaited="the ledger to fail")
        await couple.comes("north", couple.written("n2", "and behind it"))
        await couple.sees("and behind it")

        assert [shown.text for shown in couple.south.shown("ben")] == ["Hello", "and behind it"]


@pytest.mark.parametrize("waits", [False, True], ids=["in the log", "in its queue"])
async def test_given_nats_refuses_to_write_down_what_was_sent_when_it_comes_again_then_it_is_not_sent_again(
    couple: Couple, monkeypatch: pytest.MonkeyPatch, waits: bool
) -> None:
    write = Ledger.sent
    refused: list[LedgerEntry] = []

    async def refuses_twice(ledger: Ledger, entry: LedgerEntry, outcome: Outcome, *, new: bool = False) -> None:
        if len(refused) < 2:
            refused.append(entry)
            await outcome(BusRefused("insufficient resources", 10023))
            return
        await write(ledger, entry, outcome, new=new)

    monkeypatch.setattr(Ledger, "sent", refuses_twice)
    if waits:
        couple.south.fail(RateLimited("wait", scope="recipient", after=3.5))
    async with couple.running():
        await couple.comes("north", couple.written("n1", "@south:ben Hello"), couple.written("n2", "and behind it"))
        await couple.sees("and behind it")

        assert [shown.text for shown in couple.south.shown("ben")] == ["Hello", "and behind it"]
        first, again = refused
        assert first == again, "it is written down as it was"
        native_id = couple.south.shown("ben")[0].id
        other = MessageMap(couple.daemon.connection, couple.shared.publisher, couple.shared.subjects)
        known = await other.native("south", native_id, "ben")
        assert known is not None
        assert known.envelope == first.envelope


async def test_given_somebody_answers_an_invitation_before_it_is_confirmed_then_what_waited_arrives(
    couple: Couple,
) -> None:
    class AnsweredAtOnce(FakeBridge):
        is_open = False

        async def send(self, delivery: Delivery) -> Sent:
            if not self.is_open:
                raise WindowClosed("they have not written for a day")
            return await super().send(delivery)

        async def invite(self, delivery: Delivery) -> Sent | None:
            self.is_open = True
            await couple.comes("south", couple.written("s1", "@north:ada Yes?", user="ben"))
            return Sent(("invitation",))

    couple.south.capabilities = msgspec.structs.replace(couple.south.capabilities, window=Window(24 * 3600.0))
    async with couple.running(south=AnsweredAtOnce):
        await couple.comes("north", couple.written("n1", "@south:ben Hello"))
        await couple.sees("Hello")


@pytest.mark.parametrize("why", ["too old", "no thread"])
async def test_given_a_leg_that_was_sent_and_cannot_go_again_then_nobody_is_told_that_it_was_not_sent(
    couple: Couple, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    async def is_lost(taken: Taken) -> None:
        """What a process does that dies before it has said that a leg is done with."""

    class Threadless(FakeBridge):
        def thread_of(self, user: str) -> str:
            raise KeyError(user)

    async with couple.running():
        monkeypatch.setattr(Taken, "ack", is_lost)
        await couple.comes("north", couple.written("n1", "@south:ben Hello"))
        native_id = await couple.sees("Hello")
        await couple.remembered(native_id)
        await until(lambda: couple.shared.messages.unwritten_to("south", "ben") == [], awaited="it to be written down")
        monkeypatch.undo()
    couple.clock.ahead += 8 * 86_400 if why == "too old" else 0

    async with couple.running(south=Threadless if why == "no thread" else FakeBridge) as daemon:
        await all_acknowledged(daemon)
        record = await couple.shared.messages.native("south", native_id, "ben")
        assert record is not None
        assert await couple.shared.ledger.state(record.envelope, "south", "south:ben", "ben") == "sent"
        assert not couple.north.shown("ada")
        assert (await daemon.connection.js.stream_info("GM_DEAD")).state.messages == 0


async def all_acknowledged(daemon: Daemon) -> None:
    """Wait until everything that stands in the outbound log is done with by the app in the south."""

    async def left() -> int:
        info = await daemon.connection.js.consumer_info("GM_OUT", "egress-south")
        return (info.num_pending or 0) + (info.num_ack_pending or 0)

    await eventually(left, lambda left: not left, awaited="everything to be acknowledged")
