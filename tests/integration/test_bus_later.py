"""The queues of legs that wait, in a real nats-server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gearmesh.bus.connection import Connection
from gearmesh.bus.later import LaterLog, Queue
from gearmesh.bus.publisher import Publisher
from gearmesh.bus.streams import ensure_all
from gearmesh.errors import BusRefused, BusUnavailable
from gearmesh.testing import NatsServer
from gearmesh.wire.subjects import Subjects

from .patience import until

SUBJECTS = Subjects()
STREAM = "GM_LATER"
ODD = ["491511", "@ada:example.org", "a b.c", "~x", "Grüße 👍", "thread*>", "next", "early", "ä" * 512]


@pytest.fixture
async def publisher(connection: Connection) -> AsyncIterator[Publisher]:
    """A publisher, and all streams."""
    await ensure_all(connection, SUBJECTS)
    async with Publisher(connection) as publisher:
        yield publisher


@pytest.fixture
def later(connection: Connection, publisher: Publisher) -> LaterLog:
    """The queues of one app."""
    return LaterLog(connection, publisher, SUBJECTS, "whatsapp")


async def put(later: LaterLog, place: int, thread: str = "ada", *, early: bool = False, message_id: str = "") -> None:
    """Put the leg with this place into a queue."""
    data, headers = b"leg %d" % place, {"Gm-Trace": f"trace {place}", "Nats-Other": "not ours"}
    stored_at, message_id = place * 1000, message_id or f"{thread} {place} {early}"
    await later.put(thread, data, headers, place=place, stored_at=stored_at, message_id=message_id, early=early)


async def worked_off(later: LaterLog, thread: str = "ada") -> list[int]:
    """The places of all legs of a thread, in the order in which it is their turn."""
    found = []
    while (waiting := await later.first(thread, early=True)) is not None:
        found.append(waiting.place)
        await later.remove(waiting)
    return found


async def test_given_legs_in_a_queue_then_they_come_in_their_order_and_stay_until_they_are_done(
    later: LaterLog,
) -> None:
    for place in (3, 5, 8):
        await put(later, place)
    first = await later.first("ada", early=False)
    assert first is not None
    assert first == await later.first("ada", early=False), "looking takes nothing out"
    assert (first.place, first.stored_at, first.data) == (3, 3000, b"leg 3")
    assert await later.last_place("ada") == 8
    assert await worked_off(later) == [3, 5, 8]
    assert await later.first("ada", early=False) is None
    assert await later.last_place("ada") == 0


async def test_given_a_leg_with_headers_then_ours_are_kept_and_no_others(later: LaterLog) -> None:
    await put(later, 7)
    first = await later.first("ada", early=False)
    assert first is not None
    ours = {name: value for name, value in first.headers.items() if not name.startswith("Nats-Msg-Id")}
    assert ours == {"Gm-Trace": "trace 7", "Gm-Place": "7", "Gm-Stored": "7000"}


async def test_given_a_leg_that_was_refused_after_its_yes_then_it_comes_before_those_behind_it(later: LaterLog) -> None:
    for place in (5, 8):
        await put(later, place)
    for place in (4, 2, 6):
        await put(later, place, early=True)
    first = await later.first("ada", early=False)
    assert first is not None
    assert first.place == 5, "whoever knows that none is early is spared the look"
    assert await worked_off(later) == [2, 4, 5, 6, 8]


async def test_given_several_threads_and_apps_then_each_has_a_queue_of_its_own(
    connection: Connection, publisher: Publisher, later: LaterLog
) -> None:
    other = LaterLog(connection, publisher, SUBJECTS, "messenger")
    await put(later, 1, "ada")
    await put(later, 2, "ben")
    await put(other, 3, "ada")
    await put(other, 4, "ada", early=True)
    assert await worked_off(later, "ada") == [1]
    assert await worked_off(other, "ada") == [3, 4]
    assert await worked_off(later, "ben") == [2]


async def test_given_the_same_message_id_again_then_nothing_changes(later: LaterLog) -> None:
    for _ in range(3):
        await put(later, 1, message_id="the same")
    assert await later.queues() == [Queue("ada", 1, 0)]
    assert await worked_off(later) == [1]


async def test_given_a_leg_that_is_removed_twice_then_nothing_else_is_removed(later: LaterLog) -> None:
    await put(later, 1)
    await put(later, 2)
    first = await later.first("ada", early=False)
    assert first is not None
    for _ in range(2):
        await later.remove(first)
    assert await worked_off(later) == [2]


async def test_given_threads_with_any_names_then_the_list_of_queues_has_them_with_what_waits(
    connection: Connection, publisher: Publisher, later: LaterLog
) -> None:
    for number, thread in enumerate(ODD, 1):
        for place in range(number):
            await put(later, place + 100, thread)
        for place in range(number % 3):
            await put(later, place, thread, early=True)
    await put(LaterLog(connection, publisher, SUBJECTS, "whatsapp2"), 1, "somebody else's")

    found = sorted(await later.queues(), key=lambda queue: queue.count - queue.early)

    expected = [Queue(thread, number + number % 3, number % 3) for number, thread in enumerate(ODD, 1)]
    assert found == expected
    for thread in ODD:
        await worked_off(later, thread)
    assert await later.queues() == []


async def test_given_an_app_with_any_name_then_its_queues_are_found(
    connection: Connection, publisher: Publisher
) -> None:
    later = LaterLog(connection, publisher, SUBJECTS, "my app.1")
    await put(later, 1)
    await put(later, 0, early=True)
    assert await later.queues() == [Queue("ada", 2, 1)]


async def test_given_something_that_is_no_queue_of_ours_then_the_list_goes_on_without_it(
    publisher: Publisher, later: LaterLog
) -> None:
    await publisher.publish("gm.later.whatsapp.~~.next", b"?")
    await put(later, 1)
    assert await later.queues() == [Queue("ada", 1, 0)]


async def test_given_a_place_in_the_outbound_log_then_the_original_is_read_while_it_is_kept(
    connection: Connection, publisher: Publisher, later: LaterLog
) -> None:
    stored = await publisher.publish(SUBJECTS.outbound("whatsapp", "c1"), b"leg", headers={"Gm-Trace": "t"})
    original = await later.original(stored.seq)
    assert original is not None
    assert (original.data, original.headers, original.place) == (b"leg", {"Gm-Trace": "t"}, stored.seq)
    info = (await connection.js.stream_info("GM_OUT")).created
    assert info is not None
    assert abs(original.stored_at / 1e6 - info.timestamp()) < 60
    await connection.js.delete_msg("GM_OUT", stored.seq)
    assert await later.original(stored.seq) is None
    assert await later.original(stored.seq + 1) is None


async def test_given_a_stream_that_is_full_then_the_next_leg_is_refused_and_no_other_is_lost(
    connection: Connection, later: LaterLog
) -> None:
    config = (await connection.js.stream_info(STREAM)).config
    config.max_bytes = 4096
    await connection.js.update_stream(config)
    kept = 0

    async def put_many() -> None:
        nonlocal kept
        for place in range(1, 1000):
            await put(later, place)
            kept = place

    with pytest.raises(BusRefused, match="maximum bytes"):
        await put_many()
    assert kept > 3

    first = await later.first("ada", early=False)
    assert first is not None
    await later.remove(first)
    await put(later, 1000)

    assert await worked_off(later) == [*range(2, kept + 1), 1000]


async def test_given_a_server_that_is_away_then_whoever_asks_learns_so(
    server: NatsServer, connection: Connection, later: LaterLog
) -> None:
    await put(later, 1)
    first = await later.first("ada", early=False)
    assert first is not None
    connection.js._timeout = 0.2
    server.kill()
    await until(lambda: not connection.is_up, awaited="the loss to be noticed")
    for asked in (later.first("ada", early=True), later.last_place("ada"), later.original(1), later.remove(first)):
        with pytest.raises(BusUnavailable):
            await asked


async def test_given_a_server_that_was_killed_then_what_waits_is_there_again(
    server: NatsServer, connection: Connection, publisher: Publisher, later: LaterLog
) -> None:
    for place in range(10):
        await put(later, place + 1)
    server.kill()
    await until(lambda: not publisher.online, awaited="the loss to be noticed")
    await server.start()
    await until(lambda: publisher.online, awaited="the reconnect")
    assert await worked_off(later) == list(range(1, 11))
