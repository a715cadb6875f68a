"""What it changes that somebody wrote: their network takes messages to them, and their next words go the same way."""

from __future__ import annotations

from collections.abc import Callable

from gearmesh.host.app import App
from gearmesh.host.placing import Placed
from gearmesh.model.conversation import Conversation
from gearmesh.model.events import MessageReceived


class Writers:
    """Those who write on one app. `on_inbound` gets each thread whose messaging window has just been opened."""

    def __init__(self, app: App, on_inbound: Callable[[str], None]) -> None:
        self._app = app
        self._shared = app.shared
        self._on_inbound = on_inbound

    async def enters(self, event: MessageReceived, placed: Placed) -> bool:
        """Whether this message makes a conversation the one in which the person's next plain message goes."""
        return placed.starts or (await self._app.portals.get(event.thread)).focus != placed.conversation.id

    async def enter(self, event: MessageReceived, conversation: Conversation, *, starts: bool) -> None:
        """The person's next plain message goes there, too."""
        if starts:
            await self._shared.conversations.start(conversation)
        await self._app.portals.focus(event.thread, conversation.id, self._not_ahead(event.at))

    async def wrote(self, thread: str, at: int) -> None:
        """The person did something that opens their network's messaging window, at that time (milliseconds)."""
        await self._app.portals.wrote(thread, self._not_ahead(at))
        self._on_inbound(thread)

    def _not_ahead(self, at: int) -> int:
        """A network's time, but not one that is still to come: a window must not stay open for it."""
        return min(at, self._shared.clock.millis())
