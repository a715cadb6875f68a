"""One leg, from its bytes to its end: opened, sent or shown, and accounted for."""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec
import structlog

from gearmesh.bridge import SupportsReceipts
from gearmesh.errors import BusError, SendFailed, Unauthorized
from gearmesh.host.answers import answer_of
from gearmesh.host.app import App
from gearmesh.host.ends import OVER, Ends
from gearmesh.host.job import Job
from gearmesh.host.opening import open_leg
from gearmesh.host.outcome import Outcome
from gearmesh.host.queues import Queues
from gearmesh.host.sending import LegSender
from gearmesh.host.turn import Turn
from gearmesh.model.content import Content, Membership, Receipt
from gearmesh.model.delivery import ReceiptDelivery

log = structlog.get_logger("gearmesh.egress")

RECEIPT_WITHIN: Final = 10.0
"""Seconds that the lane of a thread waits until a receipt is shown there."""
SHOWN: Final = Outcome("read")


class Handling:
    """Handles the legs of one app."""

    def __init__(self, app: App, queues: Queues, sender: LegSender, ends: Ends) -> None:
        self._app = app
        self._shared = app.shared
        self._queues = queues
        self._sender = sender
        self._ends = ends
        self.stopped = asyncio.Event()
        """Set when the network has refused our credentials: nothing goes out until the app is started again."""

    async def bring_to_end(self, job: Job, turn: Turn) -> Outcome:
        """What becomes of a leg; when it is not parked or left, that is accounted for."""
        content: Content | Outcome | None = None
        try:
            content = self._open(job)
            if isinstance(content, Outcome):
                outcome = await self._sender.gone(job) or content
            elif isinstance(content, Receipt):
                await self._show_receipt(job, content, turn)
                outcome = SHOWN
            else:
                outcome = await self._sender.deliver(job, content, turn)
        except BusError:
            raise
        except Exception as error:
            # Our own fault, and no reason to hold up or lose what stands behind it.
            log.exception("a leg could not be worked on", app=self._app.name, envelope=job.envelope)
            outcome = Outcome("dead", reason="unclear", detail=f"{type(error).__name__}: {error}")
        if outcome.state == "left" and outcome.reason == "unauthorized":
            self._stop(turn)
        elif outcome.state in OVER:
            # Who came or left has written nothing that could be missed.
            silent = isinstance(content, Membership)
            facts = dict(outcome.facts)
            await self._ends.over(
                job, outcome.state, outcome.reason, outcome.detail, notice=outcome.notice, facts=facts, silent=silent
            )
            self._sender.written(job)
        return outcome

    def _open(self, job: Job) -> Content | Outcome:
        content = open_leg(job, self._shared.clock.millis(), self._app.max_age)
        if isinstance(content, Outcome) and content.reason == "unreachable":
            return msgspec.structs.replace(content, reason=self._queues.reason(job.thread) or content.reason)
        return content

    def _stop(self, turn: Turn) -> None:
        turn.end()
        self.stopped.set()

    async def _show_receipt(self, job: Job, receipt: Receipt, turn: Turn) -> None:
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
            self._stop(turn)
        except SendFailed as error:
            log.info("a receipt was not shown", app=self._app.name, error=str(error))
