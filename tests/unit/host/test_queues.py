"""The threads that wait, and when each of them is looked at again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

import pytest

from gearmesh.bus.connection import Connection
from gearmesh.bus.later import LaterLog, Queue
from gearmesh.bus.publisher import Publisher
from gearmesh.host.job import Job
from gearmesh.host.queues import FOR_EVER, Queues
from gearmesh.model.address import Address
from gearmesh.model.envelope import Header
from gearmesh.testing import FakeClock
from gearmesh.wire.codec import decode
from gearmesh.wire.subjects import Subjects

APP = "whatsapp"
ADA = Address("messenger", "1234")


class Leg:
    """Where a leg stands before it waits."""

    headers: Mapping[str, str] = {"Gm-Trace": "trace"}

    async def done(self) -> None:
        """Nobody minds."""


def job(place: int, thread: str = "ben") -> Job:
    """A leg at this place of the outbound log, for one of two recipients."""
    to = (Address(APP, thread), Address(APP, "somebody else"))
    header = Header(place.to_bytes(16, "big"), "event", ADA, to, "c1", 1)
    return Job(Leg(), header, b"body %d" % place, to[0], thread, place, place * 1000, 0, True)


@pytest.fixture
def later(connection: Connection, publisher: Publisher) -> LaterLog:
    """Where they stand."""
    return LaterLog(connection, publisher, Subjects(), APP)


@pytest.fixture
def queues(later: LaterLog, clock: FakeClock) -> Queues:
    """The queues of one app."""
    return Queues(APP, later, clock)


class Looker:
    """Whoever looks at threads when it is their time; `seen` has them in their order, with the seconds passed."""

    def __init__(self, queues: Queues, clock: FakeClock) -> None:
        self.seen: list[tuple[str, float]] = []
        self._queues = queues
        self._clock = clock
        self._began = clock.seconds()

    async def look(self, seconds: float) -> list[str]:
        """Look for so long. Returns what was seen in it."""
        before = len(self.seen)
        task = asyncio.create_task(self._look())
        await self._clock.advance(seconds)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return [thread for thread, _ in self.seen[before:]]

    async def _look(self) -> None:
        while True:
            thread = await self._queues.due()
            self.seen.append((thread, round(self._clock.seconds() - self._began, 3)))


@pytest.fixture
def looker(queues: Queues, clock: FakeClock) -> Looker:
    """It has seen nothing yet."""
    return Looker(queues, clock)


async def worked_off(queues: Queues, thread: str = "ben") -> list[int]:
    """The places of a thread's legs in their order; then nothing waits there any more."""
    found = []
    while (waiting := await queues.first(thread)) is not None:
        found.append(waiting.place)
        await queues.later.remove(waiting)
    await queues.close(thread)
    return found


async def test_given_threads_that_wait_then_they_are_looked_at_when_it_is_their_time_and_once(
    queues: Queues, clock: FakeClock, looker: Looker
) -> None:
    now = clock.seconds()
    for thread, pause in (("c", 3.0), ("a", 1.0), ("b", 2.0), ("b2", 2.0), ("never", FOR_EVER)):
        queues.wait(thread, now + pause, "rate_limit")
    await looker.look(10)
    assert looker.seen == [("a", 1.0), ("b", 2.0), ("b2", 2.0), ("c", 3.0)]
    assert len(queues) == 5, "whoever looks says what follows"


async def test_given_a_thread_whose_time_changes_then_only_the_last_word_counts(
    queues: Queues, clock: FakeClock, looker: Looker
) -> None:
    now = clock.seconds()
    for pause in (1.0, 5.0, 3.0):
        queues.wait("ben", now + pause, "rate_limit")
    await looker.look(10)
    assert looker.seen == [("ben", 3.0)]


async def test_given_nothing_waits_when_something_comes_then_it_is_looked_at_in_its_time(
    queues: Queues, clock: FakeClock, looker: Looker
) -> None:
    async def come() -> None:
        await clock.sleep(1)
        queues.wait("late", clock.seconds() + 5, "rate_limit")
        await clock.sleep(1)
        queues.wait("early", clock.seconds() + 1, "rate_limit")

    coming = asyncio.create_task(come())
    await looker.look(10)
    await coming
    assert looker.seen == [("early", 3.0), ("late", 6.0)]


async def test_given_a_person_who_writes_then_what_waits_for_that_goes_now_and_nothing_else(
    queues: Queues, clock: FakeClock, looker: Looker
) -> None:
    later = clock.seconds() + 1000
    queues.wait("closed", later, "window_closed")
    queues.wait("fast", later, "rate_limit")
    for thread in ("closed", "fast", "stranger"):
        queues.written(thread)
        queues.written(thread)
    assert await looker.look(1) == ["closed"]
    assert await queues.lane("stranger") is None
    assert await looker.look(1000) == ["fast"]


