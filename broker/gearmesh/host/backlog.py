"""Legs that have to wait: put into their thread's queue, and worked off there when their time has come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from gearmesh.core.windows import passage
from gearmesh.errors import BusError, BusRefused, WireError
from gearmesh.host.app import App
from gearmesh.host.ends import OVER, Ends
from gearmesh.host.handling import Handling
from gearmesh.host.invitations import Invitations
from gearmesh.host.job import FromQueue, Job
from gearmesh.host.outcome import Outcome
from gearmesh.host.queues import FOR_EVER, Queues
from gearmesh.host.sending import LegSender
from gearmesh.host.turn import Turn
from gearmesh.wire.codec import decode

log = structlog.get_logger("gearmesh.egress")

FULL_PAUSE: Final = 5.0
"""Seconds between two tries to put a leg into a full stream."""


class Backlog:
    """The legs of one app that wait. `behind` says how many stand in a thread's lane and are to be put behind them."""

    def __init__(
        self,
        app: App,
        queues: Queues,
        handling: Handling,
        sender: LegSender,
        ends: Ends,
        invitations: Invitations,
        behind: Callable[[str], int],
    ) -> None:
        self._app = app
        self._shared = app.shared
        self._queues = queues
        self._handling = handling
        self._sender = sender
        self._ends = ends
        self._invitations = invitations
        self._behind = behind

    async def put(self, job: Job, turn: Turn) -> bool:
        """Put a leg into its queue. While the stream is full its lane waits, and nobody else's. False: it is over."""
        while not turn.has_ended():
            try:
                await self._queues.put(job)
                return True
            except BusRefused as error:
                log.error("legs that have to wait find no room", app=self._app.name, error=str(error))
                await turn.pause(self._shared.clock, FULL_PAUSE)
        return False

    async def work_off(self, thread: str, turn: Turn) -> None:
        """One leg after the other, until one has to wait, or something is to be put behind them."""
        while not turn.has_ended():
            lane = await self._queues.lane(thread)
            if lane is None:
                return
            waiting = await self._queues.first(thread)
            if waiting is None:
                await self._queues.close(thread)
                return
            try:
                envelope = decode(waiting.data)
                recipient = envelope.header.to[0]
            except (WireError, IndexError) as unread:
                await self._shared.journal.bury(self._app.name, "unparsed", str(unread), waiting.data)
                await self._queues.later.remove(waiting)
                continue
            source = FromQueue(self._queues.later, waiting)
            now = self._shared.clock.micros()
            job = Job(
                source, envelope.header, envelope.body, recipient, thread, waiting.place, waiting.stored_at, now, False
            )
            job.attempt, lane.attempt = lane.attempt, 0
            if await self._ends.state(job) in OVER:
                await source.done()
                continue
            answer = self._sender.answer_about(job)
            outcome = await self._handling.bring_to_end(job, turn)
            if outcome.unwritten and isinstance(error := await answer, BusError):
                raise error
            if outcome.state == "left":
                return
            if outcome.state == "parked":
                await self.park(job, outcome, turn)
                return
            await source.done()
            if self._behind(thread):
                self._queues.wait(thread, self._shared.clock.seconds(), lane.reason)
                return

    async def park(self, job: Job, outcome: Outcome, turn: Turn) -> None:
        """It waits in its queue now, for what its outcome says."""
        for_ever = outcome.until == FOR_EVER
        until = job.ends(self._app.max_age) if for_ever else outcome.until
        self._queues.wait(job.thread, until, outcome.reason, outcome.attempt)
        if for_ever:
            # Not before it waits: whoever answers an invitation at once must find it waiting.
            await self._invitations.ask(job, turn)
            window, portal = self._app.bridge.capabilities(job.thread).window, await self._app.portals.get(job.thread)
            if passage(window, portal, self._shared.clock.millis()) != "closed":
                self._queues.written(job.thread)  # they wrote while this was being decided
        await self._ends.parked(job, outcome.reason, outcome.detail)
