"""The router's hop beside a bare one: the same bus code copies bytes, decides nothing and reads no header."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

from gearmesh.bus.connection import Connection
from gearmesh.bus.consumer import PinnedConsumer, Taken
from gearmesh.bus.embedded import EmbeddedServer
from gearmesh.bus.journal import Journal
from gearmesh.bus.ledger import Ledger
from gearmesh.bus.publisher import Publisher, Stored
from gearmesh.bus.store import Store
from gearmesh.bus.streams import IN, OUT, ensure_all
from gearmesh.errors import BusError
from gearmesh.metrics import Metrics
from gearmesh.model.address import Address
from gearmesh.model.conversation import Conversation, dm_id
from gearmesh.model.envelope import Envelope, Header
from gearmesh.router import Router
from gearmesh.wire.codec import encode
from gearmesh.wire.subjects import PARTITIONS, Subjects
from gearmesh.wire.times import TIMES

BODY_BYTES = 400
CONVERSATIONS = 500
SUBJECTS = Subjects("bench")


@asynccontextmanager
async def bus(folder: Path) -> AsyncIterator[tuple[Connection, Publisher]]:
    """A nats-server of our own with all streams."""
    server = EmbeddedServer(folder)
    await server.start()
    try:
        connection = await Connection.open(server.access, "bench")
        await ensure_all(connection, SUBJECTS)
        async with Publisher(connection) as publisher:
            yield connection, publisher
        await connection.close()
    finally:
        await server.stop()


async def compare(folder: Path, messages: int, rounds: int) -> tuple[float, float, float]:
    """Hops per second of the router and of the bare hop, and the median of the rounds' ratios.

    Both work on the same log, turn about, so that what else the machine does hits both.
    """
    async with bus(folder) as (connection, publisher):
        await fill(publisher, messages)
        rates: list[tuple[float, float]] = []
        for number in range(rounds):
            pair = {}
            for way in (bare, _routed) if number % 2 else (_routed, bare):
                pair[way] = await measure(connection, publisher, messages, partial(way, connection, publisher))
            rates.append((pair[_routed], pair[bare]))
        ratio = statistics.median(routed / bare for routed, bare in rates)
        return (
            statistics.median(routed for routed, _ in rates),
            statistics.median(bare for _, bare in rates),
            ratio,
        )


async def fill(publisher: Publisher, messages: int) -> None:
    """Put envelopes of `CONVERSATIONS` people into the inbound log."""

    async def stored(result: Stored | BusError) -> None:
        if isinstance(result, BusError):
            raise result

    body = os.urandom(BODY_BYTES)
    target = Address("instagram", "17841405793187218")
    for number in range(messages):
        sender = Address("whatsapp", f"49151{number % CONVERSATIONS:08d}")
        conversation = dm_id(sender, target)
        header = Header(os.urandom(16), "event", sender, (target,), conversation, 1_700_000_000_000)
        await publisher.send(
            SUBJECTS.inbound("whatsapp", conversation),
            encode(Envelope(header, body)),
            {"Nats-Msg-Id": header.hex_id, TIMES: "1700000000000000"},
            stored,
        )
    await publisher.drain()


async def measure(
    connection: Connection,
    publisher: Publisher,
    messages: int,
    make: Callable[[], Awaitable[list[PinnedConsumer]]],
) -> float:
    """Hops per second, from the first to the last leg that is stored in the outbound log."""
    js = connection.js
    # A new outbound log: an old one would know the message ids of the round before.
    await js.delete_stream(SUBJECTS.stream(OUT))
    await ensure_all(connection, SUBJECTS)
    consumers = await make()
    tasks = [asyncio.create_task(consumer.run()) for consumer in consumers]
    try:
        rate = await stored_per_second(connection, SUBJECTS.stream(OUT), messages)
        await publisher.drain()
        return rate
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for consumer in consumers:
            await js.delete_consumer(SUBJECTS.stream(IN), consumer.name)


async def stored_per_second(connection: Connection, stream: str, messages: int) -> float:
    """Wait until so many messages are stored in a stream that was empty, and say how fast that was.

    By nats-server's own times, from the first to the last: what happens before the first is no part of it.
    """
    while True:
        answer = await connection.client.request(f"$JS.API.STREAM.INFO.{stream}", timeout=5)
        state = json.loads(answer.data)["state"]
        if state["messages"] >= messages:
            break
        await asyncio.sleep(0.1)
    first, last = (datetime.fromisoformat(state[name]) for name in ("first_ts", "last_ts"))
    return (messages - 1) / (last - first).total_seconds()


async def _routed(connection: Connection, publisher: Publisher) -> list[PinnedConsumer]:
    metrics = Metrics()
    journal = Journal(connection, publisher, SUBJECTS, metrics)
    ledger = Ledger(connection, publisher, SUBJECTS, metrics)
    store = Store(connection, publisher, SUBJECTS.bucket("conversations"), Conversation)
    router = Router(publisher, journal, ledger, store, SUBJECTS, broker=f"bench-{time.time_ns()}", apps={"instagram"})
    await router.prepare()
    return router.consumers


async def bare(connection: Connection, publisher: Publisher) -> list[PinnedConsumer]:
    """Consumers that copy what they take, and acknowledge it when the copy is stored."""

    async def take(taken: Taken) -> None:
        async def stored(result: Stored | BusError) -> None:
            if isinstance(result, Stored):
                await taken.ack()

        conversation = taken.subject.rpartition(".")[2]
        headers = {"Nats-Msg-Id": taken.headers["Nats-Msg-Id"], TIMES: taken.headers[TIMES]}
        await publisher.send(f"bench.out.instagram.{conversation}", taken.data, headers, stored)

    consumers = [
        PinnedConsumer(
            connection,
            stream=SUBJECTS.stream(IN),
            name=f"bare-{number}",
            subject=SUBJECTS.partition(number),
            handler=take,
        )
        for number in range(PARTITIONS)
    ]
    for consumer in consumers:
        await consumer.ensure()
    return consumers
