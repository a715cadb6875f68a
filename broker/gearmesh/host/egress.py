"""What goes out: legs from the outbound log become native messages.

    leg ─▶ lane of its thread ─▶ body opened ─▶ fitted ─▶ sent ─▶ remembered ─▶ ledger ─▶ acknowledged

One lane per thread: within it everything keeps its order, and a thread that waits holds up nobody else.
"""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Final

import structlog

from gearmesh.bridge import SupportsReceipts
from gearmesh.bus.consumer import Taken
from gearmesh.core.lanes import Lanes
from gearmesh.errors import BusError, SendFailed, Unauthorized, WireError
from gearmesh.host.answers import answer_of
from gearmesh.host.app import App
from gearmesh.host.job import Job
from gearmesh.host.receipts import Receipts
from gearmesh.host.sending import LegSender, Outcome
from gearmesh.host.turn import Turn
from gearmesh.host.underway import Underway
from gearmesh.model.address import Address
from gearmesh.model.content import Receipt
from gearmesh.model.delivery import Hop, LedgerEntry, Reason, ReceiptDelivery, State
from gearmesh.wire.body import open_body
from gearmesh.wire.codec import decode
from gearmesh.wire.times import Times

log = structlog.get_logger("gearmesh.egress")

FINISH_WITHIN: Final = 35.0
"""Seconds that what is on its way to a network may take when a turn ends: a little more than one request."""
REFUSED_PAUSE: Final = 1.0
RECEIPT_WITHIN: Final = 10.0
"""Seconds that the lane of a thread waits until a receipt is shown there."""


