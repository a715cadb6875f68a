"""Ada in the north and Ben in the south: two networks in memory, one daemon between them that can start again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from gearmesh import EchoReceived, Event, MessageReceived, ReceiptReceived, Text
from gearmesh.clock import Clock
from gearmesh.config import parse
from gearmesh.daemon import Daemon
from gearmesh.host.app import Shared
from gearmesh.host.ingress import Ingress
from gearmesh.host.records import Portals
from gearmesh.model.content import ReceiptState
from gearmesh.plugins import Registry
from gearmesh.testing import FakeBridge, FakeNetwork, NatsServer, bridge_for
from gearmesh.wire.codec import decode

from .patience import eventually, until
from .streams import everything

SHORTEST_WINDOW: Final = 0.1
"""Seconds: nats-server takes no shorter duplicate window."""


class MovedClock(Clock):
    """The system's time, moved ahead by so many seconds."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def micros(self) -> int:
        """Microseconds since the epoch."""
        return super().micros() + round(self.ahead * 1_000_000)


class Couple:
    """Both networks with their people, and the daemon while it runs."""

    def __init__(self, nats: NatsServer, folder: Path) -> None:
        self.clock = MovedClock()
        self.north, self.south = FakeNetwork("north"), FakeNetwork("south")
        self.north.add("ada", "Ada")
        for user in ("ben", "bob"):
            self.south.add(user, user.capitalize())
        self._nats = nats
        self._folder = folder
        self._daemon: Daemon | None = None

    @asynccontextmanager
    async def running(self, **bridges: type[FakeBridge]) -> AsyncIterator[Daemon]:
        """A daemon, with these bridges instead of the usual ones. Ended, another one goes on with the same data."""
        networks = (self.north, self.south)
        kinds = {network.name: bridge_for(network, bridges.get(network.name, FakeBridge)) for network in networks}
        tables: dict[str, Any] = {
            "broker": {"drain": 1.0},
            "nats": {"url": [self._nats.url]},
            "web": {"port": 0},
            # The tests' clock runs ahead by days, NATS's does not.
            "apps": {name: {"bridge": name, "max_age": 7 * 24 * 3600.0} for name in kinds},
        }
        registry = Registry(bridges=dict(kinds), available=tuple(kinds))
        async with Daemon(parse(tables, lambda wanted: registry), self._folder, clock=self.clock) as daemon:
            self._daemon = daemon
            await until(
                lambda: all(app.door.is_open for app in daemon.apps.values()), awaited="both apps to be at work"
            )
            yield daemon
        self._daemon = None

    @property
    def daemon(self) -> Daemon:
        """The daemon that runs."""
        assert self._daemon is not None, "no daemon runs"
        return self._daemon

    @property
    def shared(self) -> Shared:
        """What the apps of the running daemon share."""
        return self.daemon.apps["north"].app.shared

    def ingress(self, app: str) -> Ingress:
        """The incoming side of an app."""
        return self.daemon.apps[app].ingress

    def portals(self, app: str) -> Portals:
        """What is remembered of an app's threads."""
        return self.daemon.apps[app].app.portals

    def forgets(self) -> None:
        """The daemon forgets what messages are, as if thousands had come meanwhile."""
        for app in self.daemon.apps:
            self.shared.messages.forget(app)

    def now(self) -> int:
        """Milliseconds since the epoch, by the daemon's clock."""
        return self.clock.millis()

    async def comes(self, app: str, *events: Event) -> None:
        """A network hands something over."""
        await self.ingress(app).receive(events)

    def written(self, native_id: str, text: str, *, at: int = 0, user: str = "ada") -> MessageReceived:
        """What somebody wrote, now unless `at` says when."""
        return MessageReceived(native_id, user, user, at or self.now(), Text(text))

    def reported(self, state: ReceiptState, *native_ids: str, at: int = 0, user: str = "ben") -> ReceiptReceived:
        """What became of messages to somebody."""
        return ReceiptReceived(user, user, at or self.now(), state, native_ids)

    def echoed(self, native_id: str, user: str = "ben") -> EchoReceived:
        """What went out to somebody from our own account."""
        return EchoReceived(native_id, user, user, self.now())

    async def sees(self, text: str, user: str = "ben", *, side: str = "south") -> str:
        """Wait until a text stands on somebody's phone, and return the native id of its message."""
        network = self.south if side == "south" else self.north
        await network.until(
            lambda: any(text in shown.text for shown in network.shown(user)),
            within=20,
            awaited=f"{text!r} on {user}'s side",
        )
        return next(shown.id for shown in network.shown(user) if text in shown.text)

    async def remembered(self, native_id: str, app: str = "south") -> None:
        """Wait until what was sent is known by its native id."""
        if self.shared.messages.recent(app, native_id) is None:
            assert await self.shared.messages.learned.wait(app, native_id, 20), f"{native_id} is not known"

    async def stored(self, stream: str) -> list[bytes]:
        """What stands in a stream, oldest first."""
        return [data for _, data in await everything(self.daemon.connection, stream)]

    async def logs_have_forgotten(self) -> None:
        """Wait until the logs take an id of a moment ago for a new one; see `SHORTEST_WINDOW`."""
        publisher, subject = self.shared.publisher, self.shared.subjects.ledger("none", "none")
        await publisher.publish(subject, b"", message_id="probe")

        async def is_taken_again() -> bool:
            return not (await publisher.publish(subject, b"", message_id="probe")).duplicate

        await eventually(is_taken_again, awaited="the duplicate window to be over")

    async def receipts(self) -> int:
        """How many receipts were taken in so far."""
        return [decode(data).header.kind for data in await self.stored("GM_IN")].count("receipt")

    async def ticks(self, *wanted: tuple[str, str]) -> None:
        """Wait until the north has been shown these receipts (native id and state) and, so far, no others."""
        await self.north.until(
            lambda: len(self.north.receipts) >= len(wanted), within=20, awaited=f"the receipts {wanted}"
        )
        assert tuple(self.north.receipts) == wanted
