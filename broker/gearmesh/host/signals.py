"""Who is writing just now: passed on while it is true, stored nowhere, and dropped before anything else is.

    event ─▶ the conversation the person is in ─▶ core NATS ─▶ the hosts of the others ─▶ their networks

It goes past the logs and the lanes. What does not arrive is not missed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from typing import Final

import nats.errors
import structlog
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from gearmesh.bridge import SupportsTyping
from gearmesh.bus.connection import Connection
from gearmesh.core.cache import Cache
from gearmesh.core.windows import passage
from gearmesh.errors import BusError, SendFailed, WireError
from gearmesh.host.answers import answer_of
from gearmesh.host.app import App
from gearmesh.model.address import Address
from gearmesh.model.content import Typing
from gearmesh.model.envelope import Envelope, Header
from gearmesh.model.events import TypingReceived
from gearmesh.wire.body import UNSEALED, close_body, open_body
from gearmesh.wire.codec import decode, encode

log = structlog.get_logger("gearmesh.signals")

LIVES: Final = 25_000
"""Milliseconds for which it says something: as long as WhatsApp shows it (Cloud API docs, 2026)."""
EVERY: Final = 3.0
"""Seconds between two of the same in one thread: networks show it for longer, and each is a call."""
SHOWN_WITHIN: Final = 5.0
BUSY: Final = 64
"""Legs at work from which on nobody is shown who is writing."""
MOST_AT_ONCE: Final = 16
PENDING: Final = 256
"""Signals that NATS may hand us before it drops further ones."""


class Signals:
    """The signals of one app, both ways. `open` while this process is at work on it.

    `busy` tells how many legs are at work: from `BUSY` on, signals are dropped.
    """

    def __init__(self, app: App, connection: Connection, busy: Callable[[], int]) -> None:
        self._app = app
        self._shared = app.shared
        self._connection = connection
        self._busy = busy
        self._shown: Cache[tuple[str, bool], float] = Cache(10_000)
        self._last: Cache[tuple[str, str], str] = Cache(10_000)
        self._subscription: Subscription | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def wrote(self, thread: str, conversation: str, native_id: str) -> None:
        """A message of a conversation came from there: some networks show who is writing at the newest one.

        Of that conversation alone: it is marked as read, which is nobody else's to say.
        """
        self._last.put((thread, conversation), native_id)

    async def open(self) -> None:
        """Show from now on what others do."""
        if not isinstance(self._app.bridge, SupportsTyping) or self._subscription is not None:
            return
        subject = self._shared.subjects.signals()
        self._subscription = await self._connection.client.subscribe(
            subject, cb=self._arrived, pending_msgs_limit=PENDING
        )

    async def close(self) -> None:
        """Show nothing more."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None and not self._connection.client.is_closed:
            await subscription.unsubscribe()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def typing(self, event: TypingReceived) -> None:
        """Somebody is writing here: whoever they are talking to may see it."""
        if self._is_too_soon(event.thread, event.on) or not self._connection.is_up:
            return
        with contextlib.suppress(BusError, nats.errors.Error, OSError):
            sender = Address(self._app.name, event.user)
            conversation = self._shared.groups.of_room(Address(self._app.name, event.thread))
            if conversation is None:
                portal = await self._app.portals.get(event.thread)
                conversation = await self._shared.conversations.get(portal.focus) if portal.focus else None
            party = self._app.party(event.thread, sender)
            if conversation is None or str(party) not in conversation.members:
                return
            if await self._shared.directory.disclosure(sender) != "read":
                return  # whoever is writing has read, and WhatsApp shows that, too
            header = Header(
                os.urandom(16),
                "signal",
                sender,
                conversation.others(sender, party),
                conversation.id,
                event.at,
                self._shared.clock.millis() + LIVES,
                seal=UNSEALED,
            )
            body = close_body(Typing(event.on, await self._shared.directory.sender(sender, self._app.bridge.title)))
            subject = self._shared.subjects.signal(self._app.name, conversation.id)
            await self._connection.client.publish(subject, encode(Envelope(header, body)))

    async def _arrived(self, message: Msg) -> None:
        try:
            envelope = decode(message.data)
            header = envelope.header
            here = [to for to in header.to if to.app == self._app.name]
            if not here or header.kind != "signal" or self._is_over(header):
                return
            content = open_body(header.seal, envelope.body)
        except WireError as error:
            log.debug("a signal that cannot be read", subject=message.subject, error=str(error))
            return
        if not isinstance(content, Typing) or self._busy() > BUSY or len(self._tasks) >= MOST_AT_ONCE:
            return
        for recipient in here:
            task = asyncio.create_task(self._show(recipient, header.conversation, content))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _show(self, recipient: Address, conversation: str, content: Typing) -> None:
        bridge = self._app.bridge
        if not isinstance(bridge, SupportsTyping):
            return
        try:
            thread = bridge.thread_of(recipient.user)
            can = bridge.capabilities(thread)
            if not can.shows("typing") or self._is_too_soon(f"to {thread}", content.on):
                return
            portal = await self._app.portals.get(thread)
            if passage(can.window, portal, self._shared.clock.millis()) != "open":
                return
            last = self._last.get((thread, conversation)) or ""
            question = bridge.typing(thread, recipient.user, content.on, last)
            await answer_of(question, SHOWN_WITHIN, app=self._app.name, typing=thread)
        except (SendFailed, BusError) as error:
            log.debug("who is writing was not shown", app=self._app.name, error=str(error))
        except Exception:
            log.exception("who is writing could not be shown", app=self._app.name)

    def _is_over(self, header: Header) -> bool:
        return header.expires is not None and header.expires <= self._shared.clock.millis()

    def _is_too_soon(self, thread: str, on: bool) -> bool:
        now, before = self._shared.clock.seconds(), self._shown.get((thread, on))
        if before is not None and now - before < EVERY:
            return True
        self._shown.drop((thread, not on))
        self._shown.put((thread, on), now)
        return False
