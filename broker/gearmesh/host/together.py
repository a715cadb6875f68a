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
from gearmesh.host.answers import Watch
from gearmesh.host.app import App
from gearmesh.host.begun import Begins
from gearmesh.host.composing import Composed, Composing
from gearmesh.host.gate import Gate
from gearmesh.host.job import Job
from gearmesh.host.opening import open_leg
from gearmesh.host.turn import Turn
from gearmesh.host.underway import Underway
from gearmesh.model.content import Media, Message
from gearmesh.model.delivery import Delivery, Sent

log = structlog.get_logger("gearmesh.egress")

MOST: Final = 64
"""Lanes whose legs go together: more at once would keep everything else waiting."""
NOT_TRIED: Final = SendFailed("it was not tried")
"""What became of a message when others may be at work on its app by now."""


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
        begins: Begins,
        composing: Composing,
        underway: Underway,
        watch: Watch,
        sent: Callable[[Job, Sent, Composed], Awaitable[None]],
    ) -> None:
        self._app = app
        self._bridge = app.bridge
        self._clock = app.shared.clock
        self._gate = gate
        self._begins = begins
        self._composing = composing
        self._underway = underway
        self._watch = watch
        self._sent = sent

    @property
    def most(self) -> int:
        """Lanes whose legs may be prepared one after the other: none may have to wait for another one's bridge."""
        return 1 if self._composing.asks else MOST

    async def prepare(self, job: Job, now: int) -> Ready | None:
        """Make a plain leg ready to be sent, `now` (milliseconds); None when anything holds it up."""
        try:
            can = self._bridge.capabilities(job.thread)
            if can.window is not None or not job.is_surely_new:
                return None
            content = open_leg(job, now, self._app.max_age)
            if not isinstance(content, Message) or isinstance(content, Media) or content.reply_to:
                return None  # it is too late for it, or others have to be asked for what it looks like
            if self._composing.asks:
                composed = await self._composing.plain_under_ghost(job, content, can)
            else:
                composed = self._composing.plain(job, content, can)
            if composed is None or not self._gate.lets_through(job.thread, can):
                return None
            return Ready(job, composed, composed.delivery(job, self._app.name, 0))
        except Exception:
            # Our own fault: by the other way it becomes a dead letter.
            log.exception("a leg could not be prepared", app=self._app.name, envelope=job.envelope)
            return None

    async def begin(self, ready: Sequence[Ready], turn: Turn) -> bool:
        """Write down that attempts begin. False: the turn has ended, and none may be made.

        Raises:
            BusError: it could not be written down.
        """
        now = self._clock.millis()
        try:
            if not turn.has_ended():
                await self._begins.begin_all([one.delivery for one in ready], now)
                for one in ready:
                    one.job.begun = now
                if not turn.has_ended():
                    return True
        except BaseException:
            self._gate.left()
            raise
        self._gate.left()
        return False

    async def send(self, one: Ready, turn: Turn) -> SendFailed | None:
        """Send one that was begun, as long as it is its turn, and write down that it was sent; else why it was not.

        Raises:
            BusError: it could not be written down.
        """
        if turn.has_ended():
            self._gate.left()
            return NOT_TRIED
        thread, is_known = one.job.thread, False
        self._underway.begin(thread)
        try:
            try:
                sent = await self._watch.sent(self._bridge.send, one.delivery)
            except SendFailed as failure:
                is_known = not is_unclear(failure)
                return failure
            except BaseException:
                self._gate.left()  # somebody has told us to stop
                raise
            self._gate.worked()
            try:
                await self._sent(one.job, sent, one.composed)
            except BusError:
                is_known = True  # it is at hand that it was sent
                raise
            is_known = True
        finally:
            self._underway.end(thread)
            if not is_known:
                self._begins.leave(one.delivery)  # nobody knows here any more what became of it
        return None

    async def settle(self, ready: Sequence[Ready], results: Sequence[BaseException | None]) -> Sequence[Job]:
        """Account for those of a thread's legs that were not sent, by what became of each.

        Returns them: they have their `failure`, or were not tried.

        Raises:
            BaseException: what became of one, if that is neither.
            BusError: it could not be written down that one was not sent.
        """
        unsent: list[Job] = []
        cleared: list[Delivery] = []
        errors: list[BaseException] = []
        waits = False
        for one, result in zip(ready, results, strict=True):
            if result is None:
                continue
            if not isinstance(result, SendFailed):
                errors.append(result)
                continue
            job = one.job
            unsent.append(job)
            if result is NOT_TRIED:
                continue
            if not is_unclear(result):
                cleared.append(one.delivery)
                if waits and isinstance(result, Retry | RateLimited):
                    continue  # it has only failed together with the one that waits: it was not tried
            waits = waits or isinstance(result, Retry | RateLimited | Unclear)
            self._gate.failed(job.thread, result)
            job.failure, job.failed_at = result, self._clock.seconds()
            job.attempt += 1
        if cleared:
            await asyncio.gather(*map(self._begins.clear, cleared))
        if errors:
            raise errors[0]
        return unsent


def is_unclear(error: SendFailed) -> bool:
    """Whether a message that failed so may have arrived all the same."""
    return isinstance(error, Unclear) or (isinstance(error, Retry) and error.perhaps)
