"""What there is to look at and to set: events, calls, counters, the clock, a fresh start."""

from __future__ import annotations

import contextlib
from typing import Final

import msgspec
from aiohttp import web

from gearmesh_meta.sandbox.appearances import Appearances
from gearmesh_meta.sandbox.clock import Clock
from gearmesh_meta.sandbox.faults import Faults
from gearmesh_meta.sandbox.feed import Feed
from gearmesh_meta.sandbox.graph.recorder import Recorder
from gearmesh_meta.sandbox.graph.throttle import Throttle
from gearmesh_meta.sandbox.media import MediaStore
from gearmesh_meta.sandbox.phones import PhoneBook
from gearmesh_meta.sandbox.webhooks.courier import Courier
from gearmesh_meta.sandbox.webhooks.lanes import Lanes

from .answers import Refused, json_answer, read_json, read_number

_HEARTBEAT: Final = 15.0
#: Most messages in one answer of `/sandbox/shown`.
_PAGE: Final = 5_000


class ClockOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Move the clock by seconds, or to a time in milliseconds since the epoch."""

    advance: float | None = None
    now: int | None = None


class ObservationControl:
    """The read side of the control API, and what resets it."""

    def __init__(
        self,
        clock: Clock,
        feed: Feed,
        recorder: Recorder,
        lanes: Lanes,
        courier: Courier,
        throttle: Throttle,
        phones: PhoneBook,
        appearances: Appearances,
        faults: Faults,
        media: MediaStore,
    ) -> None:
        self._clock = clock
        self._feed = feed
        self._recorder = recorder
        self._lanes = lanes
        self._courier = courier
        self._throttle = throttle
        self._phones = phones
        self._appearances = appearances
        self._faults = faults
        self._media = media

    async def events(self, request: web.Request) -> web.StreamResponse:
        """`GET /sandbox/events`: server-sent events, a comment every 15 s when it is quiet."""
        headers = {
            "Content-Type": "text/event-stream",
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
        }
        response = web.StreamResponse(headers=headers)
        with self._feed.listen() as listener, contextlib.suppress(ConnectionError):  # the page was closed
            await response.prepare(request)
            await response.write(b": listening\n\n")
            while True:
                try:
                    data = await listener.next(_HEARTBEAT)
                except TimeoutError:
                    await response.write(b": heartbeat\n\n")
                    continue
                if data is None:
                    break
                await response.write(b"data: " + data + b"\n\n")
        return response

    async def shown(self, request: web.Request) -> web.StreamResponse:
        """`GET /sandbox/shown?since=&limit=`: what appeared on all phones after the cursor, oldest first."""
        since, limit = read_number(request, "since") or 0, read_number(request, "limit")
        total = self._appearances.total
        if since > total:
            raise Refused(f"since {since} is ahead of the {total} shown yet: the sandbox is a new one; begin at 0", 409)
        return json_answer(self._appearances.since(since, _PAGE if limit is None else min(limit, _PAGE)))

    async def calls(self, request: web.Request) -> web.StreamResponse:
        """`GET /sandbox/calls?limit=`: the last Graph calls, oldest first."""
        return json_answer(self._recorder.view(read_number(request, "limit")))

    async def state(self, request: web.Request) -> web.StreamResponse:
        """`GET /sandbox/state`: counters since the start."""
        webhooks = self._lanes.counters
        statuses = self._recorder.by_status
        return json_answer(
            {
                "webhooks": {
                    "sent": self._courier.posted,
                    "answered": webhooks.answered,
                    "retried": webhooks.retried,
                    "lost": webhooks.lost,
                    "events": webhooks.events,
                    "waiting": self._lanes.waiting,
                    "late": self._courier.late,
                },
                "graph": {
                    "calls": sum(statuses.values()),
                    "by_status": {str(status): count for status, count in sorted(statuses.items())},
                },
                "faults": dict(self._faults.struck),
                "refused_by_limits": dict(self._throttle.refused),
                "phones": sum(1 for _ in self._phones),
                "now": self._clock.now_ms(),
            }
        )

    async def get_clock(self, request: web.Request) -> web.StreamResponse:
        """`GET /sandbox/clock`."""
        return json_answer({"now": self._clock.now_ms()})

    async def set_clock(self, request: web.Request) -> web.StreamResponse:
        """`POST /sandbox/clock`."""
        order = await read_json(request, ClockOrder)
        if (order.advance is None) == (order.now is None):
            raise Refused("give either advance (seconds) or now (milliseconds since the epoch)")
        if order.now is not None:
            self._clock.set_ms(order.now)
        elif order.advance is not None:
            self._clock.advance(order.advance)
        return json_answer({"now": self._clock.now_ms()})

    async def reset(self, request: web.Request) -> web.StreamResponse:
        """`POST /sandbox/reset`: messages, files, faults and calls are forgotten; phones and windows stay."""
        for phone in self._phones:
            phone.clear()
        self._appearances.clear()
        self._media.clear()
        self._faults.clear()
        self._recorder.clear()
        return json_answer({"reset": True})