async def test_given_legs_of_a_thread_then_they_come_back_in_their_order_each_for_its_recipient_alone(
    queues: Queues,
) -> None:
    for place in (3, 5, 8):
        await queues.put(job(place))
        queues.wait("ben", FOR_EVER, "window_closed")
    first = await queues.first("ben")
    assert first is not None
    envelope = decode(first.data)
    assert (envelope.body, envelope.header.to) == (b"body 3", (Address(APP, "ben"),))
    assert (first.place, first.stored_at, first.headers["Gm-Trace"]) == (3, 3000, "trace")
    assert await worked_off(queues) == [3, 5, 8]
    assert await queues.lane("ben") is None


@pytest.mark.parametrize("restarted", [False, True])
async def test_given_a_leg_that_belongs_before_those_that_wait_then_it_comes_before_them(
    queues: Queues, restarted: bool
) -> None:
    for place in (5, 8):
        await queues.put(job(place))
    if restarted:
        queues.clear()
        await queues.load()
    await queues.put(job(3), again="1")
    await queues.put(job(9))
    if restarted:
        queues.clear()
        await queues.load()
    assert await queues.later.queues() == [Queue("ben", 4, 1)]
    assert await worked_off(queues) == [3, 5, 8, 9]


async def test_given_the_same_leg_twice_then_it_waits_once_unless_it_was_there_and_comes_again(queues: Queues) -> None:
    await queues.put(job(3))
    await queues.put(job(3))
    assert await worked_off(queues) == [3]
    await queues.put(job(3), again="1")
    await queues.put(job(3), again="2")
    assert await worked_off(queues) == [3, 3]


async def test_given_a_restart_then_every_thread_is_looked_at_once(
    queues: Queues, clock: FakeClock, looker: Looker
) -> None:
    for number in range(5):
        await queues.put(job(number + 1, f"thread {number}"))
        queues.wait(f"thread {number}", clock.seconds() + 1000, "window_closed")
    queues.clear()
    assert len(queues) == 0
    await queues.load()
    assert sorted(await looker.look(10_000)) == [f"thread {number}" for number in range(5)]


async def test_given_more_threads_than_are_remembered_then_those_beyond_are_found_by_asking(
    later: LaterLog, clock: FakeClock
) -> None:
    threads = [f"thread {number}" for number in range(10)]
    queues = Queues(APP, later, clock, most=4)
    for number, thread in enumerate(threads):
        await queues.put(job(number + 1, thread))
    await queues.load()
    assert len(queues) == 4

    for thread in threads:
        assert await queues.lane(thread) is not None, thread
    assert await queues.lane("stranger") is None


async def test_given_more_threads_than_are_remembered_then_all_of_them_get_their_turn(
    later: LaterLog, clock: FakeClock
) -> None:
    threads = [f"thread {number}" for number in range(10)]
    queues = Queues(APP, later, clock, most=4)
    looker = Looker(queues, clock)
    for number, thread in enumerate(threads):
        await queues.put(job(number + 1, thread))
    await queues.load()

    worked: list[str] = []
    while due := await looker.look(0):
        for thread in due:
            assert len(await worked_off(queues, thread)) == (thread not in worked)
            worked.append(thread)

    assert set(worked) == set(threads)
    assert await later.queues() == []
    assert len(queues) == 0


async def test_given_a_person_who_writes_and_whose_thread_is_not_remembered_then_it_is_looked_at(
    later: LaterLog, clock: FakeClock
) -> None:
    queues = Queues(APP, later, clock, most=1)
    looker = Looker(queues, clock)
    for number, thread in enumerate(("ada", "ben")):
        await queues.put(job(number + 1, thread))
    await queues.load()
    (remembered,) = await looker.look(0)
    queues.wait(remembered, FOR_EVER, "window_closed")
    (beyond,) = {"ada", "ben"} - {remembered}

    queues.written(beyond)

    assert await looker.look(0) == [beyond]
    assert len(await worked_off(queues, beyond)) == 1


async def test_given_threads_that_come_back_then_what_is_known_of_the_others_stays(
    later: LaterLog, clock: FakeClock
) -> None:
    queues = Queues(APP, later, clock, most=2)
    looker = Looker(queues, clock)
    for number, thread in enumerate(("a", "b", "c")):
        await queues.put(job(number + 1, thread))
    await queues.load()
    first, second = await looker.look(0)
    queues.wait(second, clock.seconds() + 60, "rate_limit", attempt=3)

    await worked_off(queues, first)

    lane = await queues.lane(second)
    assert lane is not None
    assert (lane.reason, lane.attempt, lane.due) == ("rate_limit", 3, clock.seconds() + 60)
    assert await looker.look(59) == list({"a", "b", "c"} - {first, second})


async def test_given_a_leg_that_begins_to_wait_while_nats_is_asked_for_others_then_it_is_not_forgotten(
    later: LaterLog, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    queues = Queues(APP, later, clock, most=2)
    for number, thread in enumerate(("a", "b", "c")):
        await queues.put(job(number + 1, thread))
    await queues.load()
    ask = later.queues

    async def asked_too_early() -> list[Queue]:
        found = await ask()
        await queues.put(job(9, "new"))
        queues.wait("new", FOR_EVER, "window_closed")
        return found

    monkeypatch.setattr(later, "queues", asked_too_early)
    for thread in ("a", "b", "c"):
        await worked_off(queues, thread)

    lane = await queues.lane("new")
    assert lane is not None
    assert lane.reason == "window_closed"
