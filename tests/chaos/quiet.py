"""Waiting until nothing is on its way any more: in the networks, in the logs, or to a phone."""

from __future__ import annotations

import asyncio
from typing import Final

import nats.errors
import nats.js.errors

from gearmesh.bus.connection import Connection

from .eyes import Eyes

BETWEEN_LOOKS: Final = 0.5
SURE_AFTER: Final = 2.0
"""Seconds for which nothing may be on its way before it is believed."""


async def quiet(eyes: Eyes, connection: Connection, expected: int, within: float) -> str:
    """Wait, at most `within` seconds. Returns "" when all is quiet, else what was still on its way.

    `expected` is how many messages the phones show when nothing is missing. Less is no reason to wait where nothing is
    on its way: it will not come any more.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    since: float | None = None
    seen = ("", -1)
    while True:
        seen_before, seen = seen, (await _underway(eyes, connection), await eyes.look())
        still = not seen[0] and seen == seen_before
        if not still:
            since = None
        elif since is None:
            since = loop.time()
        patience = SURE_AFTER if seen[1] >= expected else within
        if since is not None and loop.time() - since > patience:
            return ""
        if loop.time() > end:
            missing = expected - seen[1]
            return seen[0] or (f"{missing} messages are missing" if missing > 0 else "it does not get quiet")
        await asyncio.sleep(BETWEEN_LOOKS)


async def _underway(eyes: Eyes, connection: Connection) -> str:
    if webhooks := await eyes.waiting():
        return f"{webhooks} events wait at the networks"
    try:
        for stream in await connection.js.streams_info():
            name = stream.config.name or ""
            for consumer in await connection.js.consumers_info(name) if name.startswith("GM_") else ():
                if left := (consumer.num_pending or 0) + (consumer.num_ack_pending or 0):
                    return f"{left} messages of {name} wait for {consumer.name}"
    except (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError) as error:
        return f"nats does not answer ({type(error).__name__})"
    return ""
