"""New messages that nothing holds up: many at once, to one thread or to many.

    legs ─▶ composed, let through ─▶ one wave says that they begin ─▶ each thread's go by themselves ─▶ written down

Nearly all messages are such. What was begun before, has several parts, or has to wait for anything goes another way,
one message after the other (`sending`). To one thread several go at once only by a bridge that keeps their order on the
wire (`Bridge.at_once`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec
import structlog

from gearmesh.errors import BusError, RateLimited, Retry, SendFailed, Unclear
from gearmesh.host.answers import Watch, sent_of
from gearmesh.host.app import App
from gearmesh.host.composing import Composed, Composing
from gearmesh.host.connector import sending as guarded
from gearmesh.host.evidence import Evidence
from gearmesh.host.gate import Gate
from gearmesh.host.job import Job
from gearmesh.host.opening import open_leg
from gearmesh.host.outcome import Outcome
from gearmesh.host.turn import Turn
from gearmesh.host.underway import Underway
from gearmesh.model.delivery import Delivery, Sent

log = structlog.get_logger("gearmesh.egress")

MOST: Final = 64
"""Lanes whose legs go together: more at once would keep everything else waiting."""


class Ready(msgspec.Struct, frozen=True):
    """A leg that nothing holds up, and what the bridge gets of it."""

    job: Job
    composed: Composed
    delivery: Delivery


class Together:
    """Sends them for one app. `sent` writes down that a message was sent, and as what."""

    def __init__(
        self,
        app: App,
        gate: Gate,
        evidence: Evidence,
        composing: Composing,
        underway: Underway,
        watch: Watch,
        sent: Callable[[Job, Sent, Composed], Awaitable[None]],
    ) -> None:
        self._app = app
        self._bridge = app.bridge
        self._clock = app.shared.clock
        self._gate = gate
        self._evidence = evidence
        self._composing = composing
        self._underway = underway
        self._watch = watch
        self._sent = sent

    @property
    def most(self) -> int:
        """Lanes that may become `ready` one after the other: none may have to wait for another one's bridge."""
        return 1 if self._composing.asks else MOST

    async def ready(self, jobs: Sequence[Job]) -> list[Ready]:
        """The first legs of a thread, as many as nothing holds up."""
        ready: list[Ready] = []
        for job in jobs:
            try:
                one = await self._prepared(job)
            except Exception:
                # Our own fault: by the other way it becomes a dead letter.
                log.exception("a leg could not be prepared", app=self._app.name, envelope=job.envelope)
                break
            if one is None:
                break
            ready.append(one)
        return ready

    async def _prepared(self, job: Job) -> Ready | None:
        app, can = self._app, self._bridge.capabilities(job.thread)
        if can.window is not None or not job.is_plain or not job.is_surely_new:
            return None
        content = open_leg(job, self._clock.millis(), app.max_age)
        if isinstance(content, Outcome) or (composed := await self._composing.plain(job, content, can)) is None:
            return None
        if not self._gate.lets_through(job.thread, can):
            return None
        return Ready(job, composed, composed.delivery(job, app.name, 0))

    async def begin(self, ready: Sequence[Ready], turn: Turn) -> bool:
        """Write down that attempts begin. False: the turn has ended, and none may be made.

        Raises:
            BusError: it could not be written down.
        """
        now = self._clock.millis()
        try:
            if not turn.has_ended():
                await self._evidence.begin_all([one.delivery for one in ready], now)
                for one in ready:
                    one.job.begun = now
                if not turn.has_ended():
                    return True
        except BaseException:
            self._gate.left()
            raise
        self._gate.left()
        return False

    async def send(self, ready: Sequence[Ready], turn: Turn) -> list[Job]:
        """Send legs of one thread that were begun, in one go and in order, as long as this is their turn. Those that
        were sent; the others have their `failure`, or were not tried.

        Raises:
            BusError: it could not be written down that one was sent.
        """
        known: set[Job] = set()
        thread = ready[0].job.thread
        self._underway.begin(thread)
        try:
            if len(ready) == 1:
                return await self._outcomes(ready, (await self._answer(ready[0], turn),), known)
            answers = (self._answer(one, turn) for one in ready)
            return await self._outcomes(ready, await asyncio.gather(*answers, return_exceptions=True), known)
        finally:
            self._underway.end(thread)
            if len(known) < len(ready):
                for one in ready:
                    if one.job not in known:
                        self._evidence.leave(one.delivery)  # nobody knows here any more what became of it

    async def _answer(self, one: Ready, turn: Turn) -> Sent | SendFailed | None:
        """What became of a message; None: it was not tried, for others may be at work on this app by now."""
        if turn.has_ended():
            self._gate.left()
            return None
        delivery = one.delivery
        try:
            with guarded():
                answer = await self._watch.answer_of(self._send(delivery), app=self._app.name, delivery=delivery.id)
            return sent_of(answer)
        except SendFailed as failure:
            return failure
        except BaseException:
            self._gate.left()  # somebody has told us to stop
            raise

    async def _send(self, delivery: Delivery) -> Sent:
        return await self._bridge.send(delivery)  # which may fail before there is anything to wait for

    async def _outcomes(
        self, ready: Sequence[Ready], results: Sequence[Sent | SendFailed | BaseException | None], known: set[Job]
    ) -> list[Job]:
        """Write down what was sent. What has failed is `known` when it is clear that it did not arrive."""
        sent: list[Job] = []
        cleared: list[Delivery] = []
        errors: list[BaseException] = []
        waits = False
        for one, result in zip(ready, results, strict=True):
            if isinstance(result, Sent):
                self._gate.worked()
                sent.append(one.job)
                try:
                    await self._sent(one.job, result, one.composed)
                    known.add(one.job)
                except Exception as error:
                    if isinstance(error, BusError):
                        known.add(one.job)  # it is at hand that it was sent
                    errors.append(error)  # first let that be at hand of the others, too
            elif result is None:
                known.add(one.job)
            elif isinstance(result, SendFailed):
                if not is_unclear(result):
                    known.add(one.job)
                    cleared.append(one.delivery)
                    if waits and isinstance(result, Retry | RateLimited):
                        continue  # it has only failed together with the one that waits: it was not tried
                waits = waits or isinstance(result, Retry | RateLimited | Unclear)
                self._gate.failed(one.job.thread, result)
                one.job.failure, one.job.failed_at = result, self._clock.seconds()
                one.job.attempt += 1
            else:
                errors.append(result)
        if cleared:
            await asyncio.gather(*map(self._evidence.clear, cleared))
        if errors:
            raise errors[0]
        return sent


def is_unclear(error: SendFailed) -> bool:
    """Whether a message that failed so may have arrived all the same."""
    return isinstance(error, Unclear) or (isinstance(error, Retry) and error.perhaps)
