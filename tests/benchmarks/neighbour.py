"""What a recipient who is written to far too fast does to the others: their delay with such a neighbour, and without.

The delay is from the leg's place in the outbound log to the call of the bridge's `send`.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from gearmesh.bus.consumer import Taken
from gearmesh.model.delivery import Delivery
from hops import CONVERSATIONS, bus
from outgoing import Observed, outgoing

EVERY: Final = 6.0
"""Seconds for each message to one recipient: WhatsApp's pair rate."""
RATE: Final = 75.0
"""Messages a second to the others: each of them gets one in 6.7 seconds."""
FLOOD: Final = 20.0
"""Messages a second to the one who may have one in 6."""
LIMITED: Final = CONVERSATIONS


class Delays(msgspec.Struct, frozen=True):
    """The 99th percentile of the others' delays with the neighbour, in milliseconds, and its ratio to the one without.

    Both are medians of the rounds.
    """

    flooded: float
    ratio: float


async def compare(folder: Path, seconds: float, rounds: int) -> Delays:
    """Turn about with and without the neighbour, each for so many seconds."""
    others = itertools.cycle(range(CONVERSATIONS))
    percentiles: dict[bool, list[float]] = {True: [], False: []}
    async with (
        bus(folder) as (connection, publisher),
        outgoing(connection, publisher, recipient_every=EVERY, kind=Observed) as side,
    ):
        await _run(side, others, EVERY, flood=True)  # everything has been used once, and the neighbour owes
        for number in range(rounds):
            for flood in (number % 2 == 0, number % 2 == 1):
                percentiles[flood].append(await _run(side, others, seconds, flood=flood))
    flooded = statistics.median(percentiles[True])
    return Delays(flooded, flooded / statistics.median(percentiles[False]))


async def _run(side: Observed, others: Iterator[int], seconds: float, *, flood: bool) -> float:
    """The 99th percentile of the delays of everybody but the limited one, in milliseconds."""
    stored: dict[str, int] = {}
    delays: list[float] = []

    def taken(leg: Taken) -> None:
        stored[leg.headers["Nats-Msg-Id"]] = leg.stored_at

    def answer(delivery: Delivery) -> None:
        at = stored.pop(delivery.id.rpartition(":")[0], 0)
        if at and delivery.user != limited:
            delays.append((time.time_ns() // 1000 - at) / 1000)

    limited = side.user(LIMITED)
    side.on_taken, side.network.answer = taken, answer
    count = int(RATE * seconds)
    await asyncio.gather(
        _steadily(side, list(itertools.islice(others, count)), RATE),
        _steadily(side, [LIMITED] * int(FLOOD * seconds * flood), FLOOD),
    )
    last_call = time.perf_counter() + 5
    while len(delays) < count and time.perf_counter() < last_call:
        await asyncio.sleep(0.01)
    if len(delays) < count:
        raise RuntimeError(f"{count - len(delays)} of {count} messages were not sent in time")
    return sorted(delays)[int(count * 0.99)]


async def _steadily(side: Observed, recipients: list[int], rate: float) -> None:
    started = time.perf_counter()
    for number, recipient in enumerate(recipients):
        pause = started + number / rate - time.perf_counter()
        if pause > 0:
            await asyncio.sleep(pause)
        await side.put(recipient)
