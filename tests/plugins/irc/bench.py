"""A bridge at work on a server, and what it is asked to send."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from gearmesh import Delivery, MessageReceived, Retry, Sender, Sent, Text
from gearmesh.testing import FakeContext
from gearmesh_irc.bridge import Irc
from gearmesh_irc.config import IrcConfig

WITHIN: Final = 15.0
_count: Final = itertools.count(1)
FAST: Final[dict[str, Any]] = {"burst": 1000, "every": 0.001}


class Bench:
    """`bridge` with its `context`; `run` is its task."""

    def __init__(self, context: FakeContext, port: int, **settings: Any) -> None:
        self.context = context
        settings = {"host": "127.0.0.1", "nick": "gearmesh", "tls": False, **FAST, **settings}
        self.bridge = Irc(IrcConfig(port=port, **settings), context)
        self.task: asyncio.Task[None] | None = None

    async def start(self, *rooms: str) -> None:
        """Run it in these rooms, and wait until it is in all of them."""
        await self.bridge.sit_in(rooms)
        before = sum(report.status == "connected" for report in self.context.reports)
        self.task = asyncio.create_task(self.bridge.run())
        await self.connected(before + 1)
        for room in rooms:
            await self.inside(room)

    async def stop(self) -> None:
        """Cancel it."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
            self.task = None

    async def connected(self, times: int = 1) -> None:
        """Wait until it has connected so often."""
        await self.context.until(
            lambda: sum(report.status == "connected" for report in self.context.reports) >= times, within=WITHIN
        )

    async def inside(self, room: str) -> None:
        """Wait until it is in a room."""

        def there() -> bool:
            session = self.bridge._session
            return self.bridge._link is not None and session is not None and session.fold(room) in session.members

        await until(there)

    async def says(self, thread: str, text: str, *, ghost: str = "", name: str = "") -> Sent:
        """Send a text once.

        Raises:
            SendFailed: as the bridge does.
        """
        return await self.bridge.send(delivery(thread, text, ghost=ghost, name=name))

    async def gets_through(self, thread: str, text: str, *, ghost: str = "", name: str = "") -> Sent:
        """Send a text as the host does: again after `Retry`."""
        name = name or f"{next(_count):032x}:irc:0"
        async with asyncio.timeout(WITHIN):
            while True:
                try:
                    return await self.says(thread, text, ghost=ghost, name=name)
                except Retry:
                    await asyncio.sleep(0.02)

    def came_in(self) -> list[str]:
        """The words of all messages that came in."""
        return [
            event.content.text for event in self.context.events_of(MessageReceived) if isinstance(event.content, Text)
        ]

    async def comes_in(self, text: str) -> MessageReceived:
        """The message with these words, when it has come in."""

        def found() -> list[MessageReceived]:
            return [event for event in self.context.events_of(MessageReceived) if event.content == Text(text)]

        await self.context.until(lambda: bool(found()), within=WITHIN, awaited=repr(text))
        return found()[0]


def delivery(thread: str, text: str, *, ghost: str = "", name: str = "") -> Delivery:
    """A text on its way to a thread."""
    return Delivery(
        name or f"{next(_count):032x}:irc:0", thread, thread, Text(text), Sender("Grace", "grace", "App"), ghost=ghost
    )


@asynccontextmanager
async def bench(port: int, *rooms: str, **settings: Any) -> AsyncIterator[Bench]:
    """A bridge at work."""
    async with FakeContext("irc") as context:
        one = Bench(context, port, **settings)
        await one.start(*rooms)
        try:
            yield one
        finally:
            await one.stop()


async def until(holds: Callable[[], bool], within: float = WITHIN) -> None:
    """Wait until something holds of which nothing tells."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within):
            while not holds():
                await asyncio.sleep(0.01)
    assert holds()
