"""Egress beside the bare hop: legs sent to a bridge that says yes at once, written down, acknowledged.

A bare hop stores one message; a leg stores three: both sides of the message map, and its entry in the ledger.
"""

from __future__ import annotations

import statistics
import time
from functools import partial
from pathlib import Path

from gearmesh.bus.connection import Connection
from gearmesh.bus.publisher import Publisher
from hops import CONVERSATIONS, bare, bus, fill, measure
from outgoing import outgoing

FILLED_WITHIN = 60.0


async def compare(folder: Path, legs: int, rounds: int) -> tuple[float, float]:
    """Legs per second through egress, and the median of the rounds' ratios to the bare hop's rate.

    The two take turns, so that what else the machine does hits both.
    """
    async with bus(folder) as (connection, publisher):
        await fill(publisher, legs)
        rates: list[tuple[float, float]] = []
        for number in range(rounds):
            if number % 2:
                sent = await _sent(connection, publisher, legs)
                copied = await measure(connection, publisher, legs, partial(bare, connection, publisher))
            else:
                copied = await measure(connection, publisher, legs, partial(bare, connection, publisher))
                sent = await _sent(connection, publisher, legs)
            rates.append((sent, copied))
        return statistics.median(sent for sent, _ in rates), statistics.median(sent / copied for sent, copied in rates)


async def _sent(connection: Connection, publisher: Publisher, legs: int) -> float:
    """Legs per second, from the first that nats-server gives out to the last acknowledgement."""
    async with outgoing(connection, publisher) as side:
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
