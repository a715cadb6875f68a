"""Sends one leg to one recipient: fits it, sends its parts in order, remembers each, and decides after a failure."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

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
from gearmesh.host.records import NativeRecord
from gearmesh.host.underway import Underway
from gearmesh.model.content import Content, Media, Text
from gearmesh.model.delivery import Delivery, Reason, Sent, State

log = structlog.get_logger("gearmesh.egress")

SEND_WITHIN: Final = 60.0
"""Seconds after which a bridge that does not come back from `send` is given up."""
GHOST_WITHIN: Final = 20.0
"""Seconds that a message waits for its sender's ghost; then its text says who wrote."""


class Outcome(msgspec.Struct, frozen=True):
    """What became of a leg. `parked`: the app cannot send; `sent_at` in microseconds."""

    state: State
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

    async def deliver(self, job: Job, content: Content, ours: Callable[[], bool]) -> Outcome:
        """Send a leg. `ours` says whether the leg is still ours; when it is not, waiting ends at once.

        A leg that was begun before a crash goes on with the part that is missing.
        """
        with self._underway.sending(job.thread):
            return await self._deliver(job, content, ours)

    async def _deliver(self, job: Job, content: Content, ours: Callable[[], bool]) -> Outcome:
        app, shared = self._app, self._shared
        done = await self._sent_before(job)
        fitting, ghost = await self._fitting(job, content)
        parts = fit(content, fitting)
        if not parts:
            return Outcome("failed", reason="unsupported", detail="there is nothing in it to show")
        if done is not None and (len(done) >= len(parts)):
            return Outcome("sent", shared.clock.micros())
        native_ids = done or ()
        reply_to = await self._native_reply(job, content, fitting)
        for number in range(len(native_ids), len(parts)):
            delivery = self._delivery(job, parts[number], number, ghost, reply_to if number == 0 else "")
            begun = shared.clock.millis()
            result = await self._send(job, delivery, ours)
            if isinstance(result, Outcome):
                return result
            sent_at = shared.clock.micros()
            native_ids += result.native_ids
            last = number == len(parts) - 1
            header = job.header
            record = NativeRecord(header.hex_id, header.conversation, str(header.sender), last)
            self._receipts.sent(job.thread, native_ids[-1], begun)
            await shared.messages.remember(
                app.name, job.thread, native_ids, record, new=result.native_ids, complete=last
            )
        if not job.header.sender.is_system:
            await app.portals.hear(job.thread, job.header.conversation)
        return Outcome("sent", sent_at)

    async def _sent_before(self, job: Job) -> tuple[str, ...] | None:
        """The native ids of parts that a predecessor sent. Only what may have been worked on before is looked up."""
        if job.taken.fresh:
            return None
        record = await self._shared.messages.leg(job.header.hex_id, self._app.name, job.thread)
        return record.native_ids if record else None

    async def _fitting(self, job: Job, content: Content) -> tuple[Fitting, str]:
        bridge, ghost = self._app.bridge, ""
        if isinstance(content, Text | Media) and isinstance(bridge, SupportsGhosts):
            try:
                question = bridge.ghost(job.thread, content.sender)
                ghost = await answer_of(question, GHOST_WITHIN, app=self._app.name, ghost=content.sender.handle)
            except SendFailed as error:
                log.warning("no ghost; the text names who wrote", app=self._app.name, error=str(error))
        link = ""
        if isinstance(content, Media):
            link = self._shared.media_links.link(content.ref, self._shared.clock.seconds())
        return Fitting(bridge.capabilities(job.thread), attribute=not ghost, link=link), ghost

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

    async def _send(self, job: Job, delivery: Delivery, ours: Callable[[], bool]) -> Sent | Outcome:
        app, clock = self._app, self._shared.clock
        attempt = 0
        while True:
            while (pause := self._not_before - clock.seconds()) > 0:
                await clock.sleep(pause)
            if not ours():
                return Outcome("parked", detail="somebody else has it")
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
                        await clock.sleep(pause)
                case Fail(reason=reason):
                    return Outcome("failed", reason=reason, detail=str(error))
                case Bury(reason=reason):
                    return Outcome("dead", reason=reason, detail=str(error))
                case StopApp():
                    log.error("the network refuses our credentials; the app stops", app=app.name, error=str(error))
                    return Outcome("parked", reason="unauthorized", detail=str(error))
