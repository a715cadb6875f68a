"""Delivery of webhooks: one queue per user, first in, first out, tried again until it is answered 200.

Theory. A *lane* holds the events of one user of one network. Its head batch is in the hands of one worker, or waits
out a pause after a failure, or stands in the network's queue of ready lanes; never two of these, which keeps the
order. A batch that failed is sent again byte for byte. Workers take ready lanes in turn, so a lane with
a long queue does not starve the others, and a lane in its pause occupies no worker.

Meta keeps no order after a failure. A lane whose attempt has failed can therefore be *scattered*, by order of a fault:
what waits at its head is told all at once and shuffled, each event in a webhook of its own. What is not answered 200
is told again together, and only when nothing of it is left does the lane go on in order. A worker has one request
under way, but with a scattered lane as many as there are events apart, `Settings.batch` at most.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from gearmesh_meta.sandbox.clock import Clock
from gearmesh_meta.sandbox.faults import APART_KINDS, ATTEMPT_KINDS, LANE_KINDS, Faults
from gearmesh_meta.sandbox.settings import NETWORKS, Network, Settings
from gearmesh_meta.sandbox.subscriptions import Subscriptions

from .courier import Courier
from .event import Dialect, Event
from .scatter import Scatter
from .signature import encode

#: Bytes of a webhook, above which fewer events are put into it (WhatsApp webhook docs, Jan 2026: up to 3 MB).
PAYLOAD_LIMIT: Final = 3_145_728


@dataclass(slots=True)
class _Lane:
    network: Network
    user: str
    waiting: deque[Event] = field(default_factory=deque)
    batch: list[Event] | None = None
    body: bytes = b""
    failures: int = 0
    scatter: Scatter | None = None
    """What goes before the queue, apart; there is no batch then."""
    busy: bool = False
    """Queued as ready, in a worker's hands or in a pause."""


@dataclass(slots=True)
class WebhookCounters:
    """What became of webhooks; `events` counts what they carried and was answered 200.

    `retried` counts attempts that were not answered so; each event of a scattered lane is an attempt of its own.
    """

    answered: int = 0
    retried: int = 0
    lost: int = 0
    events: int = 0


