"""`make bench`: one JSON line per row, `name`, `value`, `unit`, and `ratio` where there is one.

A figure says something only beside the others of the same run on the same machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import tempfile
from pathlib import Path
from typing import Final

import structlog

from gearmesh.daemon import spare_collector

sys.path.insert(0, str(Path(__file__).parent))

import files
import hops
import legs
import memory
import neighbour
import relay

NEIGHBOUR_ROUNDS: Final = 4


def main() -> None:
    """Measure, and print the rows."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--messages", type=int, default=15_000, help="messages in the log that is routed")
    options.add_argument("--rounds", type=int, default=9, help="turns of router and bare hop")
    options.add_argument("--seconds", type=float, default=10.0, help="how long each rate of the relay is held")
    options.add_argument(
        "--only", choices=("hops", "egress", "memory", "neighbour", "files", "relay"), help="measure only this"
    )
    chosen = options.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    spare_collector()  # as the daemon does
    asyncio.run(_run(chosen))


async def _run(chosen: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="gearmesh-bench-") as folder:
        if chosen.only in (None, "hops"):
            router, bare, ratio = await hops.compare(Path(folder) / "hops", chosen.messages, chosen.rounds)
            _row("bare_hop", bare, "hops/s")
            _row("router_hop", router, "hops/s", ratio)
        if chosen.only in (None, "egress"):
            rates = await legs.compare(Path(folder) / "legs", chosen.messages, chosen.rounds)
            _row("bare_leg", rates.bare_leg, "legs/s", rates.bare_leg_ratio)
            _row("egress", rates.egress, "legs/s", rates.egress_ratio)
        if chosen.only in (None, "memory"):
            for case in memory.THREADS:
                _row(f"waiting_memory_{case}", await memory.growth(case), "MiB/10,000 legs")
        if chosen.only in (None, "neighbour"):
            delays = await neighbour.compare(Path(folder) / "neighbour", chosen.seconds / 2, NEIGHBOUR_ROUNDS)
            _row("limited_neighbour", delays.flooded, "ms", delays.ratio)
        if chosen.only in (None, "files"):
            seen = await files.burst(Path(folder) / "files")
            _row("files_daemon_memory", seen.daemon, "MiB")
            _row("files_opener_memory", seen.opener, "MiB")
            _row("files_150", seen.seconds, "s")
            _row("files_text_p99", seen.during, "ms", seen.during / seen.quiet)
        if chosen.only in (None, "relay"):
            async with relay.line(Path(folder) / "relay") as line:
                await line.run(50, 2.0)  # everything has been used once
                quiet = await line.run(100, chosen.seconds)
                _row("relay_p50", quiet.percentile(50), "ms")
                _row("relay_p99", quiet.percentile(99), "ms")
                held = await relay.highest_rate(line, chosen.seconds)
                _row("relay_rate", held, "messages/s")


def _row(name: str, value: float, unit: str, ratio: float | None = None) -> None:
    row: dict[str, object] = {"name": name, "value": round(value, 2), "unit": unit}
    if ratio is not None:
        row["ratio"] = round(ratio, 3)
    print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
