"""Who is at work: one of several processes, and for how long at the least.

The holder writes a record again and again, each time on the condition that nobody else has written since. Whoever
stands by watches it: when it has not changed for as long as a lease lasts, by the watcher's own clock, it is free, and
the first to overwrite it has it. No clocks are compared, and the holder's own end comes first: its lease counts from
before it asked, the watcher's wait from after it was answered. A process that was paused (SIGSTOP, a sleeping machine)
finds its lease over when it wakes up, before it does anything else.

    stand by ──free──▶ hold ──beat, beat, …──▶ over (silent too long, overwritten, or released)
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from typing import Final

import msgspec
import nats.errors
import structlog

from gearmesh.bus.connection import Connection, heed_cancellation
from gearmesh.bus.store import Store
from gearmesh.bus.whereabouts import Process
from gearmesh.errors import BusError

log = structlog.get_logger("gearmesh.bus")

LASTS: Final = 3.0
"""Seconds that a lease is good for after it was asked for."""
BEAT: Final = 0.5
SPARE: Final = 0.25
"""Seconds before its end from which a holder does nothing any more; and after which others take a lease to be over."""


class Holder(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who has a lease. `owner` is "" when it was released; `process` is where the owner lives.

    `clean`: whoever had it before left nothing undone. `term` counts the owners, `beat` their signs of life.
    """

    owner: str
    term: int = 0
    beat: int = 0
    process: Process = Process()
    clean: bool = False


def uptime() -> float:
    """Seconds, also counting the time in which this machine slept."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Lease:
    """One thing that one process at a time may do. `name` is its key among the leases.

    `acquire` waits until it is ours, `lost` until it is not any more; `valid` is asked right before doing something
    that nobody else may do at the same time.
    """

    def __init__(self, connection: Connection, leases: Store[Holder], name: str, *, lasts: float = LASTS) -> None:
        self._connection = connection
        self._leases = leases
        self._name = name
        self._lasts = lasts
        self._me = Holder(os.urandom(8).hex(), process=Process.this())
        self._until = float("-inf")
        self._revision = 0
        self._held: Holder | None = None
        self._over = asyncio.Event()
        self._beating: asyncio.Task[None] | None = None

    @property
    def valid(self) -> bool:
        """Whether it is ours now, for certain."""
        return self._held is not None and uptime() < self._until - SPARE

    @property
    def term(self) -> int:
        """The number of our turn as the owner; 0 before the first."""
        return self._me.term

    async def acquire(self) -> Holder:
        """Wait until the lease is ours. Returns what whoever had it before left there."""
        seen, since = -1, uptime()
        while True:
            try:
                found = await self._leases.get_with_revision(self._name)
                holder, revision = found or (Holder("", clean=True), 0)
                if revision != seen:
                    seen, since = revision, uptime()
                free = not holder.owner or uptime() - since > self._lasts + SPARE or holder.process.is_dead()
                heed_cancellation()
                if free and await self._take(holder, revision):
                    return holder
            except BusError:
                seen = -1  # what was seen before NATS went away says nothing of the time in between
            await asyncio.sleep(BEAT / 2)

    async def lost(self) -> None:
        """Wait until the lease is not ours any more."""
        await self._over.wait()

    async def release(self, *, clean: bool) -> None:
        """Give it back. `clean`: everything that was begun is finished, and written down."""
        held, self._held = self._held, None
        self._over.set()
        if self._beating:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)
        for _ in range(2):
            # Once more after a refusal: a beat was on its way, and has been written since.
            if held and uptime() < self._until and await self._write(Holder("", held.term, clean=clean)) is None:
                continue
            break

    async def _take(self, before: Holder, revision: int) -> bool:
        asked = uptime()
        self._me = msgspec.structs.replace(self._me, term=before.term + 1, beat=0)
        if not await self._write(self._me, revision):
            return False
        self._held, self._until = self._me, asked + self._lasts
        self._over.clear()
        self._beating = asyncio.create_task(self._beat(), name=f"lease {self._name}")
        return True

    async def _beat(self) -> None:
        beat = 0
        while uptime() < self._until:
            await asyncio.sleep(BEAT)
            asked, beat = uptime(), beat + 1
            if asked >= self._until:
                break
            written = await self._write(msgspec.structs.replace(self._me, beat=beat))
            heed_cancellation()
            if written:
                self._until = asked + self._lasts
            elif written is False:
                break
        log.warning("the lease is over", lease=self._name)
        self._held = None
        self._over.set()

    async def _write(self, holder: Holder, revision: int | None = None) -> bool | None:
        """Whether it is written; None: it is not known. Not through the publisher: it would repeat it later."""
        subject, data = self._leases.entry(self._name, holder)
        expected = self._revision if revision is None else revision
        for _ in range(2):
            if not self._connection.is_up:
                return None
            headers = {"Nats-Expected-Last-Subject-Sequence": str(expected)}
            try:
                reply = await self._connection.client.request(subject, data, timeout=1.0, headers=headers)
                answer = json.loads(reply.data)
                if "error" not in answer:
                    self._revision = int(answer["seq"])
                    return True
                # Once more if that was an earlier beat of ours, whose answer was lost.
                found = await self._leases.get_with_revision(self._name)
            except (BusError, nats.errors.Error, OSError, ValueError):
                return None
            if found is None or (found[0].owner, found[0].term) != (self._me.owner, self._me.term):
                return False
            expected = found[1]
        return None
