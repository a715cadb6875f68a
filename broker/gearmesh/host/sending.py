"""Sends one leg to one recipient: its parts in order, remembers each, and decides after a failure."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable
from functools import partial
from typing import Final

import msgspec
import structlog

from gearmesh.bus.publisher import Stored
from gearmesh.core.retry import Again, Hold, Seek, StopApp, Verdict, after_failure
from gearmesh.core.windows import Passage, passage
from gearmesh.errors import BusError, RateLimited, SendFailed, Unclear, WindowClosed
from gearmesh.host.answers import Watch
from gearmesh.host.app import App
from gearmesh.host.carrying import carry
from gearmesh.host.composing import Composed, Composing
from gearmesh.host.ends import SENT as WITH_NETWORK
from gearmesh.host.ends import Ends
from gearmesh.host.evidence import Evidence
from gearmesh.host.gate import Gate
from gearmesh.host.job import Job
from gearmesh.host.message_map import NOTHING_SENT, LegRecord, NativeRecord
from gearmesh.host.outcome import ENDS, JUST_SENT, LEFT, SENT, Outcome
from gearmesh.host.queues import FOR_EVER
from gearmesh.host.quotes import Quotes
from gearmesh.host.receipts import Receipts
from gearmesh.host.removal import Removal
from gearmesh.host.together import Together, is_unclear
from gearmesh.host.turn import Turn
from gearmesh.host.underway import Underway
from gearmesh.model.content import Change, Content, Edit, Redaction
from gearmesh.model.delivery import Delivery, Sent
from gearmesh.wire.times import REPLAY

log = structlog.get_logger("gearmesh.egress")

SEND_WITHIN: Final = 60.0
"""Seconds after which a bridge that does not come back from `send` is given up."""
WAITED_FOR: Final = 3.0
"""Seconds that a thread waits at most with its legs in memory; for longer they are put into its queue."""
AFTER_TAKEOVER: Final = 5.0
"""Seconds, at least, since a doubt arose here: what a network could not hand over before comes within them."""
SENT_WHOLE: Final = LegRecord(())


class LegSender:
    """The sending side of one app. What nothing holds up goes `together`; the rest is to `deliver`."""

    def __init__(
        self,
        app: App,
        gate: Gate,
        ends: Ends,
        evidence: Evidence,
        receipts: Receipts,
        underway: Underway,
        quotes: Quotes,
    ) -> None:
        self._app = app
        self._shared = app.shared
        self._gate = gate
        self._ends = ends
        self._evidence = evidence
        self._begins = evidence.begins
        self._unread = receipts.unread
        self._underway = underway
        self._quotes = quotes
        self._removal = Removal(app, quotes)
        self._carry = partial(carry, app.bridge)
        self._composing = Composing(app, ends, quotes, self._verdict)
        self._watch = Watch(app.name, SEND_WITHIN)
        self.together = Together(app, gate, evidence.begins, self._composing, underway, self._watch, self._have_sent)

    async def deliver(self, job: Job, content: Content, turn: Turn) -> Outcome:
        """Send a leg. When the turn ends, what is on the wire is finished and nothing further is sent.

        A leg that was begun before goes on with the parts that are missing.
        """
        self._underway.begin(job.thread)
        try:
            before = await self._sent_before(job)
            if before.complete and not before.again:
                return await self._sent_already(job)
            return await self._deliver(job, content, before, turn, in_words=before.in_words)
        finally:
            self._underway.end(job.thread)

    async def _deliver(self, job: Job, content: Content, before: LegRecord, turn: Turn, *, in_words: bool) -> Outcome:
        composed = await self._composing.compose(job, content, before, in_words=in_words)
        if isinstance(composed, Outcome):
            return composed
        count = len(composed.parts)
        missing = [number for number in (*before.again, *range(before.parts, count)) if number < count]
        if not missing:
            return await self._sent_already(job)
        for number in missing:
            delivery = composed.delivery(job, self._app.name, number)
            result = None if job.fresh and job.failure is None else await self._in_doubt(job, delivery, turn)
            while result is None:
                result = await self._attempt(job, delivery, turn)
            if isinstance(result, Outcome):
                if result.state == "failed" and isinstance(delivery.content, Change) and not composed.in_words:
                    # The message that it is about is too old, or gone there: it is told in words.
                    return await self._deliver(job, content, before, turn, in_words=True)
                return result
            before = await self._remember(job, result, before, number, composed)
        await self._follow(job, composed.content)
        return JUST_SENT

    def _have_sent(self, job: Job, sent: Sent, composed: Composed) -> Awaitable[None]:
        """Nearly all messages have one native id, and go to where others of their conversation went before."""
        header, thread = job.header, job.thread
        if len(sent.native_ids) != 1 or not self._app.portals.has_heard(thread, header.conversation):
            return self._remember_and_follow(job, sent, composed)
        self._unread.sent(thread, sent.native_ids[0], job.begun)
        return self._ends.sent(job, LegRecord(sent.native_ids, ghost=composed.ghost, place=job.place), 0)

    async def _remember_and_follow(self, job: Job, sent: Sent, composed: Composed) -> None:
        await self._remember(job, sent, NOTHING_SENT, 0, composed)
        await self._follow(job, composed.content)

    async def _follow(self, job: Job, content: Content) -> None:
        """What else changes with a leg that was sent."""
        conversation = job.header.conversation
        if not job.header.sender.is_system and not self._app.portals.has_heard(job.thread, conversation):
            await self._app.portals.hear(job.thread, conversation)
        if isinstance(content, Redaction):
            record = await self._shared.messages.leg(content.target, self._app.name, job.thread)
            await self._removal.remove(content.target, job.header.sender, conversation, record)
        elif isinstance(content, Edit):
            self._quotes.keep(job.envelope, content)  # the log has what it said before

    async def _remember(self, job: Job, sent: Sent, before: LegRecord, number: int, composed: Composed) -> LegRecord:
        """Write down that a part was sent. With the last of them the job is told when that is done."""
        if sent.native_ids:
            self._unread.sent(job.thread, sent.native_ids[-1], job.begun)
        leg = _with(before, sent, number, composed, job.place)
        if leg.again or not leg.complete:
            record = _native(job, number, last=number == leg.parts - 1 and leg.complete)
            await self._shared.messages.remember(self._app.name, job.thread, record, leg, new=sent.native_ids)
            return leg
        await self._ends.sent(job, leg, number)
        for native_id in sent.native_ids[:-1]:
            await self._shared.messages.note(self._app.name, native_id, _native(job, number, last=False))
        return leg

    def written(self, job: Job) -> None:
        """It is written down what became of a leg: nobody has to ask any more whether it was begun."""
        self._shared.messages.stored(job.envelope, self._app.name, job.thread)
        self._begins.over(job.thread, job.envelope)

    def answer_about(self, job: Job) -> asyncio.Future[Stored | BusError]:
        """What NATS will say when it is told that a leg was sent."""
        answer: asyncio.Future[Stored | BusError] = asyncio.get_running_loop().create_future()

        async def tell(result: Stored | BusError) -> None:
            if isinstance(result, Stored):
                self.written(job)
            if not answer.done():
                answer.set_result(result)

        job.written = tell
        return answer

    async def gone(self, job: Job) -> Outcome | None:
        """What became of a leg that is not to be sent any more, if all of it had been sent before; None: it was not."""
        before = await self._sent_before(job)
        return await self._sent_already(job) if before.complete and not before.again else None

    async def _sent_already(self, job: Job) -> Outcome:
        return SENT if await self._ends.was_sent(job) else JUST_SENT

    async def _sent_before(self, job: Job) -> LegRecord:
        """What was sent of this leg before."""
        if job.is_surely_new:
            return NOTHING_SENT
        # First this: what a predecessor writes down in between is either found here, or in doubt.
        await self._begins.ready()
        messages, key = self._shared.messages, (job.envelope, self._app.name, job.thread)
        before = await messages.leg(*key)
        if before is None:
            return SENT_WHOLE if await self._was_sent(job) else NOTHING_SENT
        if before.parts and not before.complete:
            await messages.save(*key)
        return before

    async def _was_sent(self, job: Job) -> bool:
        """Whether the ledger has it as sent and does not say as what: so wrote the releases before this one."""
        looked_up = not job.fresh and REPLAY not in job.source.headers
        return looked_up and await self._ends.state(job) in WITH_NETWORK

    async def _in_doubt(self, job: Job, delivery: Delivery, turn: Turn) -> Sent | Outcome | None:
        """What became of a message that may have been sent: by whoever was at work before, or together with others.

        None: it is to be sent.
        """
        if job.failure is not None:
            failure, job.failure = job.failure, None
            left = job.failed_at + self._app.unclear_wait - self._shared.clock.seconds()
            return await self._settled(job, delivery, turn, failure, max(left, 0.0))
        held = await self._begins.in_doubt(delivery)
        if held is None:
            return None
        job.begun = held.begun.at
        # A sign is kept for whoever comes; so it is not waited for anew by each who takes over, nor for each message.
        wait = self._app.unclear_wait
        left = min(job.begun / 1000 + wait - self._shared.clock.seconds(), wait)  # the clock may have been set back
        within = max(left, min(wait, AFTER_TAKEOVER) - held.age, 0.0)
        doubt = Unclear("whoever was at work before may have sent it")
        return await self._settled(job, delivery, turn, doubt, within)

    async def _settled(
        self, job: Job, delivery: Delivery, turn: Turn, error: SendFailed, within: float
    ) -> Sent | Outcome | None:
        result = await self._after(job, delivery, turn, error, within)
        if result != LEFT:
            self._begins.settle(delivery)  # else it stays in doubt
        return result

    async def _attempt(self, job: Job, delivery: Delivery, turn: Turn) -> Sent | Outcome | None:
        """One attempt, as soon as the network allows it. None: there must be another."""
        app, clock, gate = self._app, self._shared.clock, self._gate
        capabilities = app.bridge.capabilities(job.thread)
        way: Passage = "open"
        written = 0
        if capabilities.window is not None:
            portal = await app.portals.get(job.thread)
            way, written = passage(capabilities.window, portal, clock.millis()), portal.last_inbound
        if way == "closed":
            return Outcome("parked", reason="window_closed", until=FOR_EVER)
        if debt := gate.debt(job.thread, capabilities):
            if debt > WAITED_FOR:
                return Outcome("parked", reason="rate_limit", until=clock.seconds() + debt, attempt=job.attempt)
            await turn.pause(clock, debt)
        if not gate.passes(job.thread) and not await gate.passage(job.thread, turn, job.ends(app.max_age)):
            return LEFT if turn.has_ended() else self._expired(job)
        try:
            needless = await self._needless(job, delivery, turn) if job.attempt or turn.has_ended() else None
            if needless is None:
                job.begun = clock.millis()
                await self._begins.begin(delivery, job.begun)
                if turn.has_ended():
                    needless = LEFT  # that took a moment, in which this process may have been paused, and replaced
        except BaseException:
            gate.left()
            raise
        if needless is not None:
            gate.left()
            return needless
        marked = msgspec.structs.replace(delivery, late=True) if way == "late" else delivery
        try:
            sent = await self._watch.sent(self._carry, marked)
        except SendFailed as failure:
            error = failure
        except BaseException:
            gate.left()
            raise
        else:
            gate.worked()
            return sent
        gate.failed(job.thread, error)
        if isinstance(error, WindowClosed):
            if (await app.portals.get(job.thread)).last_inbound != written:
                return None  # the person has written meanwhile
            await app.portals.change(job.thread, refused=way)
        job.attempt += 1
        return await self._after(job, delivery, turn, error)

    async def _needless(self, job: Job, delivery: Delivery, turn: Turn) -> Sent | Outcome | None:
        """What makes an attempt needless, if anything does."""
        if turn.has_ended():
            return LEFT
        # What a network could not do is sometimes done all the same.
        return await self._shown(job, delivery, turn, 0.0) if job.attempt else None

    async def _after(
        self, job: Job, delivery: Delivery, turn: Turn, error: SendFailed, within: float | None = None
    ) -> Sent | Outcome | None:
        """What the verdict about a failure comes to. None: try again. `within`: seconds in which a sign may come."""
        if turn.has_ended():
            self._begins.leave(delivery)
            return LEFT  # whoever is at work now looks for a sign of it
        verdict = self._verdict(job, error)
        if isinstance(verdict, Seek):
            if shown := await self._shown(job, delivery, turn, self._app.unclear_wait if within is None else within):
                return shown
            if turn.has_ended():
                self._begins.leave(delivery)
                return LEFT
            verdict = self._verdict(job, error, sought=True)
        if not is_unclear(error):
            await self._begins.clear(delivery)
        match verdict:
            case Again():
                return await self._again(job, delivery, turn, verdict, error)
            case Hold(reason=reason):
                # Marked as late it may go where an ordinary message may not.
                window = self._app.bridge.capabilities(job.thread).window
                portal, now = await self._app.portals.get(job.thread), self._shared.clock.millis()
                if passage(window, portal, now) == "late":
                    return None
                return Outcome("parked", reason=reason, detail=str(error), until=FOR_EVER)
            case StopApp():
                app = self._app.name
                log.error("the network refuses our credentials; the app stops", app=app, error=str(error))
                return Outcome("left", reason="unauthorized", detail=str(error))
            case Seek():
                raise AssertionError("a sign was sought already")
            case _:
                if isinstance(error, RateLimited) and error.scope == "app":
                    self._gate.hold(error.after or 1.0)  # it is too old to wait, the others are not
                return Outcome(ENDS[type(verdict)], reason=verdict.reason, detail=str(error))

    async def _shown(self, job: Job, delivery: Delivery, turn: Turn, within: float) -> Sent | None:
        native_id = await self._evidence.seek(delivery, job.stored_at // 1000, within, turn)
        if native_id:
            return Sent((native_id,))
        if within > 0:
            # A process that was replaced while it sent may have written it down since.
            record = await self._shared.messages.leg(job.envelope, self._app.name, job.thread, anew=True)
            number = int(delivery.id.rpartition(":")[2])
            if record is not None and record.parts > number and number not in record.again:
                return Sent(record.native_ids[-1:])
        return None

    async def _again(
        self, job: Job, delivery: Delivery, turn: Turn, verdict: Again, error: SendFailed
    ) -> Outcome | None:
        clock, pause = self._shared.clock, verdict.pause
        if job.failed_at:
            # What failed together pauses together: most of it is over when the second comes.
            pause, job.failed_at = max(0.0, job.failed_at + pause - clock.seconds()), 0.0
        log.info("sent again later", app=self._app.name, delivery=delivery.id, pause=pause, error=str(error))
        if verdict.whole_app:
            self._gate.hold(pause)
        elif not self._gate.is_closed and pause > WAITED_FOR:
            until = clock.seconds() + pause
            return Outcome("parked", verdict.reason, str(error), until, job.attempt)
        elif not self._gate.is_closed:
            await turn.pause(clock, pause)
        return None

    def _verdict(self, job: Job, error: SendFailed, *, sought: bool = False) -> Verdict:
        return after_failure(
            error,
            attempt=max(job.attempt, 1),
            age=self._shared.clock.seconds() - job.stored_at / 1e6,
            max_age=self._app.max_age,
            on_unclear=self._app.on_unclear,
            random=random.random(),
            sought=sought,
        )

    def _expired(self, job: Job) -> Outcome:
        return Outcome("expired", reason="unreachable", detail=f"{self._app.bridge.title} did not take it in time")


def _native(job: Job, number: int, *, last: bool) -> NativeRecord:
    header = job.header
    return NativeRecord(job.envelope, header.conversation, str(header.sender), last, number)


def _with(before: LegRecord, sent: Sent, number: int, composed: Composed, place: int) -> LegRecord:
    """What is known of a leg when one more of its parts was sent."""
    parts, reached = len(composed.parts), max(before.parts, number + 1)
    again = tuple(part for part in before.again if part != number and part < parts)
    return LegRecord(
        (*before.native_ids, *sent.native_ids),
        reached,
        reached >= parts,
        composed.ghost,
        place,
        again,
        before.refusals,
        in_words=composed.in_words,
    )
