"""The ledger against a real nats-server: only steps that may follow are taken, written and counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import pairwise, product
from random import Random
from typing import get_args

import msgspec
import pytest

from gearmesh.bus.connection import Access, Connection
from gearmesh.bus.ledger import Ledger
from gearmesh.bus.ledger_reader import LedgerReader
from gearmesh.bus.publisher import Publisher, Stored
from gearmesh.bus.streams import ensure_all
from gearmesh.core.cache import Cache
from gearmesh.errors import BusError, BusUnavailable
from gearmesh.metrics import Metrics
from gearmesh.model.delivery import TRANSITIONS, LedgerEntry, Reason, State
from gearmesh.testing import NatsServer
from gearmesh.wire.subjects import Subjects

from .patience import until
from .streams import everything

STATES: tuple[State, ...] = get_args(State)
REASONS: tuple[Reason, ...] = ("", "rate_limit", "window_closed")
APP, ADA, BEN = "whatsapp", "whatsapp:491511", "whatsapp:491522"
THREAD = "491511"
SUBJECTS = Subjects()
WALKS = 8
STEPS = 30


class Process:
    """One process' ledger, with all that belongs to it."""

    def __init__(self, connection: Connection, publisher: Publisher) -> None:
        self.metrics = Metrics()
        self.publisher = publisher
        self.ledger = Ledger(connection, publisher, SUBJECTS, self.metrics)

    async def step(self, state: State, envelope: str = "e1", to: str = ADA, reason: Reason = "", at: int = 1) -> bool:
        """Take a step."""
        entry = LedgerEntry(envelope, APP, state, at, to=to, reason=reason, thread=THREAD)
        return await self.ledger.step(entry)

    async def sent(
        self, native_id: str, envelope: str = "e1", to: str = ADA, at: int = 1, *, before: str = "", refusals: int = 0
    ) -> None:
        """Write down that a leg was sent: as this native message, or as two."""

        async def outcome(result: Stored | BusError) -> None:
            assert isinstance(result, Stored)

        native_ids = (before, native_id) if before else (native_id,)
        entry = LedgerEntry(envelope, APP, "sent", at, to=to, thread=THREAD, native_ids=native_ids, refusals=refusals)
        await self.ledger.sent(entry, outcome)

    async def hand_over(self, successor: Process) -> None:
        """Another process is at work from now on."""
        await self.publisher.drain()
        successor.ledger.forget(APP)

    def counted(self, state: State) -> float:
        """How many legs are counted as having come to a state."""
        name, labels = "gearmesh_messages_total", {"app": APP, "direction": "out", "outcome": state}
        return self.metrics.registry.get_sample_value(name, labels) or 0


@pytest.fixture
async def processes(server: NatsServer, connection: Connection) -> AsyncIterator[list[Process]]:
    """Two processes, each with a connection of its own."""
    await ensure_all(connection, SUBJECTS)
    async with AsyncExitStack() as stack:
        found = []
        for name in ("first", "second"):
            own = await Connection.open(Access((server.url,)), name)
            stack.push_async_callback(own.close)
            found.append(Process(own, await stack.enter_async_context(Publisher(own))))
        yield found


@pytest.fixture
def process(processes: list[Process]) -> Process:
    """One of them, when the other one does nothing."""
    return processes[0]


async def written(connection: Connection, process: Process, envelope: str = "e1", to: str = ADA) -> list[LedgerEntry]:
    """The entries of a leg, as they stand in the log."""
    await process.publisher.drain()
    found = await everything(connection, "GM_LEDGER", SUBJECTS.ledger(APP, envelope))
    entries = [msgspec.msgpack.decode(data, type=LedgerEntry) for _, data in found]
    return [entry for entry in entries if entry.to == to]


def is_legal(states: list[State]) -> bool:
    """Whether these states may follow each other; that a leg is accepted may be said twice."""
    steps = pairwise(["accepted", *states])
    return all(after in TRANSITIONS[before] or before == after == "accepted" for before, after in steps)


async def test_given_a_leg_in_any_state_then_a_step_is_taken_if_the_table_has_it_and_not_otherwise(
    connection: Connection, process: Process
) -> None:
    path: dict[State, list[State]] = {"accepted": [], "delivered": ["sent"], "read": ["sent"]}
    for before, after in product(STATES, STATES):
        envelope = f"{before}-{after}"
        for state in [*path.get(before, []), *([] if before == "accepted" else [before])]:
            assert await process.step(state, envelope, reason="rate_limit" if state == "parked" else "")
        entries, counted = len(await written(connection, process, envelope)), process.counted(after)
        allowed = after in TRANSITIONS[before] or after == before == "accepted"

        assert await process.step(after, envelope) is allowed, envelope

        assert len(await written(connection, process, envelope)) == entries + allowed
        assert process.counted(after) == counted + (allowed and after != "accepted")
        assert await process.ledger.state(envelope, APP, ADA, THREAD) == (after if allowed else before)


