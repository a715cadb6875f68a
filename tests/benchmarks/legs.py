"""Egress beside the bare hop: legs sent to a bridge that says yes at once, written down, acknowledged.

A bare hop stores one message. So does a leg, that it was sent; before it is, it is named in a message that it shares
with those that begin at the same moment. A bare leg stores one message of the same size and does nothing else, which
shows how much of a leg is NATS.
"""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from gearmesh.bus.connection import Connection
from gearmesh.bus.consumer import Handler, Taken
from gearmesh.bus.publisher import Publisher, Stored
from gearmesh.bus.streams import LEDGER
from gearmesh.errors import BusError
from hops import CONVERSATIONS, SUBJECTS, bare, bus, fill, measure, stored_per_second
from outgoing import APP, Outgoing, outgoing

FILLED_WITHIN: Final = 60.0
SIZE: Final = 460
"""Bytes of what a leg stores: that it was sent, when, and as what."""


class Rates(msgspec.Struct, frozen=True):
    """Legs per second, bare and through egress, and the medians of the rounds' ratios to the bare hop's rate."""

    bare_leg: float
    bare_leg_ratio: float
    egress: float
    egress_ratio: float


async def compare(folder: Path, legs: int, rounds: int) -> Rates:
    """Hops and legs turn about, so that what else the machine does hits all of them."""
    async with bus(folder) as (connection, publisher):
        await fill(publisher, legs)
        ways: list[Callable[[], Awaitable[float]]] = [
            partial(measure, connection, publisher, legs, partial(bare, connection, publisher)),
            partial(_sent, connection, publisher, legs, Outgoing),
            partial(_sent, connection, publisher, legs, _BareLegs),
        ]
        found: list[tuple[float, float, float]] = []
        for number in range(rounds):
            order = (0, 1, 2) if number % 2 else (2, 1, 0)
            rates = {way: await ways[way]() for way in order}
            found.append((rates[0], rates[1], rates[2]))
    return Rates(
        statistics.median(legs for _, _, legs in found),
        statistics.median(legs / hops for hops, _, legs in found),
        statistics.median(sent for _, sent, _ in found),
        statistics.median(sent / hops for hops, sent, _ in found),
    )


async def _sent(connection: Connection, publisher: Publisher, legs: int, kind: type[Outgoing]) -> float:
    """Legs per second, from the first to the last that is written down as sent; all of them are acknowledged then."""
    async with outgoing(connection, publisher, kind=kind) as side:
        # The first message to a thread also reads and writes down what is known of the thread: that is over before.
        await side.fill(CONVERSATIONS, lambda number: number)
        await side.acknowledged(CONVERSATIONS)
        await connection.js.purge_stream(SUBJECTS.stream(LEDGER))
        # The turn has begun when the log is filled: what stands in it before may have been sent, and is looked up.
        await side.pause(FILLED_WITHIN)
        await side.fill(legs, lambda number: number % CONVERSATIONS)
        await side.pause(0)
        rate = await stored_per_second(connection, SUBJECTS.stream(LEDGER), legs)
        await side.acknowledged(CONVERSATIONS + legs)
        if side.bridge.sent != CONVERSATIONS + legs:
            raise RuntimeError(f"{side.bridge.sent - CONVERSATIONS} messages were sent for {legs} legs")
        return rate


class _BareLegs(Outgoing):
    """Stores what a leg stores, and acknowledges it."""

    @property
    def handler(self) -> Handler:
        """What does so."""
        return self.take

    async def take(self, taken: Taken) -> None:
        """Take one leg."""

        async def stored(result: Stored | BusError) -> None:
            if isinstance(result, Stored):
                self.bridge.sent += 1
                await taken.ack()

        envelope = taken.headers["Nats-Msg-Id"].partition(":")[0]
        subject = SUBJECTS.sent(APP, "17841405000000000", envelope, f"aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOj{envelope}")
        await self.publisher.send(subject, bytes(SIZE), None, stored)
