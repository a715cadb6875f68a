"""Leases in a real nats-server: never two holders, and a successor as soon as that is certain."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import nats.errors
import pytest

from gearmesh.bus.connection import Access, Connection
from gearmesh.bus.lease import BEAT, SPARE, Holder, Lease, uptime
from gearmesh.bus.publisher import Publisher
from gearmesh.bus.store import Store
from gearmesh.bus.streams import ensure_all
from gearmesh.bus.whereabouts import Process
from gearmesh.testing import NatsServer
from gearmesh.wire.subjects import Subjects

from .patience import until
from .processes import Program

LASTS = 1.2
"""Seconds: two beats, and a little."""
AT_ONCE = 0.6
"""Seconds: a look of whoever stands by, on a busy machine."""
NAME = "whatsapp"

New = Callable[..., Coroutine[Any, Any, Lease]]


@pytest.fixture
async def new(server: NatsServer, connection: Connection) -> AsyncIterator[New]:
    """Makes a lease with a connection of its own, as another process would have."""
    await ensure_all(connection, Subjects())
    async with AsyncExitStack() as stack:

        async def made(*, elsewhere: bool = False, lasts: float = LASTS) -> Lease:
            own = await Connection.open(Access((server.url,)), "lease")
            stack.push_async_callback(own.close)
            publisher = await stack.enter_async_context(Publisher(own))
            lease = Lease(own, Store(own, publisher, "gm-leases", Holder), NAME, lasts=lasts)
            stack.push_async_callback(lease.release, clean=False)
            if elsewhere:
                lease._me = Holder("elsewhere", process=Process(1, "1", "another machine"))
            return lease

        yield made


def falls_silent(lease: Lease) -> None:
    """It does not beat any more, as if its process stood still; what it believes of itself stays."""
    assert lease._beating
    lease._beating.cancel()


async def test_given_two_that_want_it_then_one_has_it_and_the_other_stands_by(new: New) -> None:
    first, second = await new(), await new()
    before = await first.acquire()
    assert (before.owner, before.clean, first.term) == ("", True, 1)
    waiting = asyncio.create_task(second.acquire())
    end = uptime() + 2 * LASTS
    while uptime() < end:
        assert first.valid
        assert not second.valid
        await asyncio.sleep(0.02)
    assert not waiting.done()
    waiting.cancel()


async def test_given_many_that_want_it_at_the_same_moment_then_one_gets_it(new: New) -> None:
    wanting = [await new() for _ in range(5)]
    tasks = [asyncio.create_task(lease.acquire()) for lease in wanting]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.wait(tasks, timeout=BEAT)
    assert sum(lease.valid for lease in wanting) == 1
    for task in tasks:
        task.cancel()


@pytest.mark.parametrize("clean", [True, False])
async def test_given_one_that_releases_it_then_the_other_has_it_at_once_and_is_told_whether_all_was_done(
    new: New, clean: bool
) -> None:
    first, second = await new(), await new()
    await first.acquire()
    waiting = asyncio.create_task(second.acquire())
    await asyncio.sleep(BEAT)

    released = uptime()
    await first.release(clean=clean)
    before = await asyncio.wait_for(waiting, 10)

    assert uptime() - released < AT_ONCE
    assert not first.valid
    await asyncio.wait_for(first.lost(), 1)
    assert second.valid
    assert (before.owner, before.clean, before.term, second.term) == ("", clean, 1, 2)


async def test_given_a_beat_whose_answer_is_still_on_its_way_then_a_release_hands_over_at_once_all_the_same(
    new: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await new(), await new()
    await first.acquire()
    client, stored = first._connection.client, asyncio.Event()
    request = client.request

    async def answer_too_late(subject: str, payload: bytes = b"", **settings: Any) -> Any:
        answer = await request(subject, payload, **settings)
        if subject.startswith("$KV.") and not stored.is_set():
            stored.set()
            await asyncio.Event().wait()
        return answer

    monkeypatch.setattr(client, "request", answer_too_late)
    await asyncio.wait_for(stored.wait(), 10)
    waiting = asyncio.create_task(second.acquire())

    released = uptime()
    await first.release(clean=True)
    before = await asyncio.wait_for(waiting, 10)

    assert uptime() - released < AT_ONCE
    assert before.clean


async def test_given_a_beat_that_was_written_and_whose_answer_was_lost_then_the_lease_is_kept(
    new: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = await new(lasts=4 * BEAT)
    await lease.acquire()
    client, lost = lease._connection.client, asyncio.Event()
    request = client.request

    async def lose_one_answer(subject: str, payload: bytes = b"", **settings: Any) -> Any:
        answer = await request(subject, payload, **settings)
        if subject.startswith("$KV.") and not lost.is_set():
            lost.set()
            raise nats.errors.TimeoutError
        return answer

    monkeypatch.setattr(client, "request", lose_one_answer)
    await asyncio.wait_for(lost.wait(), 10)
    end = uptime() + 6 * BEAT
    while uptime() < end:
        assert lease.valid
        await asyncio.sleep(0.02)
    assert lease.term == 1


async def test_given_a_holder_elsewhere_that_falls_silent_then_it_is_over_and_the_other_has_it_no_earlier(
    new: New,
) -> None:
    first, second = await new(elsewhere=True), await new()
    await first.acquire()
    waiting = asyncio.create_task(second.acquire())
    await asyncio.sleep(2 * BEAT)

    falls_silent(first)
    silent, until_then = uptime(), first._until
    over = None
    while not waiting.done():
        if over is None and not first.valid:
            over = uptime()
        assert not (first.valid and second.valid)
        await asyncio.sleep(0.01)
    taken = uptime()

    assert over is not None
    assert until_then - SPARE <= over < taken
    assert LASTS - BEAT < taken - silent < LASTS + SPARE + 2 * AT_ONCE
    assert waiting.result().owner == "elsewhere"
    assert not waiting.result().clean


async def test_given_whoever_has_lost_it_then_it_can_have_it_again_afterwards(new: New) -> None:
    first, second = await new(), await new()
    await first.acquire()
    await first.release(clean=True)
    await second.acquire()
    again = asyncio.create_task(first.acquire())
    await second.release(clean=True)
    await asyncio.wait_for(again, 10)
    assert (first.valid, first.term) == (True, 3)
    await asyncio.sleep(LASTS)
    assert first.valid


async def test_given_a_record_that_somebody_else_has_overwritten_then_the_holder_gives_up(
    new: New, connection: Connection
) -> None:
    lease = await new(lasts=10.0)
    await lease.acquire()
    subject, data = lease._leases.entry(NAME, Holder("somebody else", 9))
    await connection.js.publish(subject, data)
    await asyncio.wait_for(lease.lost(), 2 * BEAT + AT_ONCE)
    assert not lease.valid
    await lease.release(clean=True)
    found = await lease._leases.get(NAME)
    assert found is not None
    assert found.owner == "somebody else"


def words(program: Program) -> list[tuple[str, float]]:
    """What a holder has said, each with its uptime."""
    lines = (line.split() for line in program.stdout.rpartition("\n")[0].splitlines())
    return [(line[0], float(line[1])) for line in lines if line and line[0] in {"held", "valid", "over"}]


def spans(said: list[tuple[str, float]]) -> list[tuple[float, float]]:
    """From when to when a holder said that the lease was its own."""
    found: list[tuple[float, float]] = []
    before = "over"
    for word, when in said:
        if word != "over":
            began = when if before == "over" else found.pop()[0]
            found.append((began, when))
        before = word
    return found


def holds_after(time: float, *programs: Program) -> bool:
    """Whether one of them has said that it holds the lease after this time."""
    return any(last > time for program in programs for _, last in spans(words(program)))


@pytest.fixture
async def holder(server: NatsServer, connection: Connection, tmp_path: Path) -> Callable[[str], Program]:
    """Makes a process that wants the lease."""
    await ensure_all(connection, Subjects())

    def made(name: str) -> Program:
        path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
        return Program(tmp_path, "lease_holder", server.url, NAME, str(LASTS), name=name, env={"PYTHONPATH": path})

    return made


async def test_given_a_process_that_is_stopped_and_goes_on_then_it_knows_at_once_that_its_lease_is_over(
    holder: Callable[[str], Program], new: New
) -> None:
    other = await new()
    async with holder("stopped") as program:
        await program.says("valid")
        program.send(signal.SIGSTOP)
        try:
            await asyncio.wait_for(other.acquire(), 10)
        finally:
            woken = uptime()
            program.send(signal.SIGCONT)
        await until(lambda: words(program)[-1][1] > woken, awaited="its first look")
        assert other.valid

    looks = [word for word, when in words(program) if when > woken]
    assert looks[0] == "over"


async def test_given_a_process_of_this_machine_that_is_killed_then_nobody_waits_for_its_silence(
    holder: Callable[[str], Program], new: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = await new(lasts=60.0)
    async with holder("killed") as program:
        await program.says("valid")
        waiting = asyncio.create_task(other.acquire())
        await asyncio.sleep(BEAT)
        assert not waiting.done()
        killed = uptime()
        await program.kill()
        before = await asyncio.wait_for(waiting, 10)

    assert uptime() - killed < AT_ONCE
    assert before.process.pid == program.pid
    assert not before.clean


@pytest.mark.parametrize("away", [0.1, 2 * LASTS])
async def test_given_nats_is_killed_and_started_again_then_there_are_never_two_holders(
    server: NatsServer, holder: Callable[[str], Program], away: float
) -> None:
    async with holder("one") as one, holder("two") as two:
        await until(lambda: holds_after(0, one, two), awaited="one of them to hold it")
        for _ in range(2):
            held = one.stdout.count("held") + two.stdout.count("held")
            server.kill()
            await asyncio.sleep(away)  # shorter or longer than a lease: what is tested
            await server.start()
            held_again = partial(holds_after, uptime() + LASTS, one, two)
            await until(held_again, awaited="one of them to hold it again")
            assert away < LASTS or one.stdout.count("held") + two.stdout.count("held") > held

    for first, last in spans(words(one)):
        for other_first, other_last in spans(words(two)):
            assert last < other_first or other_last < first


async def test_given_a_holder_that_cannot_reach_nats_then_its_lease_ends_in_time(server: NatsServer, new: New) -> None:
    lease = await new()
    await lease.acquire()
    killed = uptime()
    server.kill()
    await asyncio.wait_for(lease.lost(), LASTS + AT_ONCE)
    assert not lease.valid
    assert uptime() - killed > LASTS - BEAT - SPARE


async def test_given_the_record_then_it_says_who_has_it_and_where_that_one_lives(new: New) -> None:
    lease = await new()
    await lease.acquire()
    found = await lease._leases.get(NAME)
    assert found is not None
    assert (found.owner, found.process) == (lease._me.owner, Process.this())