@pytest.mark.parametrize("seed", range(4))
async def test_given_two_processes_that_take_turns_then_what_is_written_is_always_a_walk_that_the_table_allows(
    connection: Connection, processes: list[Process], seed: int
) -> None:
    random = Random(seed)
    at_work, other = processes
    taken: dict[tuple[str, str], list[State]] = {(f"e{number}", to): [] for number in range(WALKS) for to in (ADA, BEN)}
    for number in range(WALKS * STEPS):
        if random.random() < 0.1:
            await at_work.hand_over(other)
            at_work, other = other, at_work
        leg = envelope, to = random.choice(list(taken))
        state, reason = random.choice(STATES), random.choice(REASONS)
        if await at_work.step(state, envelope, to, reason, number):
            taken[leg].append(state)

    for (envelope, to), states in taken.items():
        entries = await written(connection, at_work, envelope, to)
        assert [entry.state for entry in entries] == states
        assert is_legal(states), states
        assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)
        assert await at_work.ledger.state(envelope, APP, to, THREAD) == (states[-1] if states else "accepted")
    for state in STATES:
        steps = sum(states.count(state) for states in taken.values()) if state != "accepted" else 0
        assert at_work.counted(state) + other.counted(state) == steps


async def test_given_a_network_that_takes_and_refuses_in_turn_then_each_time_is_written(
    connection: Connection, process: Process
) -> None:
    way: list[State] = ["parked", "sent", "parked", "sent", "parked", "sent", "delivered", "read"]
    for state in way:
        assert await process.step(state)
    assert [entry.state for entry in await written(connection, process)] == way


async def test_given_a_leg_that_waits_for_the_same_again_then_nothing_new_is_written(
    connection: Connection, process: Process
) -> None:
    assert await process.step("parked", reason="rate_limit")
    assert not await process.step("parked", reason="rate_limit")
    assert await process.step("parked", reason="window_closed")
    assert await process.step("parked", reason="rate_limit")
    reasons = [entry.reason for entry in await written(connection, process)]
    assert reasons == ["rate_limit", "window_closed", "rate_limit"]
    assert process.counted("parked") == 3


async def test_given_the_same_step_of_two_processes_that_did_not_know_of_each_other_then_it_is_written_once(
    connection: Connection, processes: list[Process]
) -> None:
    first, second = processes
    assert await second.ledger.state("e1", APP, ADA, THREAD) == "accepted"
    assert await first.step("sent")
    await first.publisher.drain()
    assert await second.step("sent")
    assert [entry.state for entry in await written(connection, second)] == ["sent"]


async def test_given_several_recipients_then_each_leg_has_its_own_state(
    connection: Connection, processes: list[Process]
) -> None:
    first, second = processes
    assert await first.step("sent", to=ADA)
    assert await first.step("parked", to=BEN)
    assert await first.step("delivered", to=ADA)
    assert not await first.step("delivered", to=BEN)
    await first.hand_over(second)

    assert await second.ledger.state("e1", APP, ADA, THREAD) == "delivered"
    assert await second.ledger.state("e1", APP, BEN, THREAD) == "parked"
    assert await second.ledger.state("e1", APP, "", THREAD) == "accepted"
    assert await second.ledger.state("e1", "messenger", ADA, THREAD) == "accepted"
    assert [entry.state for entry in await written(connection, first, to=BEN)] == ["parked"]


async def test_given_a_server_that_was_killed_then_the_state_is_what_was_written_before(
    server: NatsServer, connection: Connection, processes: list[Process]
) -> None:
    first, second = processes
    for state in ("parked", "sent", "delivered"):
        await first.step(state, reason="window_closed" if state == "parked" else "")
    await first.publisher.drain()
    server.kill()
    await server.start()
    await until(lambda: second.publisher.online, awaited="the reconnect")

    assert await second.ledger.state("e1", APP, ADA, THREAD) == "delivered"
    assert not await second.step("failed")
    assert await second.step("read")


async def test_given_a_leg_that_is_known_to_be_new_then_nobody_has_to_ask_what_came_before(
    server: NatsServer, process: Process
) -> None:
    process.ledger._connection.js._timeout = 0.2
    server.kill()
    await until(lambda: not process.publisher.online, awaited="the loss to be noticed")
    assert await process.ledger.step(LedgerEntry("e1", APP, "sent", 1, to=ADA), new=True)
    assert await process.step("delivered"), "and what is at hand is believed"
    with pytest.raises(BusUnavailable, match="ledger"):
        await process.step("sent", envelope="e2")


async def test_given_a_dead_leg_that_is_replayed_twice_within_a_minute_then_each_of_its_lives_is_written(
    connection: Connection, process: Process
) -> None:
    for number in range(3):
        assert await process.step("dead", reason="unclear")
        await process.ledger.begin(LedgerEntry("e1", APP, "accepted", 10 + number, to=ADA))
        await process.publisher.drain()
    assert await process.step("sent")
    states = [entry.state for entry in await written(connection, process)]
    assert states == ["dead", "accepted"] * 3 + ["sent"]


