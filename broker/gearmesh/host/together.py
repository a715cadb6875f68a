"""Several new messages to one thread on their way at once, by a bridge that keeps their order on the wire.

    legs ─▶ composed, let through ─▶ one wave says that they begin ─▶ `send`, for all of them ─▶ each written down

Only what is plain goes so: what was begun before, has several parts, or has to wait for anything goes alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import msgspec

from gearmesh.errors import BusError, RateLimited, Retry, SendFailed, Unclear
from gearmesh.host.answers import Watch, sent_of
from gearmesh.host.app import App
from gearmesh.host.composing import Composed, Composing
from gearmesh.host.connector import sending as guarded
from gearmesh.host.evidence import Evidence
from gearmesh.host.gate import Gate
from gearmesh.host.job import Job
from gearmesh.host.message_map import LegRecord
from gearmesh.host.outcome import Outcome
from gearmesh.host.turn import Turn
from gearmesh.model.content import Content, Message
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
        """Send new legs of one thread. Those that were sent; the others have their `failure`, or are to be tried.

        Raises:
            BusError: it could not be written down that they are about to be sent, or that they were.
        """
        ready = await self._ready(legs)
        if not ready or not await self._begin(ready, turn):
            return []
        known: set[Job] = set()
        try:
            return await self._outcomes(ready, await self._answers(ready), known)
        finally:
            for one in ready:
                if one.job not in known:
                    self._evidence.leave(one.delivery)  # nobody knows here any more what became of it

    async def _outcomes(self, ready: list[_Ready], results: list[Sent | SendFailed], known: set[Job]) -> list[Job]:
        """Write down what was sent. What has failed is `known` when it is clear that it did not arrive."""
        sent: list[Job] = []
        cleared: list[Delivery] = []
        errors: list[Exception] = []
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
                continue
            if not is_unclear(result):
                known.add(one.job)
                cleared.append(one.delivery)
                if waits and isinstance(result, Retry | RateLimited):
                    continue  # it has only failed together with the one that waits: it was not tried
            waits = waits or isinstance(result, Retry | RateLimited | Unclear)
            self._gate.failed(one.job.thread, result)
            one.job.failure, one.job.failed_at = result, self._clock.seconds()
            one.job.attempt += 1
        await asyncio.gather(*map(self._evidence.clear, cleared))
        if errors:
            raise errors[0]
        return sent

    async def _ready(self, legs: Iterable[tuple[Job, Content]]) -> list[_Ready]:
        """The first of them that nothing holds up: each in one part, and let through by the gate."""
        ready: list[_Ready] = []
        envelopes: set[str] = set()
        for job, content in legs:
            can = self._app.bridge.capabilities(job.thread)
            if can.window is not None or (isinstance(content, Message) and content.reply_to in envelopes):
                break  # what it answers has no native id yet
            composed = await self._composing.compose(job, content, NOTHING_SENT, in_words=False)
            if isinstance(composed, Outcome) or len(composed.parts) != 1:
                break
            if self._gate.debt(job.thread, can) or not self._gate.passes(job.thread):
                break
            ready.append(_Ready(job, composed, composed.delivery(job, self._app.name, 0)))
            envelopes.add(job.envelope)
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
        said: list[Sent | SendFailed] = []
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, SendFailed):
                self._gate.left()  # somebody has told us to stop
                raise result
            try:
                said.append(result if isinstance(result, SendFailed) else sent_of(result))
            except Unclear as error:
                said.append(error)
        return said


def is_unclear(error: SendFailed) -> bool:
    """Whether a message that failed so may have arrived all the same."""
    return isinstance(error, Unclear) or (isinstance(error, Retry) and error.perhaps)
