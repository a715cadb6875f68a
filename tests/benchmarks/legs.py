"""Egress beside the bare hop: legs sent to a bridge that says yes at once, written down, acknowledged.

A bare hop stores one message; a leg stores three: both sides of the message map, and its entry in the ledger. A bare
leg stores three of the same size and does nothing else, which shows how much of a leg is NATS.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from gearmesh.bus.connection import Connection
from gearmesh.bus.consumer import Taken
from gearmesh.bus.publisher import Publisher, Stored
from gearmesh.errors import BusError
from hops import CONVERSATIONS, SUBJECTS, bare, bus, fill, measure
from outgoing import APP, Outgoing, outgoing

FILLED_WITHIN: Final = 60.0
SIZES: Final = (90, 120, 300)
"""Bytes of what a leg stores: its record, that of its native message, its entry in the ledger."""


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
    """Legs per second, from the first that nats-server gives out to the last acknowledgement."""
    async with outgoing(connection, publisher, kind=kind) as side:
        # The turn has begun when the log is filled: what stands in it before may have been sent, and is looked up.
        await side.pause(FILLED_WITHIN)
        await side.fill(legs, lambda number: number % CONVERSATIONS)
        started = time.perf_counter()
        await side.pause(0)
        await side.acknowledged(legs)
        rate = legs / (time.perf_counter() - started)
        if side.bridge.sent != legs:
            raise RuntimeError(f"{side.bridge.sent} messages were sent for {legs} legs")
        return rate


class _BareLegs(Outgoing):
    """Stores what a leg stores, and acknowledges it."""

    async def take(self, taken: Taken) -> None:
        """Take one leg."""
        waiting = len(SIZES)

        async def stored(result: Stored | BusError) -> None:
            nonlocal waiting
            if isinstance(result, Stored):
                waiting -= 1
                if not waiting:
                    self.bridge.sent += 1
                    await taken.ack()

        leg = taken.headers["Nats-Msg-Id"]
        envelope = leg.partition(":")[0]
        keys = (f"{envelope}.{APP}.17841405000000000", f"{APP}.aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOj{envelope}")
        for key, size in zip(keys, SIZES[:2], strict=True):
            await self.publisher.send(f"$KV.{SUBJECTS.bucket('map')}.{key}", bytes(size), None, stored)
        subject, headers = SUBJECTS.ledger(APP, envelope), {"Nats-Msg-Id": f"{leg}:sent"}
        await self.publisher.send(subject, bytes(SIZES[2]), headers, stored)
