"""Messages that a network accepted and then refused: the same is decided about them as if it had refused at once."""

from __future__ import annotations

import asyncio
import os
import random
from typing import Final

import msgspec
import structlog

from gearmesh.core.retry import Again, Bury, Expire, Fail, Hold, after_failure
from gearmesh.errors import BusUnavailable, Rejected, Retry, SendFailed, Unclear, WindowClosed, WireError
from gearmesh.host.app import App
from gearmesh.host.ends import Ends
from gearmesh.host.job import FromQueue, Job
from gearmesh.host.outcome import ENDS
from gearmesh.host.queues import FOR_EVER, Queues
from gearmesh.model.address import Address
from gearmesh.model.content import Change
from gearmesh.model.delivery import Reason
from gearmesh.model.envelope import Envelope
from gearmesh.model.events import ReceiptReceived
from gearmesh.wire.body import open_body
from gearmesh.wire.codec import decode

log = structlog.get_logger("gearmesh.egress")

SETTLED_WITHIN: Final = 4.0
"""Seconds that a network waits for our answer while the lane of the thread is busy; then it must say it again."""


class Refusal(msgspec.Struct, eq=False):
    """One native message that its network has refused after its first yes."""

    thread: str
    user: str
    native_id: str
    failure: SendFailed
    settled: asyncio.Future[None]


class Refusals:
    """The refusals of one app. `expect` and `settled` are for who reports one, `take_back` for the thread's lane."""

    def __init__(self, app: App, ends: Ends) -> None:
        self._app = app
        self._shared = app.shared
        self._ends = ends
        self._expected: set[asyncio.Future[None]] = set()

    def of(self, event: ReceiptReceived) -> list[Refusal]:
        """What a network reports as failed."""
        failure = event.failure or Rejected(event.detail or "the network named no reason")
        loop = asyncio.get_running_loop()
        return [
            Refusal(event.thread, event.user, native_id, failure, loop.create_future())
            for native_id in event.native_ids
        ]

    async def settled(self, refusal: Refusal) -> None:
        """Wait until what follows is stored.

        Raises:
            BusUnavailable: not in time, or the app is somebody else's now: the network must tell it again.
        """
        self._expected.add(refusal.settled)
        try:
            async with asyncio.timeout(SETTLED_WITHIN):
                await asyncio.shield(refusal.settled)
        except (TimeoutError, asyncio.CancelledError):
            if refusal.settled.cancelled() or not refusal.settled.done():
                raise BusUnavailable("what follows from a refusal is not stored yet") from None
            raise
        finally:
            self._expected.discard(refusal.settled)

    def drop(self) -> None:
        """The turn is over: nobody works on what was reported."""
        for settled in self._expected:
            settled.cancel()

    async def take_back(self, refusal: Refusal, queues: Queues) -> Job | None:
        """Decide about one. Called in the lane of its thread. Returns the leg where it waits until the person writes.

        Raises:
            BusError: what follows could not be stored.
        """
        try:
            held = await self._take_back(refusal, queues)
        except Exception:
            refusal.settled.cancel()
            raise
        if not refusal.settled.done():
            refusal.settled.set_result(None)
        return held

    async def _take_back(self, refusal: Refusal, queues: Queues) -> Job | None:
        messages, app = self._shared.messages, self._app
        native = await messages.native(app.name, refusal.native_id, refusal.thread)
        leg = await messages.leg(native.envelope, app.name, refusal.thread) if native else None
        if native is None or leg is None or refusal.native_id not in leg.native_ids:
            log.info("a refusal of a message that is not, or no longer, ours", app=app.name, id=refusal.native_id)
            return None
        original = await queues.later.original(leg.place) if leg.place else None
        if original is None:
            log.warning("a refused message is not kept any more", app=app.name, envelope=native.envelope)
            return None
        envelope = decode(original.data)
        recipient = next(
            (to for to in envelope.header.to if app.bridge.thread_of(to.user) == refusal.thread),
            Address(app.name, refusal.user),
        )
        now = self._shared.clock.micros()
        job = Job(
            FromQueue(queues.later, original),
            envelope.header,
            envelope.body,
            recipient,
            refusal.thread,
            original.place,
            original.stored_at,
            now,
            False,
        )
        state = await self._shared.ledger.state(native.envelope, app.name, str(recipient), refusal.thread)
        if state in {"delivered", "read", "failed", "dead", "expired"}:
            log.info("a refusal that comes too late", app=app.name, envelope=native.envelope, state=state)
            return None
        failure = refusal.failure
        verdict = after_failure(
            # What is told afterwards is clear: it did not arrive.
            Retry(str(failure)) if isinstance(failure, Unclear | Retry) else failure,
            attempt=leg.refusals + 1,
            age=(now - original.stored_at) / 1e6,
            max_age=app.max_age,
            on_unclear=app.on_unclear,
            random=random.random(),
        )
        reason: Reason
        in_words = leg.in_words
        match verdict:
            case Fail(reason=reason) if not in_words and _is_a_change(envelope):
                # The message that it is about is too old there, or gone: it is told in words.
                until, in_words = self._shared.clock.seconds(), True
            case Fail() | Expire() | Bury():
                await self._ends.over(job, ENDS[type(verdict)], verdict.reason, str(failure))
                return None
            case Again(pause=pause, reason=reason):
                until = self._shared.clock.seconds() + pause
            case Hold(reason=reason):
                until = FOR_EVER
            case _:
                until, reason = self._shared.clock.seconds(), "unauthorized"
        if isinstance(failure, WindowClosed):
            await app.portals.change(refusal.thread, refused="open")
        waited = await queues.lane(refusal.thread) is not None
        # First into the queue, then out of the map: after a crash in between, the network reports it once more.
        await queues.put(job, again=os.urandom(4).hex())
        again = msgspec.structs.replace(
            leg,
            native_ids=tuple(native_id for native_id in leg.native_ids if native_id != refusal.native_id),
            again=tuple(sorted({*leg.again, native.part})),
            refusals=leg.refusals + 1,
            in_words=in_words,
        )
        if in_words and not leg.in_words:
            again = msgspec.structs.replace(again, native_ids=(), parts=0, complete=False, again=())  # it begins anew
        await messages.remember_leg(native.envelope, app.name, refusal.thread, again)
        if not waited:
            end = min(until, job.ends(app.max_age))
            queues.wait(refusal.thread, end, reason, leg.refusals + 1)
        await self._ends.parked(job, reason, str(failure))
        return job if until == FOR_EVER and not waited else None


def _is_a_change(envelope: Envelope) -> bool:
    try:
        return isinstance(open_body(envelope.header.seal, envelope.body), Change)
    except WireError:
        return False
