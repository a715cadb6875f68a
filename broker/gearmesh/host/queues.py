"""The threads of an app that have to wait, and when each of them is to be looked at again.

The legs themselves stand in NATS (`bus/later.py`). Here is one small record for each thread, and of not more threads
than `MOST`: of those beyond, NATS is asked.
"""

from __future__ import annotations

import asyncio
import bisect
import heapq
import itertools
from typing import Any, Final

import msgspec
import structlog

from gearmesh.bus.later import LaterLog, Queue, Waiting
from gearmesh.clock import Clock
from gearmesh.host.job import Job
from gearmesh.model.delivery import Reason
from gearmesh.model.envelope import Envelope
from gearmesh.wire.codec import encode
from gearmesh.wire.subjects import token

log = structlog.get_logger("gearmesh.egress")

MOST: Final = 50_000
"""Threads that are remembered at once; each costs some 400 bytes."""
ROUND: Final = 120.0
"""Seconds after which, of more threads than are remembered, others are looked at."""
FOR_EVER: Final = float("inf")


class Lane(msgspec.Struct):
    """A thread that waits until `due` (seconds since the epoch), for `reason`.

    `attempt` counts the failures of its first leg; `last` is the place of its last leg, None when not known; `early`
    how many legs stand in front of the queue.
    """

    due: float
    reason: Reason = ""
    attempt: int = 0
    last: int | None = None
    early: int = 0


