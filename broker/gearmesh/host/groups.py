"""Groups: conversations of many members over many apps, and the rooms that are linked to them.

All of them are at hand in each process, as the bucket `gm-groups` has them: a change by another process is read a
moment later, and everything is read again from time to time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Final

import msgspec
import structlog
from nats.aio.msg import Msg

from gearmesh.bus.connection import Connection, heed_cancellation
from gearmesh.bus.store import Store
from gearmesh.errors import BusError, BusUnavailable, InvalidAddress, Malformed
from gearmesh.model.address import Address
from gearmesh.model.conversation import Conversation, group_id
from gearmesh.wire.subjects import Subjects

log = structlog.get_logger("gearmesh.groups")

MOST: Final = 100_000
"""Groups that are at hand."""
ATTEMPTS: Final = 20
"""Times that a change is made again because somebody else was faster."""
READ_AFTER: Final = (0.02, 1.0)
"""Seconds after which the groups are read when one of them is said to change: once it is most probably stored, and once
it is in any case."""
READ_EVERY: Final = 30.0
"""Seconds after which they are read though nothing was said."""


class Seed(msgspec.Struct, frozen=True):
    """What a configuration says of a group."""

    title: str
    rooms: tuple[Address, ...]


class _Known(msgspec.Struct, frozen=True):
    """A group as it stood at a revision of its key."""

    group: Conversation
    revision: int


class Groups:
    """The groups of one Gearmesh. `open` before anything else, `close` at the end."""

    def __init__(self, connection: Connection, store: Store[Conversation], subjects: Subjects) -> None:
        self._connection = connection
        self._store = store
        self._subject = f"$KV.{subjects.bucket('groups')}.*"
        self._known: dict[str, _Known] = {}
        self._rooms: dict[str, str] = {}
        self._listeners: list[Callable[[], None]] = []
        self._stale = asyncio.Event()

    async def open(self) -> None:
        """Read all groups, and follow what becomes of them.

        Raises:
            BusUnavailable: nats does not answer.
        """
        self._subscription = await self._connection.client.subscribe(self._subject, cb=self._heard)
        self._connection.watch(back=self._back)
        await self._read()
        self._following = asyncio.create_task(self._follow(), name="groups")

    async def close(self) -> None:
        """Follow them no more."""
        self._connection.unwatch(back=self._back)
        self._following.cancel()
        await asyncio.gather(self._following, return_exceptions=True)
        if not self._connection.client.is_closed:
            await self._subscription.unsubscribe()

    def watch(self, changed: Callable[[], None]) -> None:
        """Be told when a group has changed."""
        self._listeners.append(changed)

    def get(self, conversation: str) -> Conversation | None:
        """The group with this id; None where none has it."""
        known = self._known.get(conversation)
        return known.group if known else None

    async def reaches(self, conversation: str, member: Address) -> bool:
        """Whether what is said in a group goes to this member; True of what is no group. Asked of NATS before it is
        denied: that somebody has just joined may not have been heard here.

        Raises:
            BusUnavailable: nats does not answer.
        """
        group = self.get(conversation)
        if group is None or group.reaches(member):
            return True
        found = await self._store.get_with_revision(conversation)
        if found is None:
            return True
        self._keep(conversation, *found)
        return found[0].reaches(member)

    def of_code(self, code: str) -> Conversation | None:
        """The group that people join with this code."""
        return self.get(group_id(code))

    def of_room(self, room: Address) -> Conversation | None:
        """The group to which a room is linked."""
        return self.get(self._rooms.get(str(room), ""))

    def rooms_of(self, app: str) -> frozenset[str]:
        """The rooms of an app that are linked to any group."""
        rooms = (Address.parse(room) for known in self._known.values() for room in known.group.rooms)
        return frozenset(room.user for room in rooms if room.app == app)

    async def seed(self, wanted: Mapping[str, Seed], apps: Container[str]) -> None:
        """Write down the groups of the configuration, by their codes, each with its rooms, and without those that it
        had there before; also those that are no longer in it lose the rooms that they had from there.

        Only `apps` are known to have no other rooms now: those of an app whose plugin is broken stay linked.

        Raises:
            BusUnavailable: nats does not answer.
        """
        ids = {group_id(code): code for code in wanted}
        for key, known in tuple(self._known.items()):
            rooms = wanted[ids[key]].rooms if key in ids else ()
            if any(_goes(room, rooms, apps) for room in known.group.configured):
                await self.change(key, partial(_without, rooms, apps))
        for code, seed in wanted.items():
            await self._plant(code, seed)

    async def _plant(self, code: str, seed: Seed) -> None:
        key = group_id(code)
        rooms: list[Address] = []
        for room in seed.rooms:
            other = self.of_room(room)
            if other is None or other.id == key:
                rooms.append(room)
            else:
                log.error("this room is linked to another group already", room=str(room), code=code, other=other.code)

        def planted(group: Conversation) -> Conversation:
            for room in rooms:
                group = group.joined_by(room, room=True)
            configured = tuple(dict.fromkeys((*group.configured, *map(str, rooms))))
            return msgspec.structs.replace(group, title=seed.title, code=code, configured=configured)

        try:
            await self.change(key, planted, new=Conversation(key, "group", (), seed.title, code))
        except Malformed as error:
            log.error("a group cannot be read; it stays as it is", code=code, error=str(error))

    async def change(
        self, conversation: str, changed: Callable[[Conversation], Conversation], *, new: Conversation | None = None
    ) -> Conversation:
        """Change a group as it stands, whoever else is at it. What it is now.

        `new` is what a group is that does not exist yet.

        Raises:
            KeyError: there is no such group.
            BusUnavailable: it is not written down.
            Malformed: what stands there is no group.
        """
        for _ in range(ATTEMPTS):
            found = await self._store.get_with_revision(conversation)
            before = found[0] if found else new
            if before is None:
                raise KeyError(conversation)
            after = changed(before)
            if found and after == before:
                self._keep(conversation, after, found[1])
                return after
            if revision := await self._store.update(conversation, after, revision=found[1] if found else 0):
                self._keep(conversation, after, revision)
                return after
        raise BusUnavailable(f"the group {conversation} changes all the time")

    async def _heard(self, message: Msg) -> None:
        # It comes when it is published, which is before it is stored: what stands there may still be what was.
        self._stale.set()

    async def _back(self) -> None:
        self._stale.set()

    async def _follow(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(READ_EVERY):
                    await self._stale.wait()
            self._stale.clear()
            for pause in READ_AFTER:
                await asyncio.sleep(pause)
                try:
                    await self._read()
                except (BusError, Malformed) as error:
                    log.warning("the groups could not be read; again in a moment", error=str(error))
                    self._stale.set()
                heed_cancellation()

    async def _read(self) -> None:
        before = set(self._known)
        entries = await self._store.scan("*", limit=MOST)
        for entry in entries:
            self._keep(entry.key, entry.record, entry.revision)
        for gone in before - {entry.key for entry in entries}:
            if await self._store.get_with_revision(gone) is None:
                self._drop(gone)

    def _keep(self, key: str, group: Conversation, revision: int) -> None:
        known = self._known.get(key)
        if known is not None and known.revision >= revision:
            return  # read before it was written, heard after it
        try:
            _check(key, group)
        except InvalidAddress as error:
            log.error("a group cannot be used", key=key, error=str(error))
            self._drop(key)
            return
        self._known[key] = _Known(group, revision)
        self._changed()

    def _drop(self, key: str) -> None:
        if self._known.pop(key, None):
            self._changed()

    def _changed(self) -> None:
        # Where a room is linked to two, all processes must say the same of it.
        self._rooms = {
            room: key for key, known in sorted(self._known.items(), reverse=True) for room in known.group.rooms
        }
        for listener in tuple(self._listeners):
            listener()


def _goes(room: str, wanted: Iterable[Address], apps: Container[str]) -> bool:
    address = Address.parse(room)
    return address.app in apps and address not in wanted


def _without(wanted: Iterable[Address], apps: Container[str], group: Conversation) -> Conversation:
    for room in group.configured:
        if _goes(room, wanted, apps):
            group = group.left_by(Address.parse(room))
    return group


def _check(key: str, group: Conversation) -> None:
    """Anybody with access to NATS can write there.

    Raises:
        InvalidAddress: this is no group.
    """
    if group.kind != "group" or group.id != key:
        raise InvalidAddress(group.id, "a group under its own id")
    for member in (*group.members, *group.rooms, *group.configured):
        Address.parse(member)
