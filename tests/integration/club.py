"""A club of people on three networks with chats of their own, and two rooms on a fourth: one daemon between them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from gearmesh.config import parse
from gearmesh.daemon import Daemon
from gearmesh.plugins import Registry
from gearmesh.testing import FakeNetwork, NatsServer, bridge_for

from .patience import until

CODE: Final = "chess"
TITLE: Final = "Chess club"
ROOMS: Final = ("#chess", "#openings")


class Club:
    """The networks with their people, and the daemon while it runs."""

    def __init__(self, nats: NatsServer, folder: Path) -> None:
        self.north, self.south, self.west, self.rooms = map(FakeNetwork, ("north", "south", "west", "hall"))
        self.north.add("ada", "Ada")
        self.south.add("ben", "Ben")
        self.west.add("cleo", "Cleo")
        for name in ("dan", "eve"):
            self.rooms.add(name, name.capitalize())
        self.networks = (self.north, self.south, self.west, self.rooms)
        self._nats = nats
        self._folder = folder

    @asynccontextmanager
    async def running(self, rooms: tuple[str, ...] = ROOMS, *, ghosts: bool = True) -> AsyncIterator[Daemon]:
        """A daemon; ended, another one goes on with the same data. `rooms` are those of the configuration."""
        kinds = {network.name: bridge_for(network) for network in self.networks}
        tables: dict[str, Any] = {
            "broker": {"drain": 1.0},
            "nats": {"url": [self._nats.url]},
            "web": {"port": 0},
            "apps": {name: {"bridge": name, "ghosts": ghosts} for name in kinds},
            "people": {"ada": {"addresses": ["north:ada"]}, "ben": {"addresses": ["south:ben"]}},
            "conversations": [{"code": CODE, "title": TITLE, "rooms": [f"hall:{room}" for room in rooms]}],
        }
        registry = Registry(bridges=dict(kinds), available=tuple(kinds))
        async with Daemon(parse(tables, lambda wanted: registry), self._folder) as daemon:
            await until(lambda: all(app.door.is_open for app in daemon.apps.values()), awaited="all apps to be at work")
            await self.rooms.until(lambda: self.rooms.rooms == frozenset(rooms), awaited="the rooms to be entered")
            yield daemon

    async def joins(self, network: FakeNetwork, user: str) -> None:
        """Somebody enters the club."""
        await network.type(user, f"join {CODE}")
        await self.told(network, user, "You are in Chess club now")

    async def told(self, network: FakeNetwork, user: str, words: str) -> None:
        """Wait until a text with these words is shown to somebody, or in a room."""
        await network.until(
            lambda: any(words in text for text in texts(network, user)), awaited=f"{words!r} to be shown to {user}"
        )


def texts(network: FakeNetwork, user: str) -> list[str]:
    """What is shown to somebody, or in a room."""
    return [shown.text for shown in network.shown(user)]
