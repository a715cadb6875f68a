"""Sends one leg to one recipient: fits it, sends its parts in order, remembers each, and decides after a failure."""

from __future__ import annotations

import random
from typing import Final, Literal

import msgspec
import structlog

from gearmesh.bridge import SupportsGhosts
from gearmesh.core.degrade import Fitting, Part, fit
from gearmesh.core.retry import Again, Bury, Fail, StopApp, after_failure
from gearmesh.errors import SendFailed
from gearmesh.host.answers import answer_of
from gearmesh.host.app import App
from gearmesh.host.job import Job
from gearmesh.host.receipts import Receipts
from gearmesh.host.records import LegRecord, NativeRecord
from gearmesh.host.turn import Turn
from gearmesh.host.underway import Underway
from gearmesh.model.content import Content, Media, Text
from gearmesh.model.delivery import Delivery, Reason, Sent, State
from gearmesh.wire.times import Times

log = structlog.get_logger("gearmesh.egress")

SEND_WITHIN: Final = 60.0
"""Seconds after which a bridge that does not come back from `send` is given up."""
SURELY_NEW: Final = 100.0
"""Seconds, less than the log's duplicate window: a leg whose message is younger cannot have been routed twice."""
NOTHING_SENT: Final = LegRecord((), 0, False)
GHOST_WITHIN: Final = 20.0
"""Seconds that a message waits for its sender's ghost; then its text says who wrote."""


class Outcome(msgspec.Struct, frozen=True):
    """What became of a leg. `left`: nothing, it is not ours any more; `sent_at` in microseconds."""

    state: State | Literal["left"]
    sent_at: int = 0
    reason: Reason = ""
    detail: str = ""


class LegSender:
    """The sending side of one app."""

    def __init__(self, app: App, receipts: Receipts, underway: Underway) -> None:
        self._app = app
        self._shared = app.shared
        self._receipts = receipts
        self._underway = underway
        self._not_before = 0.0

    async def deliver(self, job: Job, content: Content, turn: Turn) -> Outcome:
        """Send a leg. When the turn ends, what is on the wire is finished and nothing further is sent.

        A leg that was begun before a crash goes on with the part that is missing.
        """
        with self._underway.sending(job.thread):
            return await self._deliver(job, content, turn)

    async def _deliver(self, job: Job, content: Content, turn: Turn) -> Outcome:
        app, shared = self._app, self._shared
        before = await self._sent_before(job)
        if before.complete:
            return Outcome("sent", shared.clock.micros())
        # The parts that are missing must be cut as those were that are there: under the same name.
        ghost = before.ghost if before.parts else await self._ghost(job, content)
        fitting = self._fitting(job, content, ghost)
        parts = fit(content, fitting)
        if not parts:
            return Outcome("failed", reason="unsupported", detail="there is nothing in it to show")
        native_ids = before.native_ids
        reply_to = await self._native_reply(job, content, fitting)
        sent_at = shared.clock.micros()
        for number in range(before.parts, len(parts)):
            delivery = self._delivery(job, parts[number], number, ghost, reply_to if number == 0 else "")
            begun = shared.clock.millis()
            result = await self._send(job, delivery, turn)
            if isinstance(result, Outcome):
                return result
            sent_at = shared.clock.micros()
            native_ids += result.native_ids
            last = number == len(parts) - 1
            header = job.header
            record = NativeRecord(header.hex_id, header.conversation, str(header.sender), last)
            if result.native_ids:
                self._receipts.sent(job.thread, result.native_ids[-1], begun)
            leg = LegRecord(native_ids, number + 1, last, ghost)
            await shared.messages.remember(app.name, job.thread, record, leg, new=result.native_ids)
        if not job.header.sender.is_system:
            await app.portals.hear(job.thread, job.header.conversation)
        return Outcome("sent", sent_at)

    async def _sent_before(self, job: Job) -> LegRecord:
        """What a predecessor sent of this leg. Only one that may have been worked on before is looked up.

        A leg that is new in the log can be an old one that was routed again after the log had forgotten its id.
        """
        began = Times.read(job.taken.headers).passed
        age = self._shared.clock.micros() - began[0] if began else None
        if job.taken.fresh and age is not None and age < SURELY_NEW * 1_000_000:
            return NOTHING_SENT
        record = await self._shared.messages.leg(job.header.hex_id, self._app.name, job.thread)
        return record or NOTHING_SENT

    async def _ghost(self, job: Job, content: Content) -> str:
        bridge = self._app.bridge
        if not isinstance(content, Text | Media) or not isinstance(bridge, SupportsGhosts):
            return ""
        try:
            question = bridge.ghost(job.thread, content.sender)
            return await answer_of(question, GHOST_WITHIN, app=self._app.name, ghost=content.sender.handle)
        except SendFailed as error:
            log.warning("no ghost; the text names who wrote", app=self._app.name, error=str(error))
            return ""

    def _fitting(self, job: Job, content: Content, ghost: str) -> Fitting:
        link = ""
        if isinstance(content, Media):
            link = self._shared.media_links.link(content.ref, self._shared.clock.seconds())
        return Fitting(self._app.bridge.capabilities(job.thread), attribute=not ghost, link=link)

    async def _native_reply(self, job: Job, content: Content, fitting: Fitting) -> str:
        if not isinstance(content, Text | Media) or not content.reply_to or not fitting.capabilities.replies:
            return ""
        record = await self._shared.messages.leg(content.reply_to, self._app.name, job.thread)
        return record.native_ids[0] if record else ""

    def _delivery(self, job: Job, part: Part, number: int, ghost: str, reply_to: str) -> Delivery:
        return Delivery(
            f"{job.header.hex_id}:{self._app.name}:{number}",
            job.thread,
            job.recipient.user,
            part,
            part.sender,
            reply_to,
            ghost,
        )

    async def _send(self, job: Job, delivery: Delivery, turn: Turn) -> Sent | Outcome:
        app, clock = self._app, self._shared.clock
        attempt = 0
        while True:
            while (pause := self._not_before - clock.seconds()) > 0 and not turn.is_over:
                await turn.pause(clock, pause)
            if turn.is_over:
                return Outcome("left")
            attempt += 1
            try:
                return await answer_of(app.bridge.send(delivery), SEND_WITHIN, app=app.name, delivery=delivery.id)
            except SendFailed as failure:
                error = failure
            verdict = after_failure(
                error,
                attempt=attempt,
                age=clock.seconds() - job.taken.stored_at / 1e6,
                max_age=app.max_age,
                on_unclear=app.on_unclear,
                random=random.random(),
            )
            match verdict:
                case Again(pause=pause, whole_app=whole_app):
                    log.info("sent again later", app=app.name, delivery=delivery.id, pause=pause, error=str(error))
                    if whole_app:
                        self._not_before = max(self._not_before, clock.seconds() + pause)
                    else:
                        await turn.pause(clock, pause)
                case Fail(reason=reason):
                    return Outcome("failed", reason=reason, detail=str(error))
                case Bury(reason=reason):
                    return Outcome("dead", reason=reason, detail=str(error))
                case StopApp():
                    log.error("the network refuses our credentials; the app stops", app=app.name, error=str(error))
                    return Outcome("left", reason="unauthorized", detail=str(error))
