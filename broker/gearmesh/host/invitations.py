"""What happens when somebody's messaging window turns out to be closed: they are invited, and whoever wrote is told."""

from __future__ import annotations

from typing import Final

import structlog

from gearmesh.bridge import SupportsInvitations
from gearmesh.errors import SendFailed, Unclear, WireError
from gearmesh.host.answers import answer_of
from gearmesh.host.app import App
from gearmesh.host.ends import Ends
from gearmesh.host.gate import Gate
from gearmesh.host.job import Job
from gearmesh.host.turn import Turn
from gearmesh.model.content import Media, Text
from gearmesh.model.delivery import Delivery
from gearmesh.wire.body import open_body

log = structlog.get_logger("gearmesh.egress")

INVITED_WITHIN: Final = 30.0


class Invitations:
    """The invitations of one app: one for each time that a window closes."""

    def __init__(self, app: App, gate: Gate, ends: Ends) -> None:
        self._app = app
        self._gate = gate
        self._ends = ends
        self._configured = isinstance(app.bridge, SupportsInvitations)

    async def ask(self, job: Job, turn: Turn) -> None:
        """The first leg of a thread waits until its recipient writes.

        Raises:
            BusError: that they were invited could not be written down.
        """
        if job.header.kind != "event" or job.header.sender.is_system:
            return
        portals = self._app.portals
        portal = await portals.get(job.thread)
        invited = portal.invited == portal.last_inbound
        if not invited and self._configured:
            # First this: a second invitation would be worse than none.
            await portals.change(job.thread, invited=portal.last_inbound)
            invited = await self._invite(job, turn)
            if not invited:
                await portals.change(job.thread, invited=portal.invited)
        cause = f"waiting {job.recipient} {portal.last_inbound}"
        await self._ends.tell(job, "invited" if invited else "waiting", "", cause)

    async def _invite(self, job: Job, turn: Turn) -> bool:
        app, bridge = self._app, self._app.bridge
        if not isinstance(bridge, SupportsInvitations):
            return False
        try:
            content = open_body(job.header.seal, job.body or b"")
        except WireError:
            return False
        if not isinstance(content, Text | Media):
            return False
        delivery_id = f"{job.envelope}:{app.name}:0"
        delivery = Delivery(delivery_id, job.thread, job.recipient.user, content, content.sender)
        if not await self._gate.passage(job.thread, turn, app.shared.clock.seconds() + INVITED_WITHIN):
            return False
        try:
            sent = await answer_of(bridge.invite(delivery), INVITED_WITHIN, app=app.name, invited=str(job.recipient))
        except SendFailed as error:
            self._gate.failed(job.thread, error)
            log.warning("an invitation was not sent", app=app.name, to=str(job.recipient), error=str(error))
            return isinstance(error, Unclear)
        except BaseException:
            self._gate.left()
            raise
        if sent is None:
            self._gate.left()
            self._configured = False  # nor will it be for the next one
            return False
        self._gate.worked()
        log.info("invited to write", app=app.name, to=str(job.recipient))
        return True
