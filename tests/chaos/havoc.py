"""Carries out what is to go wrong, undoes it, and keeps account of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from gearmesh.bus.connection import Connection

from .cluster import Cluster, Member
from .faults import APART, CUT, REFUSE, Blow, Order
from .quota import fill, limit_bytes


class Happened(msgspec.Struct, frozen=True):
    """A blow that was dealt: what it hit, and from when to when, in milliseconds since the epoch."""

    kind: str
    target: str
    begun: int
    ended: int


class Havoc:
    """The misfortunes of one campaign."""

    def __init__(self, cluster: Cluster, connection: Connection, seed: int) -> None:
        """`connection` is one of our own to the cluster's NATS."""
        self.happened: list[Happened] = []
        self._cluster = cluster
        self._connection = connection
        self._chance = random.Random(f"{seed} havoc")
        self._ordered: dict[str, Order] = {}
        self._cuts = 0

    async def deal(self, blows: Iterable[Blow], beginning: float) -> None:
        """Deal the blows, each at its time after `beginning` by the event loop's clock."""
        loop = asyncio.get_running_loop()
        last = beginning - APART
        for blow in blows:
            await asyncio.sleep(max(beginning + blow.at, last + APART) - loop.time())
            last = loop.time()
            begun = _now()
            target = await self._deal(blow)
            self.happened.append(Happened(blow.kind, target, begun, _now()))

    async def place(self, orders: Iterable[Order], beginning: float) -> None:
        """Order what the sandbox is to play, and cut connections, each at its time."""
        loop = asyncio.get_running_loop()
        for order in orders:
            await asyncio.sleep(beginning + order.at - loop.time())
            if order.kind == CUT:
                self._cuts += 1
                self._cluster.proxy.cut()
            else:
                self._ordered[await self._cluster.phones.fault(**order.body)] = order

    async def counted(self) -> Counter[str]:
        """How often what has struck so far."""
        counts = Counter(blow.kind for blow in self.happened)
        counts[CUT] += self._cuts
        for order, fired in await self._strikes():
            counts[order.kind] += fired
        return +counts

    async def refused(self) -> Counter[str]:
        """How many messages were refused after they had been taken, by the reader's user id."""
        counts: Counter[str] = Counter()
        for order, fired in await self._strikes():
            if order.kind == REFUSE:
                counts[order.body["user"]] += fired
        return counts

    async def _strikes(self) -> list[tuple[Order, int]]:
        known = await self._cluster.phones.control("GET", "faults")
        return [(self._ordered[fault["id"]], fault["fired"]) for fault in known if fault["id"] in self._ordered]

    async def _deal(self, blow: Blow) -> str:
        match blow.kind:
            case "kill_daemon":
                member = await self._member(blow.target)
                await member.kill()
                await asyncio.sleep(blow.seconds)
                await member.start()
                return member.name
            case "stop_daemon":
                member = await self._member(blow.target)
                await member.stop()
                await asyncio.sleep(blow.seconds)
                await member.start()
                return member.name
            case "freeze_daemon":
                member = await self._member(blow.target)
                with _frozen(member.program.pid):
                    await asyncio.sleep(blow.seconds)
                return member.name
            case "kill_nats":
                self._cluster.nats.kill()
                await asyncio.sleep(blow.seconds)
                await self._cluster.nats.start()
            case "freeze_nats":
                assert self._cluster.nats.pid
                with _frozen(self._cluster.nats.pid):
                    await asyncio.sleep(blow.seconds)
            case "fill_stream":
                await self._fill(blow)
        return blow.target

    async def _fill(self, blow: Blow) -> None:
        limit = await fill(self._connection, blow.target)
        try:
            await asyncio.sleep(blow.seconds)
        finally:
            await limit_bytes(self._connection, blow.target, limit)

    async def _member(self, app: str) -> Member:
        """The daemon that is at work for an app; any where that cannot be told."""
        running = [member for member in self._cluster.members if member.program.runs]
        return await self._cluster.at_work(app) or self._chance.choice(running)


@contextlib.contextmanager
def _frozen(pid: int) -> Iterator[None]:
    # One that has ended by itself is no concern of ours here.
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def _now() -> int:
    return time.time_ns() // 1_000_000
