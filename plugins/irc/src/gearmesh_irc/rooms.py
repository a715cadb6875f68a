"""The channels that we are to be in, and what keeps us out of them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Final

import msgspec
from irctokens.line import Line, build

from gearmesh import Rejected, Retry, Secret, SendFailed
from gearmesh_irc.connection import Connection, Pace
from gearmesh_irc.names import canonical
from gearmesh_irc.refusals import failure_of, is_refusal
from gearmesh_irc.session import Session

AGAIN: Final = (5.0, 15.0, 60.0, 300.0)
"""Seconds until a channel that refuses us is tried again."""
ANSWER_WITHIN: Final = 15.0
MOST_BYTES: Final = 400
"""Bytes of channels in one line, which has 512 (RFC 1459 section 2.3)."""
_OF_WORDS: Final = frozenset({"404", "411", "412", "417"})
"""Numerics that refuse what is said, and never that one comes in."""


class _Door(msgspec.Struct):
    """How it stands with one channel that we are to enter or to leave: when to knock next, by the loop's clock."""

    due: float = 0.0
    tries: int = 0
    asked: bool = False
    """A JOIN is out that has no answer yet."""
    refusal: Line | None = None
    thrown_out: str = ""


class Rooms:
    """Joins what is wanted, leaves what is not, on one connection after the other."""

    def __init__(self, keys: Mapping[str, Secret], rejoin: float) -> None:
        self._keys = {canonical(room): key for room, key in keys.items()}
        self._rejoin = rejoin
        self._wanted: set[str] = set()
        self._doors: dict[str, _Door] = {}
        self._changed = asyncio.Event()

    def want(self, rooms: Collection[str]) -> None:
        """Be in these and in no others."""
        self._wanted = {canonical(room) for room in rooms}
        self._changed.set()

    def reconnected(self) -> None:
        """We are in none any more, and each is tried at once."""
        self._doors.clear()
        self._changed.set()

    async def keep_in(self, connection: Connection, session: Session, pace: Pace) -> None:
        """Join and leave, until cancelled.

        Raises:
            Lost: the connection is closed.
        """
        loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            if self._errand(session)[1]:
                await pace.turn()
                command, rooms = self._errand(session)  # it may be another one by now
                if rooms:
                    self._go(connection, command, rooms)
                continue
            waits = [door.due - loop.time() for door in self._doors.values()]
            try:
                async with asyncio.timeout(max(min(waits), 0.01) if waits else None):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _errand(self, session: Session) -> tuple[str, list[str]]:
        """What is to be done next: PART or JOIN, and with which channels; none where nothing is."""
        now = asyncio.get_running_loop().time()
        session.known_as = {session.fold(room): room for room in self._wanted}
        inside = {session.name_of(room) for room in session.members}
        leaving = inside - self._wanted
        entering = self._wanted - inside
        self._doors = {room: self._doors.get(room) or _Door() for room in sorted(leaving | entering)}
        due = [room for room, door in self._doors.items() if door.due <= now]
        if parted := [room for room in due if room in leaving]:
            return "PART", parted[:1]
        if keyed := [room for room in due if room in self._keys]:
            return "JOIN", keyed[:1]
        most, length = session.isupport.join_most, 0
        rooms: list[str] = []
        for room in due[:most]:
            length += len(room.encode()) + 1
            if rooms and length > MOST_BYTES:
                break
            rooms.append(room)
        return "JOIN", rooms

    def _go(self, connection: Connection, command: str, rooms: list[str]) -> None:
        key = self._keys.get(rooms[0]) if command == "JOIN" else None
        connection.write(build(command, [",".join(rooms), *([key.reveal()] if key else [])]))
        for room in rooms:
            door = self._doors[room]
            door.due, door.asked = asyncio.get_running_loop().time() + ANSWER_WITHIN, command == "JOIN"

    def take(self, line: Line, session: Session) -> bool:
        """Take in what a line says of our being in channels; whether it was a refusal of a JOIN that is out."""
        if line.command == "JOIN" and line.source and session.is_me(line.hostmask.nickname):
            self._doors.pop(session.name_of(line.params[0]), None)
            self._changed.set()
        elif line.command == "KICK" and len(line.params) > 1 and session.is_me(line.params[1]):
            words = line.params[2] if len(line.params) > 2 else ""
            self._knock(session.name_of(line.params[0]), self._rejoin, thrown_out=words or "no reason was given")
        elif line.command == "PART" and line.source and session.is_me(line.hostmask.nickname):
            self._changed.set()
        elif is_refusal(line) and line.command not in _OF_WORDS and len(line.params) > 1:
            room = session.name_of(line.params[1])
            door = self._doors.get(room)
            if door is None or not door.asked:
                return False
            tries = door.tries
            self._knock(room, AGAIN[min(tries, len(AGAIN) - 1)], tries=tries + 1, refusal=line)
            return True
        return False

    def _knock(
        self, room: str, after: float, *, tries: int = 0, refusal: Line | None = None, thrown_out: str = ""
    ) -> None:
        due = asyncio.get_running_loop().time() + after
        self._doors[room] = _Door(due, tries, refusal=refusal, thrown_out=thrown_out)
        self._changed.set()

    @property
    def wanted(self) -> frozenset[str]:
        """The channels that we are to be in."""
        return frozenset(self._wanted)

    @property
    def troubles(self) -> dict[str, str]:
        """The channels that refuse us, each with what it says."""
        return {
            room: f"cannot enter {room}: {failure_of(door.refusal)}"
            for room, door in self._doors.items()
            if door.refusal is not None and room in self._wanted
        }

    def is_wanted(self, room: str) -> bool:
        """Whether we are to be in this channel."""
        return room in self._wanted

    def absence(self, room: str) -> SendFailed:
        """Why we cannot write to a channel that we are not in, or are to leave."""
        if room not in self._wanted:
            return Rejected("the channel is linked to no conversation, and we are not in it")
        door = self._doors.get(room)
        if door is not None and door.refusal is not None:
            return failure_of(door.refusal)
        if door is not None and door.thrown_out:
            return Retry(f"we were thrown out of the channel, and come back: {door.thrown_out}")
        return Retry("we are not in the channel yet")