class Egress:
    """Sends the legs of one app. `take` and `turn` are what its consumer calls."""

    def __init__(self, app: App, receipts: Receipts, underway: Underway) -> None:
        self._app = app
        self._shared = app.shared
        self._sender = LegSender(app, receipts, underway)
        self._lanes: Lanes[str, Job] = Lanes()
        self._held: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = Turn()
        self._draining = False
        self.stopped = asyncio.Event()
        """Set when the network has refused our credentials: nothing goes out until the app is started again."""

    @property
    def waiting(self) -> int:
        """Legs taken from the log and not done with."""
        return len(self._lanes)

    async def turn(self, begins: bool) -> None:
        """A turn of the consumer begins or has ended. What is in flight is brought to its end before a new one."""
        self._drop_waiting()
        if begins:
            await self.finish()
            self._turn = Turn()

    async def drain(self, within: float) -> None:
        """Take nothing more and finish what is on the wire; what only waits stays in the log."""
        self._draining = True
        self._drop_waiting()
        await self.finish(within)

    async def finish(self, within: float = FINISH_WITHIN) -> None:
        """Wait for what is on its way; what takes longer stays in the log."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=within)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _drop_waiting(self) -> None:
        self._turn.end()
        self._lanes.clear()
        self._held.clear()

    async def take(self, taken: Taken) -> None:
        """Take one leg. It is acknowledged when it is done with for all its recipients."""
        if taken.seq in self._held or self._draining:
            return  # nats thinks it lost, because it waits long in its lane; or it is for our successor
        taken_at = self._shared.clock.micros()
        try:
            envelope = decode(taken.data)
            if not envelope.header.to:
                raise WireError("a leg without recipients")
            threads = [self._thread_of(recipient) for recipient in envelope.header.to]
        except WireError as error:
            await self._shared.journal.bury(self._app.name, "unparsed", str(error), taken.data, subject=taken.subject)
            await taken.ack()
            return
        self._held.add(taken.seq)
        header = envelope.header
        still_open = [len(header.to)]
        for recipient, thread in zip(header.to, threads, strict=True):
            job = Job(taken, header, envelope.body, recipient, thread, taken_at, still_open)
            if self._lanes.offer(thread, job):
                task = asyncio.create_task(self._work_off(thread, job, self._turn))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def _thread_of(self, recipient: Address) -> str:
        try:
            return self._app.bridge.thread_of(recipient.user)
        except Exception as error:
            log.exception("the bridge names no thread", app=self._app.name, to=str(recipient))
            raise WireError(f"the bridge names no thread for {recipient}: {type(error).__name__}") from error

    async def _work_off(self, thread: str, first: Job, turn: Turn) -> None:
        job: Job | None = first
        while job is not None:
            try:
                done = await self._bring_to_end(job, turn)
            except Exception as error:
                # A full disk, for example: what became of the leg cannot be written down. It comes again, and then
                # the message map, or what is at hand of it, knows what was sent.
                log.exception("what became of a leg could not be written down; it comes again", app=self._app.name)
                job.taken.give_back(
                    f"a leg could not be brought to its end: {type(error).__name__}", pause=REFUSED_PAUSE
                )
                return
            if done:
                job.open[0] -= 1
                if not job.open[0]:
                    await job.taken.ack()
                    self._held.discard(job.taken.seq)
            if turn.is_over:
                return
            job = self._lanes.done(thread)

    async def _bring_to_end(self, job: Job, turn: Turn) -> bool:
        try:
            return await self._process(job, turn)
        except BusError:
            raise
        except Exception as error:
            # Our own fault, and no reason to hold up or lose what stands behind it.
            log.exception("a leg could not be worked on", app=self._app.name, envelope=job.header.hex_id)
            return await self._end(job, "dead", "unclear", f"{type(error).__name__}: {error}")

    async def _process(self, job: Job, turn: Turn) -> bool:
        """Whether the leg is done with for this recipient. False: it stays in the log."""
        header, clock = job.header, self._shared.clock
        if header.expires is not None and header.expires <= clock.millis():
            return await self._end(job, "expired", "", "its time was over")
        try:
            content = open_body(header.seal, job.body)
        except WireError as error:
            return await self._end(job, "dead", "unsupported", str(error))
        if isinstance(content, Receipt):
            await self._show_receipt(job, content)
            return True
        outcome = await self._sender.deliver(job, content, turn)
        if outcome.state == "left":
            if outcome.reason == "unauthorized":
                self._stop()
            return False
        if outcome.state != "sent":
            return await self._end(job, outcome.state, outcome.reason, outcome.detail)
        return await self._settle(job, outcome)

    def _stop(self) -> None:
        self._turn.end()
        self.stopped.set()

    async def _settle(self, job: Job, outcome: Outcome) -> bool:
        times = Times.read(job.taken.headers)
        hops = times.hops(job.taken.stored_at, job.taken_at, outcome.sent_at)
        for before, after in pairwise(hops):
            self._shared.metrics.hops.labels(self._app.name, after.name).observe(max(0, after.at - before.at) / 1e6)
        self._shared.metrics.hops.labels(self._app.name, "total").observe(max(0, hops[-1].at - hops[0].at) / 1e6)
        await self._record(job, "sent", hops=hops)
        return True

    async def _end(self, job: Job, state: State, reason: Reason, detail: str) -> bool:
        """The leg ends without having been sent. Nothing of it is silent."""
        header = job.header
        log.warning(
            "not delivered",
            app=self._app.name,
            envelope=header.hex_id,
            to=str(job.recipient),
            state=state,
            reason=reason,
            detail=detail,
        )
        await self._record(job, state, reason=reason, detail=detail)
        if state == "dead":
            letter = f"{header.hex_id}-{self._app.name}"
            await self._shared.journal.bury(
                self._app.name, reason, detail, job.taken.data, letter_id=letter, subject=job.taken.subject
            )
        if state != "expired" and header.kind == "event" and not header.sender.is_system:
            name = await self._shared.name_of(job.recipient)
            args = {"name": name, "network": self._app.bridge.title, "detail": detail}
            cause = f"{header.hex_id} {job.recipient}"
            now = self._shared.clock.millis()
            await self._shared.notifier.tell(header.sender, reason or "rejected", args, cause=cause, now=now)
        return True

    async def _record(
        self, job: Job, state: State, *, reason: Reason = "", detail: str = "", hops: tuple[Hop, ...] = ()
    ) -> None:
        header = job.header
        self._shared.metrics.messages.labels(self._app.name, "out", state).inc()
        await self._shared.journal.record(
            LedgerEntry(
                header.hex_id,
                self._app.name,
                state,
                self._shared.clock.millis(),
                header.kind,
                str(header.sender),
                str(job.recipient),
                reason,
                detail,
                hops,
            )
        )

    async def _show_receipt(self, job: Job, receipt: Receipt) -> None:
        bridge = self._app.bridge
        wanted = "read" if receipt.state == "played" else receipt.state
        if not isinstance(bridge, SupportsReceipts) or wanted not in bridge.capabilities(job.thread).receipts:
            return
        native_ids: list[str] = []
        for target in receipt.targets:
            record = await self._shared.messages.leg(target, self._app.name, job.thread)
            native_ids.extend(record.native_ids if record else ())
        if not native_ids:
            return
        try:
            news = ReceiptDelivery(job.thread, job.recipient.user, receipt.state, tuple(native_ids))
            await answer_of(bridge.receipt(news), RECEIPT_WITHIN, app=self._app.name, receipt=receipt.state)
        except Unauthorized:
            self._stop()
        except SendFailed as error:
            log.info("a receipt was not shown", app=self._app.name, error=str(error))
