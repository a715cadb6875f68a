"""Puts the sending side of one app together."""

from __future__ import annotations

from gearmesh.bus.connection import Connection
from gearmesh.bus.later import LaterLog
from gearmesh.host.app import App
from gearmesh.host.egress import Egress
from gearmesh.host.ends import Ends
from gearmesh.host.evidence import Evidence
from gearmesh.host.gate import Gate
from gearmesh.host.invitations import Invitations
from gearmesh.host.queues import Queues
from gearmesh.host.quotes import Quotes
from gearmesh.host.receipts import Receipts
from gearmesh.host.refusals import Refusals
from gearmesh.host.sending import LegSender
from gearmesh.host.underway import Underway


def egress_of(
    app: App, connection: Connection, evidence: Evidence, receipts: Receipts, underway: Underway, quotes: Quotes
) -> tuple[Egress, Refusals]:
    """The egress of an app, and the way in which its network's later refusals come back to it."""
    shared = app.shared
    ends = Ends(app)
    gate = Gate(shared.clock, rate=app.rate, recipient_every=app.recipient_every)
    queues = Queues(app.name, LaterLog(connection, shared.publisher, shared.subjects, app.name), shared.clock)
    refusals = Refusals(app, ends)
    sender = LegSender(app, gate, ends, evidence, receipts, underway, quotes)
    return Egress(app, queues, sender, ends, Invitations(app, gate, ends), refusals), refusals
