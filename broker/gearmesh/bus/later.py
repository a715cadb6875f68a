"""Legs that wait: for each thread of an app a queue of its own, in a stream, so that waiting costs no memory.

A queue is a subject. What stands in it leaves only when it is done with, one after the other, and what follows in the
same thread is put behind it. A leg that belongs before those that stand there already (a network refused it after its
first yes) goes into a second subject of the thread, `early`, and the one that is older in the outbound log comes first.

Not NATS's own message schedules: they would bring each leg back by itself, past those that wait before it in the same
thread, and a stream that has them cannot refuse what it has no room for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
import nats.errors
import nats.js.errors
from nats.js import api

from gearmesh.bus.connection import Connection
from gearmesh.bus.publisher import Publisher
from gearmesh.bus.streams import LATER, OUT
from gearmesh.errors import BusUnavailable, Malformed
from gearmesh.wire.subjects import Subjects, whole_untoken

PLACE: Final = "Gm-Place"
"""Header: where the leg stands in the outbound log. The order of a thread's legs is that of their places."""
STORED: Final = "Gm-Stored"
"""Header: when it was stored there, in microseconds since the epoch."""


class Waiting(msgspec.Struct, frozen=True):
    """A leg in its queue. `seq` is its place there, `place` and `stored_at` those in the outbound log."""

    seq: int
    data: bytes
    headers: dict[str, str]
    place: int
    stored_at: int


class Queue(msgspec.Struct, frozen=True):
    """How many legs of a thread wait, and how many of them in `early`."""

    thread: str
    count: int
    early: int


class LaterLog:
    """The queues of one app."""

    def __init__(self, connection: Connection, publisher: Publisher, subjects: Subjects, app: str) -> None:
        self._connection = connection
        self._publisher = publisher
        self._subjects = subjects
        self._app = app
        self._stream = subjects.stream(LATER)

    async def put(
        self,
        thread: str,
        data: bytes,
        headers: Mapping[str, str],
        *,
        place: int,
        stored_at: int,
        message_id: str,
        early: bool = False,
    ) -> None:
        """Put a leg into its thread's queue. The same `message_id` again within two minutes changes nothing.

        Raises:
            BusError: the stream did not take it.
        """
        fields = {name: value for name, value in headers.items() if name.startswith("Gm-")}
        fields |= {PLACE: str(place), STORED: str(stored_at)}
        subject = self._subjects.later(self._app, thread, early=early)
        await self._publisher.publish(subject, data, message_id=message_id, headers=fields)

    async def first(self, thread: str, *, early: bool) -> Waiting | None:
        """The leg of a thread whose turn it is, or None. `early`: some may stand there, too.

        Raises:
            BusUnavailable: nats does not answer; so do all methods here.
        """
        following = await self._next(self._subjects.later(self._app, thread), 1)
        if not early:
            return following
        found = [] if following is None else [following]
        subject, seq = self._subjects.later(self._app, thread, early=True), 1
        while (waiting := await self._next(subject, seq)) is not None:
            found.append(waiting)
            seq = waiting.seq + 1
        return min(found, key=lambda waiting: waiting.place, default=None)

    async def last_place(self, thread: str) -> int:
        """The place of the leg that stands last in a thread's queue, or 0."""
        try:
            message = await self._connection.js.get_msg(self._stream, subject=self._subjects.later(self._app, thread))
        except nats.js.errors.NotFoundError:
            return 0
        except _TROUBLE as error:
            raise BusUnavailable(f"reading {self._stream}: {type(error).__name__}") from None
        return _waiting(message).place

    async def remove(self, waiting: Waiting) -> None:
        """A leg is done with."""
        try:
            await self._connection.js.delete_msg(self._stream, waiting.seq)
        except nats.js.errors.NotFoundError:
            pass
        except _TROUBLE as error:
            if "no message found" not in str(error):
                raise BusUnavailable(f"removing from {self._stream}: {type(error).__name__}: {error}") from None

    async def original(self, place: int) -> Waiting | None:
        """The leg at a place of the outbound log, or None when it is not kept any more."""
        try:
            message = await self._connection.js.get_msg(self._subjects.stream(OUT), seq=place)
        except nats.js.errors.NotFoundError:
            return None
        except _TROUBLE as error:
            raise BusUnavailable(f"reading {self._subjects.stream(OUT)}: {type(error).__name__}") from None
        stored_at = int(message.time.timestamp() * 1_000_000) if message.time else 0
        return Waiting(0, message.data or b"", dict(message.headers or {}), place, stored_at)

    async def queues(self) -> list[Queue]:
        """The threads in which legs wait."""
        counts: dict[str, list[int]] = {}
        start = len(self._subjects.later_of(self._app)) - 3
        for subject, count in (await self._subject_counts()).items():
            piece, _, kind = subject[start:].partition(".")
            try:
                queue = counts.setdefault(whole_untoken(piece), [0, 0])
            except Malformed:
                continue
            queue[0] += count
            queue[1] += count if kind == "early" else 0
        return [Queue(thread, count, early) for thread, (count, early) in counts.items()]

    async def _subject_counts(self) -> dict[str, int]:
        found: dict[str, int] = {}
        while True:
            request = {"subjects_filter": self._subjects.later_of(self._app), "offset": len(found)}
            try:
                reply = await self._connection.client.request(
                    f"$JS.API.STREAM.INFO.{self._stream}", msgspec.json.encode(request), timeout=10
                )
                answer = msgspec.json.decode(reply.data, type=_Answer)
            except (*_TROUBLE, msgspec.MsgspecError) as error:
                raise BusUnavailable(f"looking through {self._stream}: {type(error).__name__}") from None
            page = answer.state.subjects or {}
            found |= page
            if not page or len(found) >= answer.total:
                return found

    async def _next(self, subject: str, seq: int) -> Waiting | None:
        # Of the leader, which knows every write that was answered; and a direct get may come from a follower.
        try:
            return _waiting(await self._connection.js.get_msg(self._stream, seq=seq, subject=subject, next=True))
        except nats.js.errors.NotFoundError:
            return None
        except _TROUBLE as error:
            raise BusUnavailable(f"reading {subject}: {type(error).__name__}") from None


_TROUBLE: Final = (TimeoutError, nats.errors.Error, nats.js.errors.Error, OSError)


class _State(msgspec.Struct):
    subjects: dict[str, int] | None = None


class _Answer(msgspec.Struct):
    state: _State
    total: int = 0


def _waiting(message: api.RawStreamMsg) -> Waiting:
    headers = dict(message.headers or {})
    place, stored = headers.get(PLACE, ""), headers.get(STORED, "")
    return Waiting(
        message.seq or 0,
        message.data or b"",
        headers,
        int(place) if place.isdecimal() else 0,
        int(stored) if stored.isdecimal() else 0,
    )
