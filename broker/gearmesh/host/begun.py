"""What is about to be sent, written down before it is: of a process that is gone, only that can be unclear.

    sends that begin in the same moment ─▶ one wave, stored as one message ─▶ each of them goes

The waves stand in a ring of `ROUND` keys. Each is written over the oldest, and takes over from it what is not over. So
whoever comes after reads the ring, and knows what may have been sent and was not written down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Final

import msgspec
import structlog

from gearmesh.bus.connection import Connection
from gearmesh.bus.publisher import Publisher, Stored
from gearmesh.bus.store import Store
from gearmesh.errors import BusError, Malformed
from gearmesh.model.delivery import Delivery
from gearmesh.wire.subjects import Subjects, kv_token

log = structlog.get_logger("gearmesh.evidence")

ROUND: Final = 256
"""Waves that are kept. A message that is longer on its way than so many waves is named by a further one."""
MOST: Final = 500
"""Messages that begin with one wave, and that are taken over by one."""
NAMED_FOR: Final = 3_600_000
"""Milliseconds for which a message is named by further waves. A send takes a minute at most, and who takes over asks
at once about what comes first in each thread; of what was acknowledged by whoever is gone, nobody ever asks."""


class Begun(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A delivery that was about to be sent to a thread, and when (milliseconds); 0 when it clearly was not sent."""

    thread: str
    id: str
    at: int = 0


class _Entry(msgspec.Struct, frozen=True):
    """One message of a wave, how it was begun before, and who waits until it is stored."""

    begun: Begun
    before: Begun | None
    stored: asyncio.Future[None]


