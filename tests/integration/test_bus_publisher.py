"""The publisher against a real nats-server: nothing lost, nothing twice, in order; refusals reach the caller."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import api

from gearmesh.bus.batch import Message
from gearmesh.bus.bounds import MAX_LINE
from gearmesh.bus.connection import Access, Connection
from gearmesh.bus.publisher import Publisher, Stored
from gearmesh.errors import BusError, BusRefused, BusUnavailable, Malformed
from gearmesh.testing import NatsServer

from .patience import until
from .streams import everything

MESSAGES = 6000
KILLS = 3


@pytest.fixture
async def publisher(connection: Connection) -> AsyncIterator[Publisher]:
    """A publisher that nobody else uses."""
    async with Publisher(connection) as publisher:
        yield publisher


async def stream(connection: Connection, **settings: object) -> None:
    """A stream LOG that takes what is published under `log.>`."""
    await connection.js.add_stream(api.StreamConfig(name="LOG", subjects=["log.>"], **settings))  # type: ignore[arg-type]


async def test_given_three_kills_of_the_server_when_thousands_are_published_then_all_are_stored_once_and_in_order(
    server: NatsServer, connection: Connection, publisher: Publisher
) -> None:
    await stream(connection)
    results: list[Stored | BusError] = []

    async def outcome(result: Stored | BusError) -> None:
        results.append(result)

    def enough(count: int) -> bool:
        return len(results) >= count

    async def kill_and_start() -> None:
        for number in range(1, KILLS + 1):
            await until(partial(enough, number * MESSAGES // (KILLS + 1)), awaited="the next quarter")
            server.kill()
            await until(lambda: not publisher.online, awaited="the publisher to notice")
            await server.start()
            await until(lambda: publisher.online, awaited="the publisher to be back")

    killing = asyncio.create_task(kill_and_start())
    for number in range(MESSAGES):
        await publisher.send("log.a", b"%d" % number, {"Nats-Msg-Id": f"message {number}"}, outcome)
        if number % 50 == 0:
            # A publisher that is done before the first kill would prove nothing.
            await until(partial(enough, number - 500), awaited="answers")
    await killing
    await publisher.drain()

    assert [result for result in results if not isinstance(result, Stored)] == []
    assert len(results) == MESSAGES
    stored = [int(data) for _, data in await everything(connection, "LOG")]
    assert stored == list(range(MESSAGES))


async def test_given_a_message_id_when_it_is_published_twice_then_the_second_is_told_to_be_a_duplicate(
    connection: Connection, publisher: Publisher
) -> None:
    await stream(connection)

    first = await publisher.publish("log.a", b"once", message_id="one")
    second = await publisher.publish("log.a", b"once", message_id="one")

    assert first == Stored("LOG", 1, False)
    assert second == Stored("LOG", 1, True)


async def test_given_a_full_stream_when_something_is_published_then_the_refusal_reaches_the_caller(
    connection: Connection, publisher: Publisher
) -> None:
    await stream(connection, max_bytes=10_000, discard=api.DiscardPolicy.NEW)
    await publisher.publish("log.a", bytes(9_000))

    with pytest.raises(BusRefused, match="maximum bytes") as refused:
        await publisher.publish("log.a", bytes(9_000))

    assert refused.value.code == 10077
    assert publisher.unanswered == 0
    assert (await publisher.publish("log.a", b"small")).seq == 2


async def test_given_a_stream_with_a_size_limit_when_a_larger_message_comes_then_only_that_one_is_refused(
    connection: Connection, publisher: Publisher
) -> None:
    await stream(connection, max_msg_size=1_000)

    results = await asyncio.gather(
        *(publisher.publish("log.a", bytes(size)) for size in (10, 2_000, 20)), return_exceptions=True
    )

    assert [type(result) for result in results] == [Stored, BusRefused, Stored]


async def test_given_no_stream_yet_when_something_is_published_then_it_is_stored_as_soon_as_there_is_one(
    connection: Connection, publisher: Publisher
) -> None:
    waiting = [asyncio.create_task(publisher.publish("log.a", b"%d" % number)) for number in range(20)]
    await until(lambda: publisher.unanswered == 20, awaited="all to be on their way")

    await stream(connection)
    stored = await asyncio.gather(*waiting)

    assert [result.seq for result in stored] == list(range(1, 21))
    assert [data for _, data in await everything(connection, "LOG")] == [b"%d" % number for number in range(20)]


async def test_given_a_server_that_is_away_when_the_caller_has_limited_patience_then_it_fails_at_once(
    server: NatsServer, connection: Connection, publisher: Publisher
) -> None:
    await stream(connection)
    server.kill()
    await until(lambda: not publisher.online, awaited="the publisher to notice")

    # Its patience is longer than the test's own: it must not be waited for.
    with pytest.raises(BusUnavailable, match="away"):
        await asyncio.wait_for(publisher.publish("log.a", b"now", patience=3600), 10)

    assert publisher.unanswered == 0


async def test_given_a_server_that_is_away_when_the_caller_has_all_the_time_then_it_is_stored_afterwards(
    server: NatsServer, connection: Connection, publisher: Publisher
) -> None:
    await stream(connection)
    server.kill()
    await until(lambda: not publisher.online, awaited="the publisher to notice")
    waiting = asyncio.create_task(publisher.publish("log.a", b"later"))
    await until(lambda: publisher.unanswered == 1, awaited="it to wait")

    await server.start()

    assert (await waiting).seq == 1


async def test_given_nobody_who_answers_when_patience_is_over_then_the_caller_is_told(
    connection: Connection, publisher: Publisher
) -> None:
    # Without a stream nobody ever says yes.
    with pytest.raises(BusUnavailable, match="not answered within"):
        await publisher.publish("log.a", b"hello?", patience=0.05)


async def test_given_a_message_larger_than_the_server_takes_then_it_is_malformed_and_the_connection_survives(
    connection: Connection, publisher: Publisher
) -> None:
    await stream(connection)

    with pytest.raises(Malformed, match="at most"):
        await publisher.publish("log.a", bytes(connection.max_payload + 1))

    assert (await publisher.publish("log.a", bytes(connection.max_payload))).seq == 1
    assert connection.is_up
    assert not connection.closed.is_set()


async def test_given_headers_that_do_not_fit_either_then_it_is_malformed_and_the_connection_survives(
    connection: Connection, publisher: Publisher
) -> None:
    await stream(connection)

    with pytest.raises(Malformed, match="at most"):
        await publisher.publish("log.a", bytes(connection.max_payload), headers={"Gm-Detail": "x" * 20_000})

    assert (await publisher.publish("log.a", b"next")).seq == 1
    assert not connection.closed.is_set()


async def test_given_a_full_window_then_the_next_message_waits_for_room(connection: Connection) -> None:
    async with Publisher(connection, window=3) as publisher:
        stored: list[Stored | BusError] = []

        async def outcome(result: Stored | BusError) -> None:
            stored.append(result)

        for number in range(3):
            await publisher.send("log.a", b"%d" % number, None, outcome)
        fourth = asyncio.create_task(publisher.send("log.a", b"3", None, outcome))
        done, _ = await asyncio.wait([fourth], timeout=0.05)
        assert not done
        assert publisher.unanswered == 3

        await stream(connection)
        await fourth
        await publisher.drain()

    assert len(stored) == 4


async def test_given_unanswered_messages_when_the_publisher_is_closed_then_their_callers_are_told(
    connection: Connection,
) -> None:
    async with Publisher(connection) as publisher:
        waiting = asyncio.create_task(publisher.publish("log.a", b"no stream takes it"))
        await until(lambda: publisher.unanswered == 1, awaited="it to wait")

    with pytest.raises(BusUnavailable, match="closed"):
        await waiting


async def test_given_an_outcome_that_fails_then_the_messages_behind_it_are_answered_all_the_same(
    connection: Connection, publisher: Publisher
) -> None:
    await stream(connection)

    async def fails(result: Stored | BusError) -> None:
        raise RuntimeError("not my day")

    await publisher.send("log.a", b"first", None, fails)

    assert (await publisher.publish("log.a", b"second")).seq == 2


async def test_given_a_server_that_was_never_there_then_connecting_fails_in_time_and_says_where() -> None:
    with pytest.raises(BusUnavailable, match=r"nats://127\.0\.0\.1:1 "):
        await Connection.open(Access(("nats://127.0.0.1:1",)), "test", timeout=0.3)


async def test_given_a_refusal_just_when_the_time_for_connecting_is_over_then_it_still_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refuses(client: Client, server: object) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            # What Python 3.11's wait_for makes of a cancellation that comes together with an answer.
            raise ConnectionRefusedError("nobody there") from None

    monkeypatch.setattr(Client, "_connect_to_server", refuses)

    connecting = asyncio.create_task(Connection.open(Access(("nats://127.0.0.1:1",)), "test", timeout=0.05))
    await asyncio.wait([connecting], timeout=5)

    assert connecting.done()
    with pytest.raises(BusUnavailable, match="nobody there"):
        await connecting


async def test_given_something_that_cannot_be_written_then_its_caller_is_told_and_nothing_waits_for_it(
    connection: Connection,
) -> None:
    await stream(connection)
    async with Publisher(connection, window=1) as publisher:
        with pytest.raises(BusRefused, match="cannot be published"):
            await publisher.publish("log.a", "no bytes")  # type: ignore[arg-type]

        await asyncio.wait_for(publisher.drain(), 5)
        assert (await publisher.publish("log.a", b"bytes")).seq == 1


async def test_given_the_pinned_nats_py_then_its_out_buffer_is_what_the_connection_takes_it_for(
    server: NatsServer,
) -> None:
    """`Connection` empties two private attributes on a disconnect: they must exist, count bytes, and be all."""
    client = Client()
    await client.connect(server.url)
    assert isinstance(client._pending, list)
    assert isinstance(client._pending_data_size, int)
    await client.flush()
    assert (client._pending, client._pending_data_size) == ([], 0)

    await client._send_command(b"PUB somewhere 5\r\nhello\r\n")
    assert b"".join(client._pending) == b"PUB somewhere 5\r\nhello\r\n"
    assert client._pending_data_size == len(b"PUB somewhere 5\r\nhello\r\n")

    heard: list[bytes] = []

    async def hear(message: Msg) -> None:
        heard.append(message.data)

    client._pending.clear()
    client._pending_data_size = 0
    await client.subscribe("somewhere", cb=hear)
    await client.publish("somewhere", b"after")
    await client.flush()
    await until(lambda: heard, awaited="what was published after the clearing")
    assert heard == [b"after"]
    await client.close()


async def test_given_a_header_that_is_no_unicode_then_it_is_malformed_and_those_behind_it_are_stored(
    connection: Connection, publisher: Publisher
) -> None:
    await stream(connection)

    with pytest.raises(Malformed):
        await publisher.publish("log.a", b"odd", headers={"Gm-Detail": "half a smile \ud83d"})

    assert (await publisher.publish("log.a", b"even")).seq == 1
    assert publisher.unanswered == 0


async def test_given_a_subject_longer_than_a_line_of_the_server_then_it_is_malformed_and_those_behind_it_are_stored(
    connection: Connection, publisher: Publisher
) -> None:
    await stream(connection)
    longest = f"log.{'x' * (MAX_LINE - 80)}"
    too_long = f"log.{'x' * MAX_LINE}"

    with pytest.raises(Malformed, match="a subject of"):
        await publisher.publish(too_long, b"odd")
    with pytest.raises(Malformed, match="a subject of"):
        await publisher.publish("log.a", b"even", before=[Message(too_long, b"odd", {})])

    assert (await publisher.publish(longest, b"even", patience=5)).seq == 1
    assert publisher.unanswered == 0
    assert connection.is_up