async def test_given_an_entry_that_nobody_can_read_then_the_others_count(
    connection: Connection, processes: list[Process]
) -> None:
    first, second = processes
    await first.step("parked")
    await first.publisher.publish(SUBJECTS.ledger(APP, "e1"), b"\xc1 no entry")
    await first.hand_over(second)
    assert await second.ledger.state("e1", APP, ADA, THREAD) == "parked"


async def test_given_more_legs_than_are_remembered_then_those_forgotten_are_read(
    process: Process,
) -> None:
    process.ledger._states = Cache(10)
    for number in range(30):
        assert await process.step("failed", envelope=f"e{number}")
    await process.publisher.drain()
    assert len(process.ledger._states) == 10
    assert not await process.step("sent", envelope="e0")
    assert await process.ledger.state("e29", APP, ADA, THREAD) == "failed"


async def test_given_a_leg_that_was_sent_then_it_is_a_step_and_found_by_its_envelope_and_by_its_native_id(
    connection: Connection, processes: list[Process]
) -> None:
    first, second = processes
    await first.step("parked", reason="rate_limit")
    await first.sent("m.1")
    await first.step("delivered")
    await first.sent("m.2", "e2", BEN)
    await first.hand_over(second)

    assert await second.ledger.state("e1", APP, ADA, THREAD) == "delivered"
    assert await second.ledger.state("e2", APP, BEN, THREAD) == "sent"
    reader = LedgerReader(connection, SUBJECTS)
    assert [entry.state for entry in await reader.steps(APP, "e1")] == ["parked", "sent", "delivered"]
    for found in (await reader.sent(APP, THREAD, "e1"), await reader.sent_as(APP, THREAD, "m.1")):
        assert found is not None
        assert (found.envelope, found.native_ids) == ("e1", ("m.1",))
    assert await reader.sent(APP, "another", "e1") is None
    assert await reader.sent_as(APP, "another", "m.1") is None
    assert [one.entry.envelope for one in await reader.sent_to(APP, THREAD, since=0, limit=5)] == ["e1", "e2"]
    assert [one.entry.envelope for one in await reader.sent_to(APP, THREAD, since=0, limit=1)] == ["e2"]
    assert first.counted("sent") == 2


@pytest.mark.parametrize(
    ("after", "state"), [(["delivered"], "delivered"), (["parked"], "parked"), (["delivered", "read"], "read")]
)
async def test_given_what_was_sent_is_written_once_more_by_a_reconnect_then_it_counts_once(
    processes: list[Process], after: list[State], state: State
) -> None:
    first, second = processes
    await first.sent("m.1")
    for step in after:
        assert await first.step(step)
    await first.sent("m.1")
    await first.hand_over(second)
    assert await second.ledger.state("e1", APP, ADA, THREAD) == state


async def test_given_a_refusal_after_the_first_yes_then_what_is_sent_next_is_a_step_of_its_own(
    processes: list[Process],
) -> None:
    first, second = processes
    await first.sent("m.1")
    assert await first.step("parked", reason="rate_limit")
    await first.sent("m.2")
    await first.hand_over(second)
    assert await second.ledger.state("e1", APP, ADA, THREAD) == "sent"
    assert not await second.step("sent")
    assert await second.step("delivered")
    assert first.counted("sent") == 2


async def test_given_a_network_with_ids_of_ours_when_it_takes_a_leg_again_that_it_had_refused_then_that_is_a_step(
    connection: Connection, processes: list[Process]
) -> None:
    first, second = processes
    await first.sent("gm.e1:0")
    assert await first.step("parked", reason="rate_limit")
    for _ in range(2):
        await first.sent("gm.e1:0", at=5, refusals=1)
    assert await first.step("parked", reason="rejected")
    await first.sent("gm.e1:0", at=9, before="gm.e1:1", refusals=1)
    await first.hand_over(second)

    assert await second.ledger.state("e1", APP, ADA, THREAD) == "sent"
    steps = await LedgerReader(connection, SUBJECTS).steps(APP, "e1")
    assert [(step.state, step.at) for step in steps] == [
        ("sent", 1),
        ("parked", 1),
        ("sent", 5),
        ("parked", 1),
        ("sent", 9),
    ]
    assert await second.step("delivered")


async def test_given_a_native_id_and_a_thread_of_any_length_then_what_was_sent_is_found_by_them(
    connection: Connection, processes: list[Process]
) -> None:
    first, second = processes
    native_id, other = "n" * 5_000, "n" * 4_999 + "m"
    await first.sent(native_id)
    await first.sent(other, "e2", BEN)
    async with asyncio.timeout(10):
        await first.hand_over(second)

    reader = LedgerReader(connection, SUBJECTS)
    for name, envelope in ((native_id, "e1"), (other, "e2")):
        found = await reader.sent_as(APP, THREAD, name)
        assert found is not None
        assert (found.envelope, found.native_ids) == (envelope, (name,))
    assert await second.ledger.state("e1", APP, ADA, THREAD) == "sent"
