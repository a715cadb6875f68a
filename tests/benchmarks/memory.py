"""What legs that wait cost in memory: each case in a process of its own, which prints the growth of its resident set.

python memory.py parked | parked_apart | held | held_long
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gearmesh.errors import RateLimited, Retry
from gearmesh.model.content import Text
from gearmesh.model.delivery import Delivery
from gearmesh.wire.body import close_body
from hops import bus
from outgoing import Observed, outgoing

LEGS: Final = 10_000
WARM_UP: Final = 10_000
FIRST: Final = 100_000
"""The recipients of the warm-up have numbers from here on."""
HOUR: Final = 3600.0
THREADS: Final[dict[str, int]] = {"parked": 1_000, "parked_apart": LEGS, "held": 1_000, "held_long": 1_000}
"""Over how many threads the legs are spread. Parked ones wait for their recipient's rate; held ones for the network."""
LONG: Final = close_body(Text("x" * 20_000))
MIB: Final = 1024 * 1024


async def growth(case: str) -> float:
    """MiB by which a process of its own grew with 10,000 legs that wait."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(Path(__file__)), case, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the memory of {case} was not measured")
    return float(output)


async def _measure(case: str) -> float:
    with tempfile.TemporaryDirectory(prefix="gearmesh-bench-") as folder:
        async with bus(Path(folder)) as (connection, publisher), outgoing(connection, publisher, kind=Observed) as side:
            # Buffers and caches have their size when the measuring begins.
            await side.fill(WARM_UP, lambda number: FIRST + number % THREADS[case])
            await side.acknowledged(WARM_UP)
            before = _resident()
            side.network.answer = _too_fast if case.startswith("parked") else _unreachable
            if case == "held_long":
                side.body = LONG
            await side.fill(LEGS, lambda number: number % THREADS[case])
            await _until(_waits(side, case))
            return (_resident() - before) / MIB


def _waits(side: Observed, case: str) -> Callable[[], bool]:
    if case.startswith("held"):
        return lambda: side.egress.waiting == LEGS
    return lambda: side.egress.queued == THREADS[case] and not side.egress.waiting and side.taken == WARM_UP + LEGS


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.05)


def _too_fast(delivery: Delivery) -> None:
    raise RateLimited("once an hour", after=HOUR, scope="recipient")


def _unreachable(delivery: Delivery) -> None:
    raise Retry("the network is away")


def _resident() -> int:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    import logging

    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    print(asyncio.run(_measure(sys.argv[1])))
