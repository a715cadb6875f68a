"""Several new messages to one thread on their way at once, by a bridge that keeps their order on the wire.

    legs ─▶ composed, let through ─▶ one wave says that they begin ─▶ `send`, for all of them ─▶ each written down

Only what is plain goes so: what was begun before, has several parts, or has to wait for anything goes alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import msgspec

from gearmesh.errors import BusError, Retry, SendFailed, Unclear
from gearmesh.host.answers import Watch
from gearmesh.host.app import App
from gearmesh.host.composing import Composed, Composing
from gearmesh.host.connector import sending as guarded
from gearmesh.host.evidence import Evidence
from gearmesh.host.gate import Gate
from gearmesh.host.job import Job
from gearmesh.host.message_map import LegRecord
from gearmesh.host.outcome import Outcome
from gearmesh.host.turn import Turn
from gearmesh.model.content import Content
from gearmesh.model.delivery import Delivery, Sent

NOTHING_SENT: Final = LegRecord((), 0, False)


class _Ready(msgspec.Struct, frozen=True):
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
        watch: Watch,
        sent: Callable[[Job, Sent, Composed], Awaitable[None]],
    ) -> None:
        self._app = app
        self._clock = app.shared.clock
        self._gate = gate
        self._evidence = evidence
        self._composing = composing
        self._watch = watch
        self._sent = sent

    async def deliver(self, legs: Iterable[tuple[Job, Content]], turn: Turn) -> list[Job]:
        """Send new legs of one thread. Those that were sent; the others have their `failure`, or were not tried.

        Raises:
            BusError: it could not be written down that they are about to be sent, or that they were.
        """
        ready = await self._ready(legs)
        if not ready or not await self._begin(ready, turn):
            return []
        results = await self._answers(ready)
        sent: list[Job] = []
        errors: list[BusError] = []
        for one, result in zip(ready, results, strict=True):
            if isinstance(result, SendFailed):
                self._gate.failed(one.job.thread, result)
                one.job.failure, one.job.failed_at = result, self._clock.seconds()
                one.job.attempt += 1
                self._evidence.leave(one.delivery)
                continue
            self._gate.worked()
            sent.append(one.job)
            try:
                await self._sent(one.job, result, one.composed)
            except BusError as error:
                errors.append(error)  # first let it be at hand that the others were sent, too
        if errors:
            raise errors[0]
        failed = [one.delivery for one in ready if one.job.failure is not None and not is_unclear(one.job.failure)]
        await asyncio.gather(*map(self._evidence.clear, failed))
        return sent

    async def _ready(self, legs: Iterable[tuple[Job, Content]]) -> list[_Ready]:
        """The first of them that nothing holds up: each in one part, and let through by the gate."""
        ready: list[_Ready] = []
        for job, content in legs:
            can = self._app.bridge.capabilities(job.thread)
            if can.window is not None:
                break
            composed = await self._composing.compose(job, content, NOTHING_SENT, in_words=False)
            if isinstance(composed, Outcome) or len(composed.parts) != 1:
                break
            if self._gate.debt(job.thread, can) or not self._gate.passes(job.thread):
                break
            ready.append(_Ready(job, composed, composed.delivery(job, self._app.name, 0)))
        return ready

    async def _begin(self, ready: list[_Ready], turn: Turn) -> bool:
        """Write down that attempts begin. False: the turn has ended, and none may be made."""
        now = self._clock.millis()
        try:
            if not turn.has_ended():
                await asyncio.gather(*(self._evidence.begin(one.delivery, now) for one in ready))
                for one in ready:
                    one.job.begun = now
                if not turn.has_ended():
                    return True
        except BaseException:
            self._gate.left()
            raise
        self._gate.left()
        return False

    async def _answers(self, ready: list[_Ready]) -> list[Sent | SendFailed]:
        """What became of each message: all of them are sent in one go, in order."""
        app, answer_of, send = self._app.name, self._watch.answer_of, self._app.bridge.send
        with guarded():
            answers = (answer_of(send(one.delivery), app=app, delivery=one.delivery.id) for one in ready)
            results = await asyncio.gather(*answers, return_exceptions=True)
        known = [result for result in results if isinstance(result, Sent | SendFailed)]
        if len(known) < len(results):
            # Somebody has told us to stop: what was sent is not known any more.
            self._gate.left()
            raise next(result for result in results if not isinstance(result, Sent | SendFailed))
        return known


def is_unclear(error: SendFailed) -> bool:
    """Whether a message that failed so may have arrived all the same."""
    return isinstance(error, Unclear) or (isinstance(error, Retry) and error.perhaps)
