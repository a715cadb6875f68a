"""Has files of strangers opened, in processes that may break without harm: bounded in memory and time, ended when idle.

Two benches, so that a video, which takes long, never holds up a picture or a voice message.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Final, Literal

import msgspec
import structlog

from gearmesh.errors import FileDelayed, FileUnusable
from gearmesh.media.orders import Answer, Look, Make, Order
from gearmesh.media.plan import Convert
from gearmesh.media.probe import Probe, family_of

log = structlog.get_logger("gearmesh.media")

Lane = Literal["short", "long"]
WITHIN: Final[dict[Lane, int]] = {"short": 45, "long": 240}
"""Seconds by the clock for one order, and of the processor as well. A ten-minute video in full HD takes about 150."""
LANES: Final[tuple[Lane, ...]] = ("short", "long")
IDLE: Final = 20.0
"""Seconds without an order after which a process is ended: what its libraries take is given back."""
MOST_AT_REST: Final = 220 * 1024 * 1024
"""Bytes. A process that has used more than this is ended at once."""
KEPT: Final = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONHOME", "PYTHONPATH")
"""What such a process gets of the daemon's environment: how to find Python and its libraries, and no secret."""
MOST_ANSWER: Final = 64 * 1024


class Workshop:
    """Opens files and makes others of them. `largest`: bytes that a file made here may have."""

    def __init__(self, largest: int, *, within: dict[Lane, int] | None = None, idle: float = IDLE) -> None:
        within = within or WITHIN
        self._benches: dict[Lane, _Bench] = {lane: _Bench(lane, largest, within[lane], idle) for lane in WITHIN}
        self._within = within
        self.peak = 0
        """The most memory that one of its processes has used so far, in bytes."""

    async def look(self, path: Path, mime: str) -> Probe:
        """What a file is; a broken one says so in `Probe.broken`. `mime` is what its first bytes say.

        Raises:
            FileUnusable: it took too long, or broke the process, which another time it need not.
            FileDelayed: no process could be started.
        """
        if family_of(mime) == "other":
            return Probe(mime, path.stat().st_size)
        answer = await self._ask("short", Look(str(path), mime, self._within["short"]))
        if answer.passing:
            raise FileUnusable(answer.reason)
        return answer.probe or Probe(mime, path.stat().st_size, broken=answer.reason)

    async def make(self, source: Path, found: Probe, target: Path, steps: Convert) -> Probe:
        """Write what a file becomes by `steps` to `target`; what is there now.

        Raises:
            FileUnusable: it cannot be made; `size` is set where it only cannot be made small enough.
            FileDelayed: no process could be started, or there is no room for what is made.
        """
        lane = lane_of(found, steps)
        answer = await self._ask(lane, Make(str(source), found, str(target), steps, self._within[lane]))
        if answer.probe is None:
            raise FileUnusable(answer.reason, size=answer.size)
        return answer.probe

    async def close(self) -> None:
        """End all processes."""
        await asyncio.gather(*(bench.close() for bench in self._benches.values()))

    async def _ask(self, lane: Lane, order: Order) -> Answer:
        answer = await self._benches[lane].work(order)
        self.peak = max(self.peak, answer.peak)
        if answer.delayed:
            raise FileDelayed(answer.reason)
        return answer


def lane_of(found: Probe, steps: Convert) -> Lane:
    """On which bench a file is made."""
    long = family_of(found.mime) == "video" or steps.mime == "video/mp4" or found.duration > 600
    return "long" if long else "short"


class _Bench:
    """One process at most, and whoever waits for it."""

    def __init__(self, name: str, largest: int, within: int, idle: float) -> None:
        self._name = name
        self._largest = largest
        self._within = within
        self._idle = idle
        self._process: asyncio.subprocess.Process | None = None
        self._lock = asyncio.Lock()
        self._rest: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None

    async def work(self, order: Order) -> Answer:
        async with self._lock:
            if self._rest:
                self._rest.cancel()
            try:
                return await self._work(order)
            finally:
                self._rest = asyncio.get_running_loop().call_later(self._idle, self._end_idle)

    async def close(self) -> None:
        async with self._lock:
            if self._rest:
                self._rest.cancel()
            await self._end()

    async def _work(self, order: Order) -> Answer:
        process = self._process
        if process is None or process.returncode is not None:
            try:
                process = self._process = await self._start()
            except OSError as error:
                log.error("no process that opens files can be started", lane=self._name, error=str(error))
                return Answer(reason="no process that opens it can be started", delayed=True)
        assert process.stdin is not None
        assert process.stdout is not None
        done = False
        try:
            async with asyncio.timeout(self._within):
                process.stdin.write(msgspec.json.encode(order) + b"\n")
                await process.stdin.drain()
                line = await process.stdout.readuntil(b"\n")
            answer = msgspec.json.decode(line, type=Answer)
            done = answer.peak <= MOST_AT_REST
            return answer
        except TimeoutError:
            return Answer(reason=f"it takes longer than {self._within} seconds", passing=True)
        except (asyncio.IncompleteReadError, ConnectionError):
            # Killed by the kernel for what it used, or broken by the file.
            log.warning("a file broke the process that opened it", lane=self._name, status=await process.wait())
            return Answer(reason="whatever opens it breaks", passing=True)
        finally:
            # Also when whoever waits is cancelled: the answer would be taken for that of the next order.
            if not done:
                await self._end()

    async def _start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # nothing is imported from wherever the daemon happens to have been started
            "-m",
            "gearmesh.media.worker",
            str(self._largest),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=MOST_ANSWER,
            env={name: os.environ[name] for name in KEPT if name in os.environ},
            start_new_session=True,  # Ctrl-C is the daemon's to answer
        )

    def _end_idle(self) -> None:
        if not self._lock.locked():
            self._ending = asyncio.create_task(self.close(), name=f"media {self._name}")

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        await process.wait()
