"""Consumers at work on a log of numbered messages, and what each of them was given."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from nats.js import api

from gearmesh.bus.connection import Connection
from gearmesh.bus.consumer import PinnedConsumer, Taken

from .patience import until

STREAM: Final = "LOG"
SUBJECT: Final = "log.a"


class Worker:
    """One process' side of a consumer: it notes what it is given and acknowledges what `acks` says yes to.

    `given` has the number in each message, in the order in which it came; `turns` what `on_turn` was told.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        acks: Callable[[int], bool] = lambda number: True,
        fails: Callable[[int], bool] = lambda number: False,
        name: str = "worker",
        **settings: Any,
    ) -> None:
        self.given: list[int] = []
        self.taken: list[Taken] = []
        self.turns: list[bool] = []
        self.connection = connection
        self._acks = acks
        self._fails = fails
        self.consumer = PinnedConsumer(
            connection,
            stream=STREAM,
            name=name,
            subject="log.>",
            handler=self._handle,
            on_turn=self._on_turn,
            **settings,
        )
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Create the consumer where it is missing, and begin to work."""
        await self.consumer.ensure()
        self._running = asyncio.create_task(self.consumer.run())

    async def stop(self) -> None:
        """End at once, as a process that dies: nothing is acknowledged any more, nobody is told."""
        if self._running:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def got(self, count: int, *, within: float = 20.0) -> None:
        """Wait until it was given so many messages."""
        try:
            await until(lambda: len(self.given) >= count, awaited=f"{count} messages", within=within)
        except AssertionError as error:
            raise AssertionError(f"{error}; it was given {self.given}") from None

    async def _handle(self, taken: Taken) -> None:
        number = int(taken.data)
        self.given.append(number)
        self.taken.append(taken)
        if self._fails(number):
            raise RuntimeError(f"number {number} is too much")
        if self._acks(number):
            await taken.ack()

    async def _on_turn(self, begins: bool) -> None:
        self.turns.append(begins)


async def make_log(connection: Connection) -> None:
    """The stream."""
    await connection.js.add_stream(api.StreamConfig(name=STREAM, subjects=["log.>"], allow_direct=True))


async def write(connection: Connection, numbers: range) -> None:
    """Store a message for each number, in order."""
    for number in numbers:
        await connection.js.publish(SUBJECT, b"%d" % number)


async def all_acknowledged(connection: Connection, name: str = "worker") -> None:
    """Wait until nothing of the log is left for a consumer."""
    for _ in range(1000):
        info = await connection.js.consumer_info(STREAM, name)
        if not info.num_pending and not info.num_ack_pending:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{info.num_pending} pending, {info.num_ack_pending} not acknowledged")
