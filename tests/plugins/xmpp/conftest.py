"""A server, people on it, and a bridge at work that can be cut off."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest

from gearmesh import Delivery, Retry, Secret, Sender, Sent, Text
from gearmesh.testing import FakeContext
from gearmesh.testing.contract.runner import Runner
from gearmesh_xmpp.bridge import Xmpp
from gearmesh_xmpp.config import XmppConfig

from .person import Person
from .server import BRIDGE, ROOMS, SECRET, Prosody
from .wire import Wire

ROOM = f"talk@{ROOMS}"
THREAD = f"{ROOM}?join"
GRACE = Sender("Grace Hopper", "grace", "WhatsApp", address="whatsapp:4915112345678")
GRACE_JID = f"4915112345678%whatsapp@{BRIDGE}"


class Desk:
    """A bridge at work: `context` has what came in."""

    def __init__(self, wire: Wire, context: FakeContext) -> None:
        self.wire, self.context = wire, context
        link = context.media_link(context.offer(b""))
        self.file_servers = (link.partition("/media/")[0],)
        self.bridge = self.make()
        self._sent = 0

    def make(self, room_jids: Literal["opaque", "addresses"] = "opaque") -> Xmpp:
        """Another bridge for the same app, as another daemon has it."""
        config = XmppConfig(
            component=BRIDGE,
            secret=Secret(SECRET),
            port=self.wire.port,
            file_servers=self.file_servers,
            room_jids=room_jids,
        )
        self.bridge = Xmpp(config, self.context)
        self.runner = Runner(self.bridge, self.context)
        return self.bridge

    def delivery(
        self, text: str, thread: str, *, ghost: str = "", sender: Sender = GRACE, reply_to: str = ""
    ) -> Delivery:
        self._sent += 1
        return Delivery(f"{self._sent:032x}:xmpp:0", thread, thread, Text(text), sender, reply_to, ghost)

    async def says(self, text: str, thread: str = THREAD, *, sender: Sender | None = None, reply_to: str = "") -> str:
        """Send it as the host does: again after `Retry`, and with a ghost where there is a sender."""
        ghost = await self.bridge.ghost(thread, sender) if sender is not None else ""
        delivery = self.delivery(text, thread, ghost=ghost, sender=sender or Sender(), reply_to=reply_to)
        return (await self.again(lambda: self.bridge.send(delivery))).native_ids[0]

    async def again(self, send: Callable[[], Awaitable[Sent]]) -> Sent:
        async with asyncio.timeout(10):
            while True:
                try:
                    return await send()
                except Retry:
                    await asyncio.sleep(0.02)

    async def sits(self, *rooms: str) -> None:
        """Sit in rooms, and wait until that is done."""
        await self.bridge.sit_in(rooms)
        async with asyncio.timeout(10):
            for room in rooms:
                while not self.is_in(room):
                    await asyncio.sleep(0.01)

    def is_in(self, room: str = THREAD) -> bool:
        with contextlib.suppress(Retry):
            return self.bridge.rooms.place(room) is not None
        return False


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Prosody]:
    with Prosody(tmp_path / "prosody") as prosody:
        yield prosody


@pytest.fixture
async def ada(server: Prosody) -> AsyncIterator[Person]:
    async with Person(server, "ada") as ada:
        yield ada


@pytest.fixture
async def ben(server: Prosody) -> AsyncIterator[Person]:
    async with Person(server, "ben") as ben:
        yield ben


@pytest.fixture
async def desk(server: Prosody) -> AsyncIterator[Desk]:
    async with Wire(server.component) as wire, FakeContext("xmpp") as context:
        desk = Desk(wire, context)
        await desk.runner.start(10)
        yield desk
        await desk.runner.stop(5)
