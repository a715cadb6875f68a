"""Reading a stream without a consumer, page by page."""

from __future__ import annotations

import pytest

from gearmesh.bus.connection import Connection
from gearmesh.bus.log_reader import PAGE, PAGE_BYTES, LogReader
from gearmesh.bus.streams import ensure_all
from gearmesh.errors import BusRefused, BusUnavailable
from gearmesh.testing import NatsServer
from gearmesh.wire.subjects import Subjects


@pytest.fixture
async def reader(connection: Connection) -> LogReader:
    """Our streams, all of them empty."""
    await ensure_all(connection, Subjects())
    return LogReader(connection)


async def fill(connection: Connection, count: int, size: int = 3) -> None:
    """Dead letters with their number in front, for two apps in turns."""
    for number in range(count):
        await connection.js.publish(
            f"gm.dead.app-{number % 2}.letter-{number}", str(number).encode().ljust(size), headers={"Gm-Reason": "loop"}
        )


async def numbers(reader: LogReader, subject: str, **bounds: int) -> list[int]:
    """The numbers in what is read."""
    bounds.setdefault("most", 10_000)
    return [int(kept.data) async for kept in reader.read("GM_DEAD", subject, **bounds)]


async def test_given_more_than_a_page_then_everything_under_the_subject_is_read_once_and_in_order(
    connection: Connection, reader: LogReader
) -> None:
    await fill(connection, 2 * PAGE + 7)

    assert await numbers(reader, "gm.dead.>") == list(range(2 * PAGE + 7))
    assert await numbers(reader, "gm.dead.app-1.*") == list(range(1, 2 * PAGE + 7, 2))
    assert await numbers(reader, "gm.dead.app-1.*", most=3) == [1, 3, 5]
    assert await numbers(reader, "gm.dead.>", first=2 * PAGE) == list(range(2 * PAGE - 1, 2 * PAGE + 7))
    assert await numbers(reader, "gm.dead.nobody.*") == []
    assert await numbers(reader, "gm.dead.>", first=10_000) == []


async def test_given_messages_larger_than_a_page_together_then_all_are_read(
    connection: Connection, reader: LogReader
) -> None:
    await fill(connection, 5, PAGE_BYTES // 3)

    assert await numbers(reader, "gm.dead.>") == [0, 1, 2, 3, 4]


async def test_given_a_message_then_its_place_time_and_headers_come_with_it(
    connection: Connection, reader: LogReader
) -> None:
    await fill(connection, 3)

    second = await reader.at("GM_DEAD", 2)

    assert second is not None
    assert (second.subject, second.seq, second.data.strip()) == ("gm.dead.app-1.letter-1", 2, b"1")
    assert second.headers["Gm-Reason"] == "loop"
    assert await numbers(reader, "gm.dead.>", since=second.stored_at) == [1, 2]
    last = await reader.last("GM_DEAD", "gm.dead.app-1.letter-1")
    assert last is not None
    assert (last.seq, last.stored_at, last.data) == (2, second.stored_at, second.data)
    assert await reader.last("GM_DEAD", "gm.dead.app-1.letter-9") is None
    assert await reader.end("GM_DEAD") == 3
    await connection.js.delete_msg("GM_DEAD", 2)
    assert await reader.at("GM_DEAD", 2) is None
    assert await numbers(reader, "gm.dead.>") == [0, 2]


async def test_given_subjects_then_those_with_messages_are_listed_up_to_a_bound(
    connection: Connection, reader: LogReader
) -> None:
    await fill(connection, 4)

    assert sorted(await reader.subjects("GM_DEAD", "gm.dead.app-0.*", most=2)) == [
        "gm.dead.app-0.letter-0",
        "gm.dead.app-0.letter-2",
    ]
    assert await reader.subjects("GM_DEAD", "gm.dead.nobody.*", most=2) == []
    with pytest.raises(BusRefused, match="4 subjects"):
        await reader.subjects("GM_DEAD", "gm.dead.>", most=3)


async def test_given_a_stream_that_is_not_there_then_it_is_said(connection: Connection, reader: LogReader) -> None:
    with pytest.raises(BusRefused, match="stream NOWHERE cannot be read"):
        await numbers_of_nowhere(reader)
    with pytest.raises(BusRefused, match="stream NOWHERE cannot be read"):
        await reader.subjects("NOWHERE", ">", most=1)


async def numbers_of_nowhere(reader: LogReader) -> None:
    """Read a stream that is not there."""
    async for _ in reader.read("NOWHERE", ">", most=1):
        pass


async def test_given_a_connection_that_is_closed_then_nats_is_unavailable(
    connection: Connection, reader: LogReader, server: NatsServer
) -> None:
    await connection.close()

    with pytest.raises(BusUnavailable):
        await reader.at("GM_DEAD", 1)
    with pytest.raises(BusUnavailable):
        await reader.end("GM_DEAD")
