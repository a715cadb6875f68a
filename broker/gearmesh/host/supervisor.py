"""Keeps one app running: its bridge, its ingress, its egress. What fails here changes nothing for its neighbours.

starting ──▶ connected ◀──▶ reconnecting        stopped (told to)
    └────────────┴──────────────┴──▶ unauthorized (until the daemon is started again)
"""

from __future__ import annotations

import asyncio
import random
from typing import Final

import msgspec
import structlog

from gearmesh.bridge import Status
from gearmesh.bus.connection import Connection
from gearmesh.bus.consumer import PinnedConsumer
from gearmesh.bus.store import Store
from gearmesh.bus.streams import OUT
from gearmesh.core.retry import backoff
from gearmesh.errors import BusError, Unauthorized
from gearmesh.host.answers import told_to_stop
from gearmesh.host.app import App
from gearmesh.host.context import HostContext
from gearmesh.host.egress import Egress
from gearmesh.host.ingress import Ingress
from gearmesh.host.receipts import Receipts
from gearmesh.host.underway import Underway
from gearmesh.wire.subjects import kv_token

log = structlog.get_logger("gearmesh.supervisor")

STEADY_AFTER: Final = 60.0
"""Seconds after which a bridge that fails is taken to have worked: its pauses start small again."""


class AppStatus(msgspec.Struct, frozen=True):
    """How an app is. `since` in milliseconds since the epoch."""

    app: str
    network: str
    status: Status
    detail: str = ""
    since: int = 0


class Supervisor:
    """Runs one app. `prepare`, then `run` until cancelled, then `drain`."""

    def __init__(self, app: App, context: HostContext, connection: Connection, statuses: Store[AppStatus]) -> None:
        self.app = app
        self._statuses = statuses
        self._clock = app.shared.clock
        self._receipts = Receipts(app)
        underway = Underway()
        self.ingress = Ingress(app, self._receipts, underway)
        self.egress = Egress(app, self._receipts, underway)
        self.status = AppStatus(app.name, app.bridge.network, "starting", since=self._clock.millis())
        self._consumer = PinnedConsumer(
            connection,
            stream=app.shared.subjects.stream(OUT),
            name=f"egress-{app.name}",
            subject=app.shared.subjects.outbound_of(app.name),
            handler=self.egress.take,
            on_turn=self._turn,
        )
        context.connect(self.ingress, self._note)

    async def prepare(self) -> None:
        """Create the app's consumer.

        Raises:
            StreamDiffers: it exists with other settings.
            BusUnavailable: nats does not answer.
        """
        await self._consumer.ensure()

    async def run(self) -> None:
        """Work until cancelled. Nothing that the bridge does gets out of here."""
        sending = asyncio.create_task(self._consumer.run(), name=f"egress {self.app.name}")
        running = asyncio.create_task(self._keep_running(), name=f"bridge {self.app.name}")
        refused = asyncio.create_task(self.egress.stopped.wait(), name=f"credentials {self.app.name}")
        try:
            await asyncio.wait([refused])
            sending.cancel()
            running.cancel()
            await asyncio.gather(sending, running, return_exceptions=True)
            await self._note(
                "unauthorized",
                "the network refuses the app's credentials; mend them in the configuration and start again. "
                "Messages for it wait in the log",
            )
            await asyncio.Event().wait()
        finally:
            for task in (sending, running, refused):
                task.cancel()
            await asyncio.gather(sending, running, refused, return_exceptions=True)

    async def drain(self, within: float) -> None:
        """Bring what is on its way to its end; what takes longer than `within` seconds stays in the log."""
        await self.egress.drain(within)
        await self._receipts.close()
        await self._note("stopped")

    async def _turn(self, begins: bool) -> None:
        if begins:
            # The app may have been somebody else's in between.
            self.app.shared.messages.forget()
            self.app.portals.forget()
            self.ingress.doubt()
        await self.egress.turn(begins)

    async def _keep_running(self) -> None:
        attempt = 0
        while True:
            started = self._clock.seconds()
            try:
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
        try:
            await self._statuses.put(kv_token(app.name), self.status, patience=2.0)
        except BusError as error:
            log.warning("the app's status could not be written down", app=app.name, error=str(error))