class Queues:
    """The waiting threads of one app. Only the worker of a thread's lane puts into its queue, and takes from it."""

    def __init__(self, app: str, later: LaterLog, clock: Clock, *, most: int = MOST) -> None:
        self.later = later
        self._app = app
        self._clock = clock
        self._most = most
        self._lanes: dict[str, Lane] = {}
        self._heap: list[tuple[float, int, str]] = []
        self._numbers = itertools.count()
        self._more = False
        self._cursor = ""
        self._filled_at = 0.0
        self._in_hand: set[str] = set()
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._lanes)

    async def load(self) -> None:
        """Begin anew, with what NATS knows. Every thread is looked at once: what it waits for may have come.

        Raises:
            BusUnavailable: nats does not answer.
        """
        self.clear()
        queues = await self._fill()
        if queues:
            log.info("legs wait", app=self._app, threads=len(queues), legs=sum(queue.count for queue in queues))

    async def _fill(self) -> list[Queue]:
        """Remember as many threads as there is room for, beginning behind the last one that was filled in.

        What is known of a thread stays: its lane may be in work.
        """
        queues = sorted(await self.later.queues(), key=lambda queue: queue.thread)
        begins = bisect.bisect_right(queues, self._cursor, key=lambda queue: queue.thread)
        now, self._more, self._filled_at = self._clock.seconds(), False, self._clock.seconds()
        for queue in (*queues[begins:], *queues[:begins]):
            if queue.thread in self._lanes:
                continue
            if len(self._lanes) >= self._most:
                self._more = True
                break
            self._lanes[queue.thread] = Lane(now, early=queue.early)
            self._cursor = queue.thread
            self._push(now, queue.thread)
        return queues

    async def _go_round(self) -> None:
        """Let those who wait long make room for others: everybody beyond is looked at now and then."""
        far = self._clock.seconds() + ROUND
        waiting = [thread for thread, lane in self._lanes.items() if lane.due > far and thread not in self._in_hand]
        for thread in waiting[: self._most // 2]:
            del self._lanes[thread]
        await self._fill()

    def clear(self) -> None:
        """Forget everything: somebody else has it."""
        self._lanes.clear()
        self._heap.clear()
        self._in_hand.clear()
        self._more = False

    def may_wait(self, thread: str) -> bool:
        """Whether a thread waits, as far as that is at hand; also True when NATS would have to be asked."""
        return self._more or thread in self._lanes

    async def lane(self, thread: str) -> Lane | None:
        """The record of a thread that waits, or None."""
        lane = self._lanes.get(thread)
        if lane is None and self._more and await self.later.last_place(thread):
            lane = self._lanes[thread] = Lane(self._clock.seconds(), early=1)
            self._push(lane.due, thread)
        return lane

    def reason(self, thread: str) -> Reason:
        """What a thread waits for; "" when it does not, as far as is remembered."""
        lane = self._lanes.get(thread)
        return lane.reason if lane else ""

    async def put(self, job: Job, *, again: str = "") -> None:
        """Put a leg into its thread's queue; `again` tells a leg that was there before from its first time.

        Raises:
            BusError: NATS did not take it.
        """
        lane = await self.lane(job.thread)
        last = 0
        if lane is not None:
            if lane.last is None:
                lane.last = await self.later.last_place(job.thread)
            last = lane.last
        header = msgspec.structs.replace(job.header, to=(job.recipient,))
        assert job.body is not None
        early = job.place < last
        await self.later.put(
            job.thread,
            encode(Envelope(header, job.body)),
            job.source.headers,
            place=job.place,
            stored_at=job.stored_at,
            message_id=f"{job.envelope}:{self._app}:{token(job.thread)}:{job.place}{again and f':{again}'}",
            early=early,
        )
        if lane is None:
            lane = self._lanes[job.thread] = Lane(FOR_EVER)
        lane.last = max(last, job.place)
        lane.early += early

    def wait(self, thread: str, until: float, reason: Reason, attempt: int = 0) -> None:
        """Look at a thread again at `until` (seconds since the epoch)."""
        lane = self._lanes.setdefault(thread, Lane(until))
        lane.due, lane.reason, lane.attempt = until, reason, attempt
        self._in_hand.discard(thread)
        if len(self._lanes) > self._most and until > self._clock.seconds() + ROUND:
            del self._lanes[thread]  # it stands in NATS, and is looked at when the round comes to it
            self._more = True
        elif until < FOR_EVER:
            self._push(until, thread)

    def written(self, thread: str) -> None:
        """The person has written: what waited for that goes now."""
        lane = self._lanes.get(thread)
        if lane is None and self._more:
            lane = self._lanes[thread] = Lane(FOR_EVER, "window_closed", early=1)  # it may be one of those beyond
        if lane is not None and lane.reason == "window_closed":
            lane.due = self._clock.seconds()
            self._push(lane.due, thread)

    async def first(self, thread: str) -> Waiting | None:
        """The leg of a thread whose turn it is. None: none waits any more.

        Raises:
            BusUnavailable: nats does not answer.
        """
        lane = self._lanes.get(thread)
        return await self.later.first(thread, early=lane is None or bool(lane.early))

    async def close(self, thread: str) -> None:
        """Nothing waits in this thread any more.

        Raises:
            BusUnavailable: there are more threads than are remembered, and nats does not answer.
        """
        self._lanes.pop(thread, None)
        self._in_hand.discard(thread)
        if self._more and len(self._lanes) <= self._most // 2:
            await self._fill()

    async def due(self) -> str:
        """Wait for the next thread that is to be looked at. It is in hand until `wait` or `close`.

        Raises:
            BusUnavailable: there are more threads than are remembered, and nats does not answer.
        """
        while True:
            if self._more and self._clock.seconds() > self._filled_at + ROUND:
                await self._go_round()
            while self._heap:
                due, _, thread = self._heap[0]
                lane = self._lanes.get(thread)
                if lane is not None and lane.due == due:
                    break
                heapq.heappop(self._heap)
            pause = self._heap[0][0] - self._clock.seconds() if self._heap else None
            if pause is not None and pause <= 0:
                _, _, thread = heapq.heappop(self._heap)
                self._lanes[thread].due = FOR_EVER
                self._in_hand.add(thread)
                return thread
            self._changed.clear()
            longest = ROUND if self._more else None
            await self._until_changed(longest if pause is None else min(pause, longest or pause))

    async def _until_changed(self, pause: float | None) -> None:
        waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._changed.wait())]
        if pause is not None:
            waits.append(asyncio.ensure_future(self._clock.sleep(pause)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    def _push(self, due: float, thread: str) -> None:
        heapq.heappush(self._heap, (due, next(self._numbers), thread))
        self._changed.set()
