"""Keeps one app running: its bridge, its ingress, its egress. What fails here changes nothing for its neighbours.

starting ──▶ standby ◀──▶ connected ◀──▶ reconnecting        stopped (told to)
                 └────────────┴──────────────┴──▶ unauthorized (until the daemon is started again)

Of several daemons with the same app one is at work on it: the one that has the app's lease. The others stand by.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import Final

import msgspec
import structlog

from gearmesh.bridge import Status, SupportsRooms
from gearmesh.bus.connection import Connection, heed_cancellation
from gearmesh.bus.consumer import PinnedConsumer
from gearmesh.bus.lease import Holder, Lease
from gearmesh.bus.store import Store
from gearmesh.bus.streams import OUT
from gearmesh.core.retry import backoff
from gearmesh.errors import BusError, BusUnavailable, Unauthorized
from gearmesh.host.answers import told_to_stop
from gearmesh.host.app import App
from gearmesh.host.context import HostContext
from gearmesh.host.door import Door
from gearmesh.host.engine import egress_of
from gearmesh.host.evidence import Evidence
from gearmesh.host.ingress import Ingress
from gearmesh.host.quotes import Quotes
from gearmesh.host.receipts import Receipts
from gearmesh.host.signals import Signals
from gearmesh.host.turn import Turn
from gearmesh.host.underway import Underway
from gearmesh.model.events import ReceiptReceived
from gearmesh.wire.subjects import kv_token

log = structlog.get_logger("gearmesh.supervisor")

STEADY_AFTER: Final = 60.0
"""Seconds after which a bridge that fails is taken to have worked: its pauses start small again."""
MOST_UNACKNOWLEDGED: Final = 10_000
"""Legs that are taken from the log and not done with. One thread alone must not come near: it would hold up others."""
UNCERTAIN_PAUSE: Final = 0.1
ACK_WAIT: Final = 300.0
"""Seconds; what a predecessor had in hand comes again by the takeover, not by this."""


class AppStatus(msgspec.Struct, frozen=True):
    """How an app is. `since` in milliseconds since the epoch."""

    app: str
    network: str
    status: Status
    detail: str = ""
    since: int = 0


class Supervisor:
    """Runs one app. `prepare`, then `run` until cancelled, then `drain`."""

    def __init__(
        self, app: App, context: HostContext, connection: Connection, statuses: Store[AppStatus], lease: Lease
    ) -> None:
        self.app = app
        self._connection = connection
        self._statuses = statuses
        self._lease = lease
        self._clock = app.shared.clock
        self._draining = asyncio.Event()
        self._receipts = Receipts(app)
        underway = Underway()
        shared = app.shared
        self._evidence = evidence = Evidence(
            connection, shared.publisher, shared.subjects, app.name, shared.messages, underway, shared.clock
        )
        quotes = Quotes(app)
        self.ingress = Ingress(app, self._receipts, underway, quotes)
        self.egress, self._refusals = egress_of(app, connection, evidence, self._receipts, underway, quotes)
        self._signals = Signals(app, connection, lambda: self.egress.waiting)
        self.door = Door(app, self.ingress, connection)
        self.status = AppStatus(app.name, app.bridge.network, "starting", since=self._clock.millis())
        self._consumer = PinnedConsumer(
            connection,
            stream=app.shared.subjects.stream(OUT),
            name=f"egress-{app.name}",
            subject=app.shared.subjects.outbound_of(app.name),
            handler=self.egress.take,
            on_turn=self._turn,
            max_ack_pending=MOST_UNACKNOWLEDGED,
            ack_wait=ACK_WAIT,
            alone=True,
        )
        self.egress.give_back = self._consumer.end_turn
        self.ingress.on_echo = evidence.show
        self.ingress.on_refusal = self._refused
        self.ingress.on_inbound = self.egress.person_wrote
        self.ingress.on_message = self._signals.wrote
        self.ingress.on_typing = self._signals.typing
        self.ingress.guard = self._check_lease
        context.connect(self.ingress, self._note)
        self._rooms: frozenset[str] = frozenset()
        self._sitting = asyncio.Lock()
        self._linked = asyncio.Event()
        shared.groups.watch(self._linked.set)

    async def prepare(self) -> None:
        """Create the app's consumer.

        Raises:
            StreamDiffers: it exists with other settings.
            BusUnavailable: nats does not answer.
        """
        await self._consumer.ensure()

    async def run(self) -> None:
        """Stand by, and work while the app is ours, until cancelled. Nothing that the bridge does gets out of here."""
        while not self.egress.stopped.is_set() and not self._draining.is_set():
            acquiring = asyncio.create_task(self._lease.acquire(), name=f"lease {self.app.name}")
            try:
                done, _ = await asyncio.wait([acquiring], timeout=0.2)
                if not done:
                    await self._note("standby", "another process is at work on this app")
                before = await acquiring
            finally:
                acquiring.cancel()
                await asyncio.gather(acquiring, return_exceptions=True)
            if self._draining.is_set():
                await self._lease.release(clean=before.clean)
            else:
                await self._work(before)
        if not self._draining.is_set():
            await self._note(
                "unauthorized",
                "the network refuses the app's credentials; mend them in the configuration and start again. "
                "Messages for it wait in the log",
            )
        while not self._draining.is_set():
            # Nothing goes out, but what people write is still taken in, by whoever has the lease.
            await self._lease.lost()
            if self._draining.is_set():
                break  # it was released
            await self.door.close()
            await self._lease.acquire()
            await self.door.open()
            heed_cancellation()
        heed_cancellation()
        await asyncio.Event().wait()

    async def drain(self, within: float) -> None:
        """Bring what is on its way to its end; what takes longer than `within` seconds stays in the log."""
        self._draining.set()
        clean = await self.egress.drain(within)
        await self.ingress.close()
        await self._receipts.close()
        await self.door.close()
        await self._lease.release(clean=clean)
        await self._note("stopped")

    async def _work(self, before: Holder) -> None:
        clean = before.clean and not before.owner
        log.info("at work", app=self.app.name, term=self._lease.term, clean=clean)
        # Somebody else may have been at work: what is remembered may be old.
        shared = self.app.shared
        shared.messages.forget(self.app.name)
        shared.ledger.forget(self.app.name)
        self.app.portals.forget()
        self.ingress.doubt(disturbed=not clean)
        # Also after a clean end: what its predecessor had left unclear may be so still.
        self._evidence.begins.forget(self._lease.term)
        await self._note("starting")
        tasks = [
            asyncio.create_task(self._consumer.run(), name=f"egress {self.app.name}"),
            asyncio.create_task(self._keep_running(), name=f"bridge {self.app.name}"),
            asyncio.create_task(self._follow_rooms(), name=f"rooms {self.app.name}"),
        ]
        ends = [
            asyncio.create_task(self._lease.lost(), name=f"lease {self.app.name}"),
            asyncio.create_task(self.egress.stopped.wait(), name=f"credentials {self.app.name}"),
        ]
        try:
            await self.door.open()
            await self._signals.open()
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await self._signals.close()
            self.egress.end()
            for task in (*tasks, *ends):
                task.cancel()
            await asyncio.gather(*tasks, *ends, return_exceptions=True)
            if not self._lease.valid:
                await self.door.close()

    async def _turn(self, begins: bool) -> None:
        if not begins:
            self.egress.end()
            return
        if not await self.egress.finish():
            self._evidence.begins.leave_all()
        while self._draining.is_set() or not self._lease.valid:
            await asyncio.sleep(UNCERTAIN_PAUSE)  # it comes back with the next beat, or it is over and so is this task
        await self.egress.begin(Turn(lambda: self._lease.valid))

    def _check_lease(self) -> None:
        if not self._lease.valid:
            raise BusUnavailable(f"another process may be at work on {self.app.name}")

    async def _refused(self, event: ReceiptReceived) -> None:
        for refusal in self._refusals.of(event):
            await self.egress.refused(refusal)

    async def _follow_rooms(self) -> None:
        """Whenever other rooms are linked, let the bridge be there."""
        while True:
            await self._linked.wait()
            self._linked.clear()
            try:
                await self._sit_in()
            except Exception:
                log.exception("the bridge failed at its rooms; again in a moment", app=self.app.name)
                await asyncio.sleep(UNCERTAIN_PAUSE)
                self._linked.set()

    async def _sit_in(self, *, anew: bool = False) -> None:
        """Tell the bridge in which rooms it is to be, where these are others than before."""
        bridge: object = self.app.bridge
        async with self._sitting:
            rooms = self.app.shared.groups.rooms_of(self.app.name)
            if rooms == self._rooms and not anew:
                return
            if isinstance(bridge, SupportsRooms):
                await bridge.sit_in(rooms)
            elif rooms:
                log.error("this network has no rooms; they stay unlinked", app=self.app.name, rooms=sorted(rooms))
            self._rooms = rooms

    async def _keep_running(self) -> None:
        attempt = 0
        while True:
            started = self._clock.seconds()
            try:
                await self._sit_in(anew=True)
                await self.app.bridge.run()
                return
            except Unauthorized as error:
                log.error("the network refuses the app's credentials", app=self.app.name, error=str(error))
                self.egress.stopped.set()
                return
            except (Exception, asyncio.CancelledError) as error:
                if isinstance(error, asyncio.CancelledError) and told_to_stop():
                    raise
                # Whatever else a bridge raises is its own affair: say it, and try again.
                if self._clock.seconds() - started > STEADY_AFTER:
                    attempt = 0
                attempt += 1
                pause = backoff(attempt, random.random())
                detail = f"{type(error).__name__}: {error}"
                log.warning("the bridge stopped and is started again", app=self.app.name, error=detail, pause=pause)
                await self._note("reconnecting", detail)
                await self._clock.sleep(pause)

    async def _note(self, status: Status, detail: str = "") -> None:
        if (status, detail) == (self.status.status, self.status.detail):
            return
        app = self.app
        self.status = AppStatus(app.name, app.bridge.network, status, detail, self._clock.millis())
        app.shared.metrics.connected.labels(app.name).set(status == "connected")
        log.info("app status", app=app.name, status=status, detail=detail)
        if status == "standby":
            return  # the record is about the process that is at work
        with contextlib.suppress(BusError):
            await self._statuses.put(kv_token(app.name), self.status, patience=2.0)
            return
        log.warning("the app's status could not be written down", app=app.name)
