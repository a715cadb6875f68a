"""`python -m lease_holder <url> <name> [<lasts>]`: a process that wants a lease, and says what becomes of it.

It says "held" with the uptime at which it got it, and from then on, again and again, "valid" or "over" with the uptime
at which it looked. Between two looks it does nothing else, so that after a stop its first word shows what it believes.
"""

from __future__ import annotations

import asyncio
import sys
import time

from gearmesh.bus.connection import Access, Connection
from gearmesh.bus.lease import LASTS, Holder, Lease, uptime
from gearmesh.bus.publisher import Publisher
from gearmesh.bus.store import Store

LOOKS_EVERY = 0.02


def say(word: str, when: float) -> None:
    """One line on standard output, at once."""
    print(word, f"{when:.4f}", flush=True)


async def main(url: str, name: str, lasts: float) -> None:
    """Hold the lease, again and again."""
    connection = await Connection.open(Access((url,)), "holder")
    async with Publisher(connection) as publisher:
        lease = Lease(connection, Store(connection, publisher, "gm-leases", Holder), name, lasts=lasts)
        while True:
            await lease.acquire()
            say("held", uptime())
            lost = asyncio.create_task(lease.lost())
            while not lost.done():
                # Not asyncio's sleep: nothing of ours runs between the look and the wake-up after a stop.
                time.sleep(LOOKS_EVERY / 2)  # noqa: ASYNC251
                when, valid = uptime(), lease.valid
                say("valid" if valid else "over", when)
                await asyncio.sleep(LOOKS_EVERY / 2)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else LASTS))