class Begins:
    """The messages of one app that are about to be sent. `forget` when somebody else may have sent some."""

    def __init__(self, connection: Connection, publisher: Publisher, subjects: Subjects, app: str) -> None:
        self._store = Store(connection, publisher, subjects.bucket("sends"), list[Begun])
        self._publisher = publisher
        self._app = kv_token(app)
        self._ring: list[list[Begun]] = [[]] * ROUND
        self._place = 0
        self._open: dict[str, dict[str, Begun]] = {}
        """By thread and delivery id, what was begun and is not known to be over."""
        self._doubtful: set[tuple[str, str]] = set()
        """Thread and delivery id of what somebody else began, or was left by a turn that has ended."""
        self._now = 0
        self._wave: list[_Entry] = []
        self._writing: set[asyncio.Task[None]] = set()
        self._loading: asyncio.Task[None] | None = None
        self._loaded = False
        self._loop: asyncio.AbstractEventLoop

    def begin(self, delivery: Delivery, at: int) -> Awaitable[None]:
        """A message is about to be sent, at this time (milliseconds). Waited for, it is known to whoever takes over.

        Raises:
            BusError: it could not be written down; then it must not be sent.
        """
        begun = Begun(delivery.thread, delivery.id, at)
        return self._enter(begun) if self._loaded else self._load_and_enter(begun)

    async def clear(self, delivery: Delivery) -> None:
        """A message that was begun has clearly not been sent.

        Raises:
            BusError: it could not be written down.
        """
        while not self._loaded:
            await self._load()
        if delivery.id not in self._open.get(delivery.thread, ()):
            return  # that is known
        await self._enter(Begun(delivery.thread, delivery.id))
        self.over(delivery.thread, delivery.id)

    def over(self, thread: str, name: str) -> None:
        """What became of the messages to a thread whose delivery ids begin with `name` is written down."""
        begun = self._open.get(thread)
        if begun is None:
            return
        for identity in [identity for identity in begun if identity.startswith(name)]:
            self._drop(thread, identity)

    def _drop(self, thread: str, identity: str) -> None:
        begun = self._open.get(thread, {})
        begun.pop(identity, None)
        if not begun:
            self._open.pop(thread, None)
        if self._doubtful:
            self._doubtful.discard((thread, identity))

    async def at(self, delivery: Delivery) -> int | None:
        """When a message was begun (milliseconds) of which nobody here knows what became; None for any other.

        Raises:
            BusUnavailable: nats does not answer.
        """
        while not self._loaded:
            await self._load()
        if (delivery.thread, delivery.id) not in self._doubtful:
            return None
        return self._open[delivery.thread][delivery.id].at

    def leave(self, delivery: Delivery) -> None:
        """Nobody will know here what became of a message that was begun."""
        if delivery.id in self._open.get(delivery.thread, ()):
            self._doubtful.add((delivery.thread, delivery.id))

    def leave_all(self) -> None:
        """Of nothing that was begun it is known what became of it."""
        self._doubtful |= {(thread, identity) for thread, begun in self._open.items() for identity in begun}

    def settle(self, delivery: Delivery) -> None:
        """It has been found out, as far as it can be, what became of a message."""
        self._doubtful.discard((delivery.thread, delivery.id))

    def forget(self) -> None:
        """Believe only what NATS says."""
        self._loaded, self._loading = False, None

    async def _load_and_enter(self, begun: Begun) -> None:
        while not self._loaded:
            await self._load()
        await self._enter(begun)

    def _enter(self, begun: Begun) -> asyncio.Future[None]:
        if not self._wave:
            # It goes when all that are ready now have entered: whoever comes alone waits for nobody.
            task = self._loop.create_task(self._depart())
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)
        stored: asyncio.Future[None] = self._loop.create_future()
        here = self._open.setdefault(begun.thread, {})
        self._wave.append(_Entry(begun, here.get(begun.id), stored))
        here[begun.id] = begun
        self._now = max(self._now, begun.at)
        if self._doubtful:
            self._doubtful.discard((begun.thread, begun.id))
        return stored

    async def _depart(self) -> None:
        wave, self._wave = self._wave, []
        for start in range(0, len(wave), MOST):
            await self._write(wave[start : start + MOST])

    async def _write(self, wave: list[_Entry]) -> None:
        left = self._next_place()
        place, before = self._place, self._ring[self._place]
        self._ring[place] = [*left, *(entry.begun for entry in wave)]

        async def outcome(result: Stored | BusError) -> None:
            if isinstance(result, BusError):
                self._ring[place] = before
                self._refuse(wave, result)
                return
            for entry in wave:
                if not entry.stored.done():
                    entry.stored.set_result(None)

        try:
            await self._publisher.send(*self._store.entry(self._key(place), self._ring[place]), None, outcome)
        except Malformed as error:
            self._ring[place] = before
            self._refuse(wave, error)

    def _refuse(self, wave: list[_Entry], error: Exception) -> None:
        for entry in reversed(wave):
            if self._is_open(entry.begun):
                if entry.before is None:
                    self._drop(entry.begun.thread, entry.begun.id)
                else:
                    self._open[entry.begun.thread][entry.begun.id] = entry.before
            if not entry.stored.done():
                entry.stored.set_exception(error)

    def _is_open(self, begun: Begun) -> bool:
        return self._open.get(begun.thread, {}).get(begun.id) is begun

    def _next_place(self) -> list[Begun]:
        """Go on to the next place that has room, and return what is not over of what stands there."""
        left: list[Begun] = []
        for _ in range(ROUND):
            self._place = (self._place + 1) % ROUND
            left = [begun for begun in self._ring[self._place] if begun.at and self._is_open(begun)]
            for begun in [begun for begun in left if begun.at < self._now - NAMED_FOR]:
                left.remove(begun)
                self._drop(begun.thread, begun.id)
            if len(left) <= MOST:
                break
        return left

    async def _load(self) -> None:
        self._loop = asyncio.get_running_loop()  # once: it takes a system call
        if self._loading is None or self._loading.done():
            self._loading = asyncio.create_task(self._read())
        await asyncio.shield(self._loading)

    async def _read(self) -> None:
        found = await asyncio.gather(*map(self._stored, range(ROUND)))
        if self._loading is not asyncio.current_task():
            return  # it was forgotten meanwhile
        self._ring = [wave for wave, _ in found]
        self._open.clear()
        for place in sorted(range(ROUND), key=lambda place: found[place][1]):
            self._place = place
            for begun in self._ring[place]:
                if begun.at:
                    self._open.setdefault(begun.thread, {})[begun.id] = begun
                else:
                    self._drop(begun.thread, begun.id)
        self.leave_all()
        self._loaded = True

    async def _stored(self, place: int) -> tuple[list[Begun], int]:
        try:
            # Of the leader, which knows all that was answered.
            return await self._store.get_with_revision(self._key(place)) or ([], 0)
        except Malformed as error:
            log.error("what was about to be sent cannot be read", app=self._app, error=str(error))
            return [], 0

    def _key(self, place: int) -> str:
        return f"begun.{self._app}.wave.{place}"
