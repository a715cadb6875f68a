"""What was sent, and what people wrote, found from both sides in a real nats-server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from gearmesh.bus.connection import Connection
from gearmesh.bus.ledger import Ledger
from gearmesh.bus.publisher import Outcome, Publisher, Stored
from gearmesh.errors import BusError, BusUnavailable
from gearmesh.host.message_map import LegRecord, MessageMap, NativeRecord, leg_of
from gearmesh.metrics import Metrics
from gearmesh.model.delivery import LedgerEntry
from gearmesh.wire.subjects import Subjects

APP, THREAD = "messenger", "ada"
ENTRY = LedgerEntry(
    "e1", APP, "sent", 1, "event", "whatsapp:1", "messenger:ada", thread=THREAD, conversation="c", native_ids=("m.1",)
)
WRITTEN_BY = NativeRecord("e1", "c", "whatsapp:1")

New = Callable[[], MessageMap]


@pytest.fixture
def new(connection: Connection, publisher: Publisher) -> New:
    """Makes what a process knows, or what the one after it does."""
    return lambda: MessageMap(connection, publisher, Subjects())


@pytest.fixture
def ledger(connection: Connection, publisher: Publisher) -> Ledger:
    """The ledger, in which what was sent stands."""
    return Ledger(connection, publisher, Subjects(), Metrics())


async def write(ledger: Ledger, publisher: Publisher, entry: LedgerEntry = ENTRY) -> None:
    """Write down that a leg was sent."""

    async def outcome(result: Stored | BusError) -> None:
        assert isinstance(result, Stored)

    await ledger.sent(entry, outcome, new=True)
    await publisher.drain()


async def test_given_a_leg_that_is_being_written_down_then_it_is_known_at_once_and_also_when_nats_refuses_it(
    new: New,
) -> None:
    messages = new()
    messages.sending(ENTRY)
    for _ in range(2):
        assert await messages.leg("e1", APP, THREAD, anew=True) == leg_of(ENTRY)
        assert await messages.native(APP, "m.1", THREAD) == WRITTEN_BY
        assert messages.unwritten("e1", APP, THREAD) == ENTRY
    messages.forget(APP)
    assert await messages.leg("e1", APP, THREAD) == leg_of(ENTRY)
    messages.stored("e1", APP, THREAD)
    assert messages.unwritten("e1", APP, THREAD) is None
    assert await messages.leg("e1", APP, THREAD) is None, "nobody wrote it"


async def test_given_a_leg_that_was_written_down_then_whoever_comes_after_knows_it_by_both_ids(
    new: New, ledger: Ledger, publisher: Publisher
) -> None:
    await write(ledger, publisher)
    messages = new()
    assert await messages.leg("e1", APP, THREAD) == LegRecord(("m.1",))
    assert await messages.native(APP, "m.1", THREAD) == WRITTEN_BY
    assert await messages.leg("e1", APP, "ben") is None
    assert await new().native(APP, "m.1", "ben") is None


async def test_given_what_an_earlier_release_wrote_then_it_is_known_by_both_ids(new: New) -> None:
    earlier, native, leg = new(), NativeRecord("e1", "c", "whatsapp:1"), LegRecord(("m.1", "m.2"), 2)
    await earlier.remember(APP, THREAD, native, leg, new=("m.1", "m.2"))
    messages = new()
    assert await messages.leg("e1", APP, THREAD) == leg
    assert await messages.native(APP, "m.2", THREAD) == native


async def test_given_parts_that_were_refused_after_the_first_yes_then_they_are_missing_until_they_are_sent_again(
    new: New, ledger: Ledger, publisher: Publisher
) -> None:
    await write(ledger, publisher)
    refused = LegRecord((), 1, True, "", 0, (0,), 1)
    await new().remember_leg("e1", APP, THREAD, refused)
    assert await new().leg("e1", APP, THREAD) == refused

    again = LedgerEntry("e1", APP, "sent", 2, thread=THREAD, native_ids=("m.2",), refusals=1)
    await write(ledger, publisher, again)
    assert await new().leg("e1", APP, THREAD) == leg_of(again)
    assert await new().native(APP, "m.1", THREAD) == WRITTEN_BY, "and the first one is still known"


async def test_given_a_refusal_of_what_nats_had_refused_to_write_down_then_it_is_missing_all_the_same(new: New) -> None:
    messages = new()
    messages.sending(ENTRY)
    refused = LegRecord((), 1, True, "", 0, (0,), 1)
    await messages.remember_leg("e1", APP, THREAD, refused)
    assert await messages.leg("e1", APP, THREAD) == refused
    assert messages.unwritten("e1", APP, THREAD) is None


async def test_given_a_leg_of_several_parts_then_the_last_message_is_known_as_the_last(
    new: New, ledger: Ledger, publisher: Publisher
) -> None:
    messages, first = new(), NativeRecord("e1", "c", "whatsapp:1", False, 0)
    await messages.remember(APP, THREAD, first, LegRecord(("m.1",), 1, False, "", 7), new=("m.1",))
    last = msgspec.structs.replace(ENTRY, native_ids=("m.1", "m.2"), part=1, parts=2, place=7)
    messages.sending(last)
    await write(ledger, publisher, last)
    messages.stored("e1", APP, THREAD)
    for known in (messages, new()):
        assert await known.leg("e1", APP, THREAD) == LegRecord(("m.1", "m.2"), 2, True, "", 7)
        assert await known.native(APP, "m.1", THREAD) == first
        assert await known.native(APP, "m.2", THREAD) == NativeRecord("e1", "c", "whatsapp:1", True, 1)


async def test_given_an_answer_that_comes_late_then_what_it_was_about_is_not_kept_for_ever(
    new: New, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages, late = new(), asyncio.Event()
    send, sending = publisher.send, set[asyncio.Task[None]]()

    async def send_late(subject: str, payload: bytes, headers: dict[str, str] | None, outcome: Outcome) -> None:
        async def go() -> None:
            await late.wait()
            await send(subject, payload, headers, outcome)

        sending.add(asyncio.create_task(go()))

    first, leg = NativeRecord("e1", "c", "whatsapp:1", False), LegRecord(("m.1",), 1, False)
    with monkeypatch.context() as slow:
        slow.setattr(publisher, "send", send_late)
        with pytest.raises(BusUnavailable):
            await messages.remember(APP, THREAD, first, leg, new=("m.1",), patience=0.05)
    assert messages._unsaved, "nobody else knows that it was sent"
    assert await messages.leg("e1", APP, THREAD, anew=True) == leg

    late.set()
    await asyncio.gather(*sending)
    assert await messages.is_stored("e1", APP, THREAD)
    assert not messages._unsaved
    assert await new().leg("e1", APP, THREAD) == leg


async def test_given_what_somebody_wrote_and_nats_does_not_take_then_it_is_not_kept_for_it_comes_again(
    new: New, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages, wrote = new(), LegRecord(("m.1",), inbound=7)
    with monkeypatch.context() as away:
        away.setattr(publisher._resending, "online", False)
        with pytest.raises(BusUnavailable):
            await messages.remember(APP, THREAD, WRITTEN_BY, wrote, new=("m.1",), patience=0.05)
    assert not messages._unsaved
    await messages.remember(APP, THREAD, WRITTEN_BY, wrote, new=("m.1",), patience=5)
    assert await new().leg("e1", APP, THREAD) == wrote
