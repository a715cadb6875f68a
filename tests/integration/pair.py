"""Two networks in one daemon, one person on each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gearmesh.config import parse
from gearmesh.daemon import Daemon
from gearmesh.plugins import Registry
from gearmesh.testing import FakeBridge, FakeNetwork, NatsServer, bridge_for

from .town import SIGN_WITHIN


class World:
    """Two networks: ada writes from the north, ben reads in the south."""

    def __init__(self, north: str = "north", south: str = "south") -> None:
        """`north` and `south` are the names of the apps."""
        self.names = (north, south)
        self.north, self.south = FakeNetwork("north"), FakeNetwork("south")
        self.north.add("ada", "Ada")
        self.south.add("ben", "Ben")

    @asynccontextmanager
    async def running(self, nats: NatsServer, data: Path, **bridges: type[FakeBridge]) -> AsyncIterator[Daemon]:
        """A daemon with these bridges instead of the well-behaved ones."""
        kinds = {
            network.name: bridge_for(network, bridges.get(network.name, FakeBridge))
            for network in (self.north, self.south)
        }
        tables = {
            "broker": {"drain": 1.0},
            "nats": {"url": [nats.url]},
            "web": {"port": 0},
            "apps": {name: {"bridge": name.lower(), "unclear_wait": SIGN_WITHIN} for name in self.names},
        }
        registry = Registry(bridges=dict(kinds), available=tuple(kinds))
        async with Daemon(parse(tables, lambda wanted: registry), data) as daemon:
            yield daemon

    async def arrives(self, *texts: str) -> None:
        """Ben sees these texts."""
        await self.south.until(
            lambda: all(any(text in shown.text for shown in self.south.shown("ben")) for text in texts),
            within=20,
            awaited=f"{texts} on Ben's side, who sees {self.south.shown('ben')}",
        )
