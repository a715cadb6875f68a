"""A consumer that is cancelled ends, whatever it is waiting for just then."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gearmesh.bus.connection import Access, Connection
from gearmesh.bus.consumer import PinnedConsumer, Taken
from gearmesh.testing import NatsServer

ENDS_WITHIN = 10.0


async def nothing(taken: Taken) -> None:
    """Take a message, and leave it unacknowledged."""


@pytest.mark.parametrize("moment", ["request", "stream_info", "reset_consumer"])
async def test_given_a_cancellation_that_comes_together_with_an_answer_of_nats_then_the_consumer_ends(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    await connection.js.add_stream(name="LOG", subjects=["log.>"], allow_direct=True)
    await connection.js.publish("log.a", b"1")
    consumer = PinnedConsumer(connection, stream="LOG", name="worker", subject="log.>", handler=nothing)
    await consumer.ensure()
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    target: Any = connection.client if moment == "request" else connection.js
    ask = getattr(target, moment)

    async def ask_and_be_cancelled(*args: Any, **more: Any) -> Any:
        answer = await ask(*args, **more)
        if asked.is_set():
            return answer
        asked.set()
        together: asyncio.Future[Any] = loop.create_future()

        def answered_and_cancelled() -> None:
            together.set_result(answer)
            running.cancel()

        loop.call_soon(answered_and_cancelled)
        # What nats-py waits with; in Python 3.11 it gives the answer and forgets the cancellation.
        return await asyncio.wait_for(together, 5)

    monkeypatch.setattr(target, moment, ask_and_be_cancelled)
    running = asyncio.create_task(consumer.run())
    try:
        await asyncio.wait([running], timeout=ENDS_WITHIN)
        assert asked.is_set()
        assert running.cancelled()
    finally:
        monkeypatch.undo()
        while not running.done():
            running.cancel()
            await asyncio.wait([running], timeout=1.0)


async def test_given_a_connection_that_tries_to_come_back_when_it_is_closed_then_nothing_of_it_goes_on(
    nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = await Connection.open(Access((nats_server.url,)), "closing")
    client: Any = connection.client
    trying = asyncio.Event()

    async def forget_a_cancellation() -> None:
        trying.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            monkeypatch.undo()  # the next one is heeded
            # What nats-py gets when an attempt fails just then: in Python 3.11 `wait_for` tells the failure alone.
            raise OSError("no server") from None

    monkeypatch.setattr(client, "_select_next_server", forget_a_cancellation)
    await nats_server.stop()
    await asyncio.wait_for(trying.wait(), ENDS_WITHIN)

    await connection.close()

    assert client._reconnection_task.done()
    assert not connection.is_up
