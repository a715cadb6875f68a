"""Messages that are stored together on a real nats-server: in order, none without those before it, none twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import api

from gearmesh.bus.batch import Message
from gearmesh.bus.connection import Connection
from gearmesh.bus.publisher import Publisher, Stored
from gearmesh.bus.succession import MOST, publish_in_order
from gearmesh.errors import BusRefused, BusUnavailable, Malformed
from gearmesh.testing import NatsServer

from .patience import until
from .streams import everything, with_headers

PATIENCE = 20.0


@pytest.fixture
async def publisher(connection: Connection) -> AsyncIterator[Publisher]:
    """A publisher that nobody else uses."""
    async with Publisher(connection) as publisher:
        yield publisher


async def stream(connection: Connection, **settings: Any) -> None:
    """A stream LOG that takes what is published under `log.>`, in batches unless `settings` say otherwise."""
    wanted = {"allow_atomic": True, **settings}
    await connection.js.add_stream(api.StreamConfig(name="LOG", subjects=["log.>"], **wanted))


async def room(connection: Connection, messages: int) -> None:
    """Let the stream take so many messages."""
    config = (await connection.js.stream_info("LOG")).config
    await connection.js.update_stream(config.evolve(max_msgs=messages))


def messages(*numbers: int, log: str = "log.a") -> list[Message]:
    return [Message(log, b"%d" % number, {"Nats-Msg-Id": f"{log} {number}"}) for number in numbers]


async def stored(connection: Connection, log: str = "log.a") -> list[int]:
    return [int(data) for _, data in await everything(connection, "LOG", log)]


async def test_given_messages_then_they_are_stored_in_order_and_each_has_its_sequence_by_one_answer(
    connection: Connection, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stream(connection)
    await publisher.publish("log.b", b"0")
    before = connection.client.stats["in_msgs"]

    done = await publish_in_order(publisher, messages(*range(MOST)), patience=PATIENCE)

    assert done.error is None
    assert done.results == tuple(Stored("LOG", number + 2) for number in range(MOST))
    assert connection.client.stats["in_msgs"] == before + 1
    assert await stored(connection) == list(range(MOST))
    assert publisher.unanswered == 0


async def test_given_a_single_message_then_it_needs_no_batch(connection: Connection, publisher: Publisher) -> None:
    await stream(connection, allow_atomic=False)

    done = await publish_in_order(publisher, messages(0), patience=PATIENCE)

    assert done.results == (Stored("LOG", 1),)
    assert [headers for _, headers, _ in await with_headers(connection, "LOG")] == [{"Nats-Msg-Id": "log.a 0"}]


async def test_given_room_for_some_then_these_are_stored_and_no_later_one_and_the_rest_when_there_is_room(
    connection: Connection, publisher: Publisher
) -> None:
    await stream(connection, max_msgs=4, discard=api.DiscardPolicy.NEW)
    all_of_them = messages(*range(10))

    full = await publish_in_order(publisher, all_of_them, patience=PATIENCE)

    assert full.results == tuple(Stored("LOG", number) for number in (1, 2, 3, 4))
    assert isinstance(full.error, BusRefused)
    assert await stored(connection) == [0, 1, 2, 3]

    await room(connection, 100)
    again = await publish_in_order(publisher, all_of_them, patience=PATIENCE)

    assert again.error is None
    assert again.results == tuple(Stored("LOG", number + 1, number < 4) for number in range(10))
    assert await stored(connection) == list(range(10))


async def test_given_one_that_is_stored_already_then_it_is_said_to_be_and_the_others_are_stored(
    connection: Connection, publisher: Publisher
) -> None:
    await stream(connection)
    await publish_in_order(publisher, messages(0, 1, 2), patience=PATIENCE)

    done = await publish_in_order(publisher, messages(1, 2, 3, 4), patience=PATIENCE)

    assert done.error is None
    assert done.results == (Stored("LOG", 2, True), Stored("LOG", 3, True), Stored("LOG", 4), Stored("LOG", 5))
    assert await stored(connection) == [0, 1, 2, 3, 4]


async def test_given_the_same_message_twice_then_it_is_stored_once(
    connection: Connection, publisher: Publisher
) -> None:
    await stream(connection)

    done = await publish_in_order(publisher, messages(0, 1, 0, 2), patience=PATIENCE)

    assert done.results == (Stored("LOG", 1), Stored("LOG", 2), Stored("LOG", 1, True), Stored("LOG", 3))


async def test_given_a_stream_that_takes_no_batches_then_the_messages_are_stored_one_by_one(
    connection: Connection, publisher: Publisher
) -> None:
    await stream(connection, allow_atomic=False)

    done = await publish_in_order(publisher, messages(0, 1, 2), patience=PATIENCE)

    assert done.results == (Stored("LOG", 1), Stored("LOG", 2), Stored("LOG", 3))


async def test_given_one_that_is_larger_than_the_server_takes_then_it_keeps_no_other_from_being_stored(
    connection: Connection, publisher: Publisher
) -> None:
    await stream(connection)
    first, second, third = messages(0, 1, 2)
    huge = Message("log.a", bytes(connection.max_payload + 1), second.headers)

    done = await publish_in_order(publisher, [first, huge, third], patience=PATIENCE)

    assert done.error is None
    assert [type(result) for result in done.results] == [Stored, Malformed, Stored]
    assert await stored(connection) == [0, 2]
    assert not connection.closed.is_set()


async def test_given_a_message_that_the_stream_refuses_then_none_behind_it_is_stored(
    connection: Connection, publisher: Publisher
) -> None:
    await stream(connection, max_msg_size=500)
    first, second, third = messages(0, 1, 2)
    large = Message("log.a", bytes(1_000), second.headers)

    done = await publish_in_order(publisher, [first, large, third], patience=PATIENCE)

    assert done.results == (Stored("LOG", 1),)
    assert isinstance(done.error, BusRefused)
    assert await stored(connection) == [0]


async def test_given_more_batches_at_once_than_the_server_takes_then_all_are_stored_in_their_order(
    connection: Connection, publisher: Publisher
) -> None:
    await stream(connection)
    logs = [f"log.{number}" for number in range(80)]
    # As many batches as the server takes at once (50) are begun and never ended.
    for number in range(50):
        headers = {"Nats-Batch-Id": f"left {number}", "Nats-Batch-Sequence": "1"}
        await connection.client.publish("log.left", b"0", headers=headers)

    done = await asyncio.gather(
        *(publish_in_order(publisher, messages(*range(20), log=log), patience=PATIENCE) for log in logs)
    )

    assert [one.error for one in done] == [None] * len(logs)
    for log in logs:
        assert await stored(connection, log) == list(range(20))
    assert await stored(connection, "log.left") == []


@pytest.mark.parametrize("dies", [True, False], ids=["the server dies", "the connection breaks"])
async def test_given_a_batch_that_is_cut_in_the_middle_then_it_is_stored_whole_when_the_connection_is_back(
    server: NatsServer, connection: Connection, publisher: Publisher, monkeypatch: pytest.MonkeyPatch, dies: bool
) -> None:
    await stream(connection)
    publish, count = Client.publish, 0

    async def breaks_behind_the_fifth(client: Client, subject: str, *rest: Any, **more: Any) -> None:
        nonlocal count
        count += 1
        await publish(client, subject, *rest, **more)
        if count == 5:
            await client.flush()  # the server has five of ten
            if dies:
                server.kill()
            else:
                client._transport._io_writer.transport.abort()  # type: ignore[union-attr]
            await until(lambda: not connection.is_up, awaited="the loss to be noticed")

    monkeypatch.setattr(Client, "publish", breaks_behind_the_fifth)
    publishing = asyncio.create_task(publish_in_order(publisher, messages(*range(10)), patience=PATIENCE))
    await until(lambda: count >= 5 and not connection.is_up, awaited="the batch to be cut")
    if dies:
        await server.start()
    done = await publishing

    assert count >= 15, "it was not cut"
    assert done.error is None
    assert [result.seq for result in done.results if isinstance(result, Stored)] == list(range(1, 11))
    assert await stored(connection) == list(range(10))


async def test_given_a_batch_whose_answer_is_lost_then_it_goes_again_and_each_is_said_to_be_stored(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stream(connection)
    answered, lost = Publisher._answered, 0

    async def loses_the_first(publisher: Publisher, message: Msg) -> None:
        nonlocal lost
        lost += 1
        if lost > 1:
            await answered(publisher, message)

    monkeypatch.setattr(Publisher, "_answered", loses_the_first)
    async with Publisher(connection, answer_within=0.05) as publisher:
        done = await publish_in_order(publisher, messages(0, 1, 2), patience=PATIENCE)

    assert done.results == (Stored("LOG", 1, True), Stored("LOG", 2, True), Stored("LOG", 3, True))
    assert await stored(connection) == [0, 1, 2]


async def test_given_kills_of_the_server_while_batches_go_again_and_again_then_nothing_is_lost_doubled_or_overtaken(
    server: NatsServer, connection: Connection, publisher: Publisher
) -> None:
    await stream(connection)
    done = 0

    async def hand_over(log: str) -> None:
        nonlocal done
        waiting = messages(*range(600), log=log)
        while waiting:
            succession = await publish_in_order(publisher, waiting[:40], patience=0.5)
            done += len(succession.results)
            del waiting[: len(succession.results)]
            if succession.error is not None:
                await asyncio.sleep(0.02)

    logs = ["log.a", "log.b", "log.c"]
    handing = asyncio.gather(*map(hand_over, logs))
    for part in (1, 2, 3):
        await until(lambda part=part: done >= part * 400, awaited="some more to be stored")  # type: ignore[misc]
        server.kill()
        await until(lambda: not publisher.online, awaited="the publisher to notice")
        await server.start()
        await until(lambda: publisher.online, awaited="the publisher to be back")
    await handing

    for log in logs:
        assert await stored(connection, log) == list(range(600))


async def test_given_a_server_that_is_away_then_nothing_is_said_to_be_stored(
    server: NatsServer, connection: Connection, publisher: Publisher
) -> None:
    await stream(connection)
    server.kill()
    await until(lambda: not publisher.online, awaited="the publisher to notice")

    done = await publish_in_order(publisher, messages(0, 1), patience=PATIENCE)

    assert done.results == ()
    assert isinstance(done.error, BusUnavailable)


async def test_given_a_batch_then_each_of_its_messages_counts_in_the_window(connection: Connection) -> None:
    async with Publisher(connection, window=10) as publisher:
        first = asyncio.create_task(publish_in_order(publisher, messages(*range(12)), patience=PATIENCE))
        await until(lambda: publisher.unanswered == 12, awaited="the batch to be on its way")
        second = asyncio.create_task(publish_in_order(publisher, messages(12, 13), patience=PATIENCE))
        done, _ = await asyncio.wait([second], timeout=0.05)
        assert not done
        assert publisher.unanswered == 12, "there was room for another one"

        await stream(connection)
        await asyncio.gather(first, second)

        assert publisher.unanswered == 0
    assert await stored(connection) == list(range(14))
