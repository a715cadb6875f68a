"""Groups: conversations of many members over many apps, and the rooms that are linked to them.

All of them are at hand in each process, as the bucket `gm-groups` has them: a change by whatever process is heard a
moment later, and everything is read again after the connection was lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Iterable
from typing import Final

import msgspec
import structlog
from nats.aio.msg import Msg

from gearmesh.bus.connection import Connection
from gearmesh.bus.store import Store
from gearmesh.errors import BusError, BusUnavailable
from gearmesh.model.address import Address
from gearmesh.model.conversation import Conversation, group_id
from gearmesh.wire.subjects import Subjects

log = structlog.get_logger("gearmesh.groups")

MOST: Final = 100_000
"""Groups that are at hand."""
ATTEMPTS: Final = 20
"""Times that a change is made again because somebody else was faster."""
READ_AGAIN_AFTER: Final = 1.0
"""Seconds between two attempts to read the groups."""


class Groups:
    """The groups of one Gearmesh. `open` before anything else, `close` at the end."""

    def __init__(self, connection: Connection, store: Store[Conversation], subjects: Subjects) -> None:
        self._connection = connection
        self._store = store
        self._subject = f"$KV.{subjects.bucket('groups')}.*"
        self._known: dict[str, Conversation] = {}
        self._rooms: dict[str, str] = {}
        self._listeners: list[Callable[[], None]] = []
        self._decoder = msgspec.msgpack.Decoder(Conversation)
        self._reading: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Read all groups, and follow what becomes of them.

        Raises:
            BusUnavailable: nats does not answer.
        """
        self._subscription = await self._connection.client.subscribe(self._subject, cb=self._heard)
        self._connection.watch(back=self._back)
        await self._read()

    async def close(self) -> None:
        """Follow them no more."""
        self._connection.unwatch(back=self._back)
        if self._reading:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if not self._connection.client.is_closed:
            await self._subscription.unsubscribe()

    def watch(self, changed: Callable[[], None]) -> None:
        """Be told when a group has changed."""
        self._listeners.append(changed)

    def get(self, conversation: str) -> Conversation | None:
        """The group with this id; None where none has it."""
        return self._known.get(conversation)

    def of_code(self, code: str) -> Conversation | None:
        """The group that people join with this code."""
        return self._known.get(group_id(code))

    def of_room(self, room: Address) -> Conversation | None:
        """The group to which a room is linked."""
        return self._known.get(self._rooms.get(str(room), ""))

    def rooms_of(self, app: str) -> frozenset[str]:
        """The rooms of an app that are linked to any group."""
        rooms = (Address.parse(room) for group in self._known.values() for room in group.rooms)
        return frozenset(room.user for room in rooms if room.app == app)

    async def seed(self, code: str, title: str, rooms: Iterable[Address], apps: Container[str]) -> None:
        """Write down a group of the configuration: with these rooms, and without those that it had there before.

        Only `apps` are known to have no others now: rooms of an app whose plugin is broken stay linked.

        Raises:
            BusUnavailable: nats does not answer.
        """
        wanted = tuple(rooms)

        def seeded(group: Conversation) -> Conversation:
            stay: list[str] = []
            for room in map(Address.parse, group.configured):
                if room.app not in apps:
                    stay.append(str(room))
                elif room not in wanted:
                    group = group.left_by(room)
            for room in wanted:
                group = group.joined_by(room, room=True)
            configured = tuple(dict.fromkeys((*stay, *map(str, wanted))))
            return msgspec.structs.replace(group, title=title, code=code, configured=configured)

        await self.change(group_id(code), seeded, new=Conversation(group_id(code), "group", (), title, code))

    async def change(
        self, conversation: str, changed: Callable[[Conversation], Conversation], *, new: Conversation | None = None
    ) -> tuple[Conversation, Conversation]:
        """Change a group as it stands, whoever else is at it. What it was, and what it is now.

        `new` is what a group is that does not exist yet.

        Raises:
            KeyError: there is no such group.
            BusUnavailable: it is not written down.
        """
        for _ in range(ATTEMPTS):
            found = await self._store.get_with_revision(conversation)
            before = found[0] if found else new
            if before is None:
                raise KeyError(conversation)
            after = changed(before)
            if found and after == before:
                self._keep(after)
                return before, after
            if await self._store.update(conversation, after, revision=found[1] if found else 0):
                self._keep(after)
                return before, after
        raise BusUnavailable(f"the group {conversation} changes all the time")

    async def _heard(self, message: Msg) -> None:
        if not message.data or (message.headers and message.headers.get("KV-Operation")):
            self._drop(message.subject.rpartition(".")[2])
            return
        try:
            group = self._decoder.decode(message.data)
        except msgspec.MsgspecError as error:
            log.error("a group cannot be read", key=message.subject, error=str(error))
            return
        # What goes over this connection may be older than what was written meanwhile: what stands there counts.
        try:
            found = await self._store.get(group.id, certain=True)
        except BusError:
            return  # the connection is lost, and all is read again when it is back
        if found:
            self._keep(found)

    async def _back(self) -> None:
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_until_done(), name="groups")

    async def _read_until_done(self) -> None:
        while True:
            try:
                await self._read()
                return
            except BusError as error:
                log.warning("the groups could not be read; again in a moment", error=str(error))
                await asyncio.sleep(READ_AGAIN_AFTER)

    async def _read(self) -> None:
        entries = await self._store.scan("*", limit=MOST)
        stand = {entry.key for entry in entries}
        for entry in entries:
            self._keep(entry.record)
        for gone in set(self._known) - stand:
            self._drop(gone)

    def _keep(self, group: Conversation) -> None:
        if self._known.get(group.id) == group:
            return
        self._known[group.id] = group
        self._changed()

    def _drop(self, conversation: str) -> None:
        if self._known.pop(conversation, None):
            self._changed()

    def _changed(self) -> None:
        self._rooms = {room: group.id for group in self._known.values() for room in group.rooms}
        self._tell()

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()