class Lanes:
    """All lanes of the three networks and the workers that empty them."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        dialects: Mapping[Network, Dialect],
        subscriptions: Subscriptions,
        faults: Faults,
        courier: Courier,
    ) -> None:
        self.counters = WebhookCounters()
        self._settings = settings
        self._clock = clock
        self._dialects = dialects
        self._subscriptions = subscriptions
        self._faults = faults
        self._courier = courier
        self._lanes: dict[tuple[Network, str], _Lane] = {}
        self._ready: dict[Network, asyncio.Queue[_Lane]] = {network: asyncio.Queue() for network in NETWORKS}
        self._delayed: deque[tuple[float, Event]] = deque()
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._next_timer = 0
        self._workers: list[asyncio.Task[None]] = []

    @property
    def waiting(self) -> int:
        """Events that were not answered 200 yet."""
        lanes = sum(len(lane.waiting) + len(lane.batch or lane.scatter or ()) for lane in self._lanes.values())
        return lanes + len(self._delayed)

    def start(self) -> None:
        """Begin delivery; the courier has been started."""
        for network in NETWORKS:
            for _ in range(self._settings.in_flight):
                worker = asyncio.create_task(self._work(self._ready[network]))
                worker.add_done_callback(_report)
                self._workers.append(worker)

    async def stop(self) -> None:
        """End delivery; what waits is forgotten with the sandbox."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._workers.clear()

    def tell(self, event: Event) -> None:
        """Queue an event in its user's lane, unless nobody has subscribed to it."""
        if not self._subscriptions[event.network].wants(event.field):
            _resolve(event)
            return
        key = (event.network, event.user)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = _Lane(event.network, event.user)
        lane.waiting.append(event)
        if not lane.busy:
            self._make_ready(lane)

    def tell_later(self, events: list[Event], delay: float) -> None:
        """Queue events after `delay` seconds. The delay is the same at every call, so their order is kept."""
        if delay <= 0:
            for event in events:
                self.tell(event)
            return
        due = asyncio.get_running_loop().time() + delay
        self._delayed.extend((due, event) for event in events)
        self._at(due, self._tell_due)

    def _tell_due(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._delayed and self._delayed[0][0] <= now:
            self.tell(self._delayed.popleft()[1])

    def _make_ready(self, lane: _Lane) -> None:
        lane.busy = True
        self._ready[lane.network].put_nowait(lane)

    async def _work(self, ready: asyncio.Queue[_Lane]) -> None:
        while True:
            lane = await ready.get()
            if lane.scatter is None:
                self._scatter(lane)
            if lane.scatter is not None:
                done = await lane.scatter.round(partial(self._deliver_apart, lane))
            else:
                done = await self._deliver(lane)
            if not done:
                self._pause(lane)
                continue
            lane.batch = None
            lane.scatter = None
            lane.failures = 0
            if lane.waiting:
                ready.put_nowait(lane)
            else:
                lane.busy = False

    def _scatter(self, lane: _Lane) -> None:
        """Set what waits at the lane's head apart, if its attempt has failed and a fault wants it."""
        failed = lane.batch
        if failed is None:
            return
        count = min(self._settings.batch, len(failed) + len(lane.waiting))
        # One event alone has no order to lose; the fault keeps its strike for a lane that has.
        if count < 2 or (fault := self._faults.strike(LANE_KINDS, lane.network, lane.user)) is None:
            return
        ordered = failed + [lane.waiting.popleft() for _ in range(count - len(failed))]
        pieces = [(event, self._encode(lane, [event])) for event in ordered]
        lane.scatter = Scatter(pieces, fault.chance, self._settings.retry_first)
        lane.batch = None
        lane.body = b""
        lane.failures = 0

    def _take(self, lane: _Lane) -> list[Event]:
        waiting = lane.waiting
        count = min(len(waiting), self._settings.batch)
        while True:
            batch = [waiting.popleft() for _ in range(count)]
            lane.body = self._encode(lane, batch)
            if len(lane.body) <= PAYLOAD_LIMIT or count == 1:
                return batch
            waiting.extendleft(reversed(batch))
            count //= 2

    def _encode(self, lane: _Lane, batch: list[Event]) -> bytes:
        payload = self._dialects[lane.network].payload(batch, self._clock.now_ms())
        return encode(payload, ascii_json=self._settings.ascii_json)

    async def _deliver(self, lane: _Lane) -> bool:
        """One attempt with the lane's batch; True when it is done with, delivered or lost."""
        batch = lane.batch
        if batch is None:
            batch = lane.batch = self._take(lane)
        fault = self._faults.strike(ATTEMPT_KINDS, lane.network, lane.user)
        kind = fault.order.kind if fault is not None else None
        if kind == "drop_webhook":
            self.counters.lost += 1
            for event in batch:
                _resolve(event)
            return True
        answered = kind != "lose_webhook" and await self._courier.post(lane.network, lane.body)
        if kind == "double_webhook":
            answered = await self._courier.post(lane.network, lane.body) or answered
        elif kind == "lose_answer":
            answered = False
        elif fault is not None and kind == "late_double":
            self._courier.post_later(lane.network, lane.body, fault.order.pause)
        self._conclude(batch, answered)
        return answered

    async def _deliver_apart(self, lane: _Lane, event: Event, body: bytes) -> bool:
        """One attempt with one event of a scattered lane; whether it was answered 200."""
        fault = self._faults.strike(APART_KINDS, lane.network, lane.user)
        answered = await self._courier.post(lane.network, body)
        if fault is not None:
            self._courier.post_later(lane.network, body, fault.order.pause)
        self._conclude([event], answered)
        return answered

    def _conclude(self, batch: list[Event], answered: bool) -> None:
        """Count an attempt and tell whoever waits for what came of it."""
        for event in batch:
            _resolve(event)
        if not answered:
            self.counters.retried += 1
            return
        self.counters.answered += 1
        self.counters.events += len(batch)
        for event in batch:
            if event.answered is not None:
                event.answered()

    def _pause(self, lane: _Lane) -> None:
        pause = min(self._settings.retry_cap, self._settings.retry_first * 2**lane.failures)
        # What is apart comes again soon: a business that holds some of it for the rest must not wait ever longer.
        if lane.scatter is None:
            lane.failures = min(lane.failures + 1, 30)
        self._at(asyncio.get_running_loop().time() + pause, partial(self._ready[lane.network].put_nowait, lane))

    def _at(self, when: float, call: Callable[[], None]) -> None:
        self._next_timer += 1
        number = self._next_timer

        def run() -> None:
            del self._timers[number]
            call()

        self._timers[number] = asyncio.get_running_loop().call_at(when, run)


def _report(worker: asyncio.Task[None]) -> None:
    if not worker.cancelled() and (error := worker.exception()) is not None:
        context = {"message": "a webhook worker ended", "exception": error, "task": worker}
        worker.get_loop().call_exception_handler(context)


def _resolve(event: Event) -> None:
    if event.attempted is not None and not event.attempted.done():
        event.attempted.set_result(None)
