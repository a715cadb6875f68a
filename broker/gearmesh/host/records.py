"""The buckets that bridge hosts work with, with what was read last kept at hand.

Only the app's active host writes its portals, so that its memory of them is true.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from gearmesh.bus.connection import Connection
from gearmesh.bus.publisher import Publisher
from gearmesh.bus.store import Store
from gearmesh.core.cache import Cache
from gearmesh.errors import BusRefused
from gearmesh.host.groups import Groups
from gearmesh.model.conversation import MAX_HEARD, Conversation, Portal
from gearmesh.wire.subjects import Subjects, kv_token

REMEMBERED: Final = 20_000
WRITTEN_EVERY: Final = 60_000
"""Milliseconds between two notes of when a person last wrote: no more than that is lost with the process."""
QUIET_AFTER: Final = 23 * 3600 * 1000
"""Milliseconds after which a messaging window may have closed: Meta's stay open for 24 hours, WhatsApp and Messenger
documentation of mid-2026. An hour less, for what is not written down and for clocks that differ."""


class Portals:
    """What is remembered of one app's threads."""

    def __init__(self, connection: Connection, publisher: Publisher, subjects: Subjects, app: str) -> None:
        self._store = Store(connection, publisher, subjects.bucket("portals"), Portal)
        self._app = kv_token(app)
        self._recent: Cache[str, Portal] = Cache(REMEMBERED)
        self._stored: Cache[str, int] = Cache(REMEMBERED)
        """The `last_inbound` that is written down, where it is older than the one at hand."""

    async def get(self, thread: str) -> Portal:
        """What is known of a thread; an empty portal for a new one."""
        portal = self._recent.get(thread)
        if portal is None:
            portal = await self._store.get(self._key(thread)) or Portal()
            # While we were reading, somebody else here may have written.
            portal = self._recent.get(thread) or portal
            self._recent.put(thread, portal)
        return portal

    async def focus(self, thread: str, conversation: str, at: int = 0) -> None:
        """The person has written in this conversation, at this time (milliseconds) where it is known."""
        portal = await self.get(thread)
        if portal.focus != conversation:
            last = max(portal.last_inbound, at)
            refused = portal.refused if last == portal.last_inbound else ""
            changed = msgspec.structs.replace(portal, focus=conversation, last_inbound=last, refused=refused)
            await self._write(thread, changed)

    async def wrote(self, thread: str, at: int) -> bool:
        """The person did something at this time (milliseconds) that opens the network's messaging window.

        True: until now it may have been closed. What is at hand knows the time at once; it is written down once a
        minute at most, so that an ordinary message costs no write.
        """
        portal = await self.get(thread)
        last = portal.last_inbound
        if at <= last:
            return False
        was_refused = bool(portal.refused)
        portal = msgspec.structs.replace(portal, last_inbound=at, refused="")
        stored = self._stored.get(thread)
        if at - (last if stored is None else stored) < WRITTEN_EVERY and not was_refused:
            self._recent.put(thread, portal)
            self._stored.put(thread, last if stored is None else stored)
        else:
            await self._write(thread, portal)
        return at - last > QUIET_AFTER

    def has_heard(self, thread: str, conversation: str) -> bool:
        """Whether it is at hand that this conversation has reached a thread."""
        portal = self._recent.get(thread)
        return portal is not None and conversation in portal.heard

    async def hear(self, thread: str, conversation: str) -> None:
        """A message of this conversation has arrived there."""
        portal = await self.get(thread)
        if conversation not in portal.heard:
            heard = (*portal.heard, conversation)[-MAX_HEARD:]
            await self._write(thread, msgspec.structs.replace(portal, heard=heard))

    async def change(self, thread: str, **fields: Any) -> None:
        """Write down something else of a thread."""
        portal = await self.get(thread)
        changed = msgspec.structs.replace(portal, **fields)
        if changed != portal:
            await self._write(thread, changed)

    def forget(self) -> None:
        """Believe only what NATS says: somebody else may have written."""
        self._recent.clear()
        self._stored.clear()

    async def _write(self, thread: str, portal: Portal) -> None:
        self._recent.put(thread, portal)
        self._stored.put(thread, portal.last_inbound)
        try:
            await self._store.put(self._key(thread), portal)
        except BusRefused:
            self._recent.drop(thread)  # what NATS does not have must be written when it comes again
            raise

    def _key(self, thread: str) -> str:
        return f"{self._app}.{kv_token(thread)}"


class Conversations:
    """Conversations by their id."""

    def __init__(self, store: Store[Conversation], groups: Groups) -> None:
        self._store = store
        self._groups = groups
        self._recent: Cache[str, Conversation] = Cache(REMEMBERED)

    async def get(self, conversation_id: str) -> Conversation | None:
        """A conversation. DMs never change and are answered from memory; groups are at hand as they are now."""
        known = self._recent.get(conversation_id) or self._groups.get(conversation_id)
        if known:
            return known
        found = await self._store.get(kv_token(conversation_id))
        if found:
            self._recent.put(conversation_id, found)
        return found

    async def start(self, conversation: Conversation) -> None:
        """Write a conversation down, if it is new here."""
        if not self._recent.get(conversation.id):
            await self._store.put(kv_token(conversation.id), conversation)
            self._recent.put(conversation.id, conversation)
