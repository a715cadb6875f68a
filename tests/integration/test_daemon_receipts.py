"""What networks report of messages, in whatever way, reaches whoever wrote: in order, once, and as far as it may."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from gearmesh import Delivery, ReadUpTo, ReceiptReceived, Sent
from gearmesh.bus import streams
from gearmesh.bus.ledger_reader import LedgerReader
from gearmesh.bus.publisher import Publisher
from gearmesh.host import waiting
from gearmesh.host.message_map import MessageMap, NativeRecord
from gearmesh.host.waiting import WaitingRoom
from gearmesh.model.address import Address
from gearmesh.model.content import ReceiptState
from gearmesh.model.person import Disclosure
from gearmesh.testing import FakeBridge, NatsServer

from .couple import SHORTEST_WINDOW, Couple
from .patience import eventually

STATES: Final[tuple[ReceiptState, ...]] = ("delivered", "read")


@pytest.fixture
def couple(nats_server: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Couple:
    """Two networks whose logs forget ids almost at once: what is told twice must not be hidden by them."""
    monkeypatch.setattr(streams, "DUPLICATE_WINDOW", SHORTEST_WINDOW)
    return Couple(nats_server, tmp_path)


class ReportsFirst(FakeBridge):
    """Its network reports what became of a message before it has answered that it took it."""

    async def send(self, delivery: Delivery) -> Sent:
        sent = await super().send(delivery)
        now = int(self.context.now() * 1000)
        for state in STATES:
            await self.context.receive(ReceiptReceived(delivery.thread, delivery.user, now, state, sent.native_ids))
        return sent


async def written(couple: Couple, *names: str) -> list[str]:
    """Ada writes these to Ben; the native ids on his side."""
    native_ids = []
    for name in names:
        await couple.comes("north", couple.written(name, f"@south:ben {name}!"))
        native_ids.append(await couple.sees(f"{name}!"))
        await couple.remembered(native_ids[-1])
    return native_ids


async def is_recorded(couple: Couple, *native_ids: str) -> None:
    """Wait until the ledger says that these were sent."""
    for native_id in native_ids:
        record = await couple.shared.messages.native("south", native_id)
        assert record is not None
        await eventually(partial(states, couple, record.envelope), awaited="the ledger to have it")


async def states(couple: Couple, envelope: str) -> list[str]:
    steps = await LedgerReader(couple.daemon.connection, couple.shared.subjects).steps("south", envelope)
    return [step.state for step in steps]


async def test_given_receipts_before_the_networks_yes_then_whoever_wrote_learns_them_in_order(couple: Couple) -> None:
    async with couple.running(south=ReportsFirst):
        await couple.comes("north", couple.written("n-1", "@south:ben hello"))

        await couple.ticks(("n-1", "delivered"), ("n-1", "read"))


class Room:
    """A waiting room of the south app, and what is told when its messages become known."""

    def __init__(self, couple: Couple) -> None:
        self.waiting = WaitingRoom(couple.daemon.apps["south"].app, self._tell)
        self.told: list[tuple[str, str]] = []
        self.may_tell = asyncio.Event()

    async def _tell(self, event: ReceiptReceived, native_id: str, record: NativeRecord) -> None:
        await self.may_tell.wait()
        self.told.append((native_id, event.state))

    async def is_empty(self) -> bool:
        return len(self.waiting) == 0


async def test_given_receipts_that_wait_when_their_message_becomes_known_then_they_are_told_in_order(
    couple: Couple,
) -> None:
    async with couple.running():
        room = Room(couple)
        for state in STATES:
            room.waiting.enter("s-1", couple.reported(state, "s-1"))
        await couple.shared.messages.note("south", "s-1", NativeRecord("ab" * 16, "c", "north:ada"))
        room.waiting.enter("s-1", couple.reported("played", "s-1"))
        assert (room.told, len(room.waiting), "s-1" in room.waiting) == ([], 3, True)

        room.may_tell.set()
        await eventually(room.is_empty, awaited="the receipts to be told")

        assert room.told == [("s-1", "delivered"), ("s-1", "read"), ("s-1", "played")]
        assert "s-1" not in room.waiting


async def test_given_a_receipt_for_a_message_that_nobody_sent_then_it_waits_for_its_time_and_is_dropped(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "WAITS_FOR", 0.05)
    async with couple.running():
        room = Room(couple)
        for native_id in ("unknown", "unknown", "other"):
            room.waiting.enter(native_id, couple.reported("read", native_id))
        assert len(room.waiting) == 3

        await eventually(room.is_empty, awaited="the receipts to be dropped")

        assert (room.told, "unknown" in room.waiting) == ([], False)


async def test_given_a_message_that_another_process_sent_then_its_receipt_finds_it_at_last(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "WAITS_FOR", 0.05)
    async with couple.running():
        room, shared = Room(couple), couple.shared
        room.may_tell.set()
        room.waiting.enter("s-1", couple.reported("read", "s-1"))
        other = MessageMap(couple.daemon.connection, shared.publisher, shared.subjects)
        await other.note("south", "s-1", NativeRecord("ab" * 16, "c", "north:ada"))

        await eventually(room.is_empty, awaited="the receipt to be told")

        assert room.told == [("s-1", "read")]


async def test_given_many_receipts_for_unknown_messages_then_no_more_wait_than_may(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MOST_WAITING", 3)
    async with couple.running():
        room = Room(couple)
        for number in range(9):
            room.waiting.enter(f"unknown-{number}", couple.reported("read", f"unknown-{number}"))

        assert len(room.waiting) == 3
        await room.waiting.close()
        assert len(room.waiting) == 0


async def test_given_a_watermark_then_everything_up_to_it_that_was_not_read_before_is_told(couple: Couple) -> None:
    async with couple.running():
        await written(couple, "n-1", "n-2")
        between = couple.now()
        couple.clock.ahead += 1
        await written(couple, "n-3")

        await couple.comes("south", ReadUpTo("ben", "ben", couple.now(), between))
        await couple.ticks(("n-1", "read"), ("n-2", "read"))
        assert await couple.receipts() == 2
        await couple.logs_have_forgotten()
        await couple.comes("south", ReadUpTo("ben", "ben", couple.now(), couple.now()))
        await couple.ticks(("n-1", "read"), ("n-2", "read"), ("n-3", "read"))
        assert await couple.receipts() == 3


async def test_given_a_first_watermark_while_it_is_written_down_what_was_sent_then_that_is_told(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, may_go = Publisher.send, asyncio.Event()

    async def waits(publisher: Publisher, subject: str, *rest: Any, **more: Any) -> None:
        if subject.startswith("gm.ledger.south.ben."):
            await may_go.wait()
        await send(publisher, subject, *rest, **more)

    async with couple.running():
        await couple.comes("north", couple.written("n-0", "@south:ben Hello"))
        await couple.sees("Hello")
        monkeypatch.setattr(Publisher, "send", waits)
        await couple.comes("north", couple.written("n-1", "n-1!"))
        await couple.remembered(await couple.sees("n-1!"))

        await couple.comes("south", ReadUpTo("ben", "ben", couple.now(), couple.now()))
        await couple.ticks(("n-0", "read"), ("n-1", "read"))
        may_go.set()


async def test_given_a_watermark_of_deliveries_then_each_is_told_once_and_can_still_be_read(couple: Couple) -> None:
    async with couple.running():
        await written(couple, "n-1")
        await couple.comes("south", ReadUpTo("ben", "ben", couple.now(), couple.now(), "delivered"))
        await couple.ticks(("n-1", "delivered"))
        await written(couple, "n-2")
        await couple.logs_have_forgotten()

        await couple.comes("south", ReadUpTo("ben", "ben", couple.now(), couple.now(), "delivered"))
        await couple.ticks(("n-1", "delivered"), ("n-2", "delivered"))
        assert await couple.receipts() == 2
        await couple.comes("south", ReadUpTo("ben", "ben", couple.now(), couple.now()))
        await couple.ticks(("n-1", "delivered"), ("n-2", "delivered"), ("n-1", "read"), ("n-2", "read"))


async def test_given_a_restart_when_a_watermark_comes_then_what_was_sent_before_is_told_but_not_what_was_read(
    couple: Couple,
) -> None:
    async with couple.running():
        first, *others = await written(couple, "n-1", "n-2", "n-3")
        await is_recorded(couple, first, *others)
        await couple.comes("south", couple.reported("read", first))
        await couple.ticks(("n-1", "read"))
        await couple.comes("south", couple.written("s-1", "an answer", user="ben"))
    couple.clock.ahead += 5

    async with couple.running():
        await couple.logs_have_forgotten()
        await couple.comes("south", ReadUpTo("ben", "ben", couple.now(), couple.now()))
        await couple.ticks(("n-1", "read"), ("n-2", "read"), ("n-3", "read"))
        assert await couple.receipts() == 3

    async with couple.running():
        await couple.logs_have_forgotten()
        await couple.comes("south", ReadUpTo("ben", "ben", couple.now(), couple.now()))
        await written(couple, "n-4")
        await couple.comes("south", ReadUpTo("ben", "ben", couple.now(), couple.now()))
        await couple.ticks(("n-1", "read"), ("n-2", "read"), ("n-3", "read"), ("n-4", "read"))


async def test_given_a_restart_when_a_watermark_lies_before_a_message_then_that_is_not_told(couple: Couple) -> None:
    async with couple.running():
        await is_recorded(couple, *await written(couple, "n-1"))
    async with couple.running():
        await couple.comes("south", ReadUpTo("ben", "ben", couple.now(), couple.now() - 60_000))
        await couple.comes("south", ReadUpTo("ben", "ben", couple.now(), couple.now() + 1_000))

        await couple.ticks(("n-1", "read"))


@pytest.mark.parametrize(
    ("receipts", "reports", "told"),
    [
        ("read", ("delivered", "read"), ("delivered", "read")),
        ("read", ("delivered", "played"), ("delivered", "played")),
        ("delivered", ("delivered", "read"), ("delivered",)),
        ("delivered", ("read",), ("delivered",)),
        ("delivered", ("played",), ("delivered",)),
        ("none", ("delivered", "read", "played"), ()),
    ],
)
async def test_given_what_a_reader_lets_others_know_then_whoever_writes_learns_no_more_and_the_ledger_has_all(
    couple: Couple, receipts: Disclosure, reports: tuple[ReceiptState, ...], told: tuple[str, ...]
) -> None:
    async with couple.running():
        ben, bob = Address("south", "ben"), Address("south", "bob")
        await couple.shared.directory.seed("ben", "Ben", (ben,), receipts=receipts)
        await couple.shared.directory.seed("bob", "Bob", (bob,))
        (native_id,) = await written(couple, "n-1")
        record = await couple.shared.messages.native("south", native_id)
        assert record is not None
        await couple.comes("south", *(couple.reported(state, native_id) for state in reports))

        await couple.comes("north", couple.written("n-2", "@south:bob the last"))
        last = await couple.sees("the last", "bob")
        await couple.remembered(last)
        await couple.comes("south", couple.reported("read", last, user="bob"))
        await couple.ticks(*(("n-1", state) for state in told), ("n-2", "read"))
        recorded = await states(couple, record.envelope)
        assert {"read" if state == "played" else state for state in reports} <= set(recorded)


async def test_given_that_only_deliveries_are_told_when_the_reader_reads_much_later_then_nothing_is_told_again(
    couple: Couple,
) -> None:
    async with couple.running():
        await couple.shared.directory.seed("ben", "Ben", (Address("south", "ben"),), receipts="delivered")
        (native_id,) = await written(couple, "n-1")
        await couple.comes("south", couple.reported("delivered", native_id))
        await couple.ticks(("n-1", "delivered"))
    async with couple.running():
        await couple.logs_have_forgotten()
        before = await couple.stored("GM_IN")
        await couple.comes("south", couple.reported("read", native_id))

        assert await couple.stored("GM_IN") == before
