"""What is about to be sent, written down before it is: of a process that is gone, only that can be unclear.

    sends that begin in the same moment ─▶ one wave, stored as one message ─▶ each of them goes

The waves stand in a ring of `ROUND` keys. Each is written over the oldest, takes over from it what is not over, and
says since which wave anything is not. So whoever comes after reads the ring, and knows what may have been sent and was
not written down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Final

import msgspec
import structlog

from gearmesh.bus.connection import Connection
from gearmesh.bus.ledger_reader import LedgerReader
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
NAMED_FOR: Final = 600_000
"""Milliseconds for which a message is named by further waves. A send takes a minute at most, and who takes over asks
at once about what comes first in each thread; of what was acknowledged by whoever is gone, nobody ever asks."""


class Begun(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A delivery that was about to be sent to a thread, and when (milliseconds); 0 when it clearly was not sent."""

    thread: str
    id: str
    at: int = 0


class Wave(msgspec.Struct, frozen=True, array_like=True):
    """What began at one moment, and what is not over of the wave that stood in its place. Since wave number `since`
    there is something that is not over."""

    number: int = 0
    since: int = 0
    begun: list[Begun] = []


class _Open(msgspec.Struct, frozen=True, gc=False):
    """What is not over, and the number of the wave that names it."""

    begun: Begun
    wave: int


class _Entry(msgspec.Struct, frozen=True):
    """One message of a wave, how it was begun before, and who waits until it is stored."""

    begun: Begun
    before: _Open | None
    stored: asyncio.Future[None]


NONE_YET: Final = Wave()


class Begins:
    """The messages of one app that are about to be sent. `forget` when somebody else may have sent some."""

    def __init__(self, connection: Connection, publisher: Publisher, subjects: Subjects, app: str) -> None:
        self._store = Store(connection, publisher, subjects.bucket("sends"), Wave)
        self._publisher = publisher
        self._ledger = LedgerReader(connection, subjects)
        self._app = app
        self._ring: list[Wave] = [NONE_YET] * ROUND
        self._number = 0
        """Of the wave that departs next."""
        self._open: dict[str, dict[str, _Open]] = {}
        """By thread and delivery id, what was begun and is not known to be over."""
        self._left: dict[int, int] = {}
        """How many each wave names that are not over, of the waves that name any."""
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
        for identity in tuple(begun):
            if identity.startswith(name):
                self._drop(thread, identity)

    def _put(self, begun: Begun, wave: int) -> _Open | None:
        """It is named by a wave now. Returns how it was before."""
        here = self._open.setdefault(begun.thread, {})
        before = here.get(begun.id)
        if before is not None:
            self._let_go(before.wave)
        here[begun.id] = _Open(begun, wave)
        self._left[wave] = self._left.get(wave, 0) + 1
        return before

    def _drop(self, thread: str, identity: str) -> None:
        here = self._open.get(thread)
        if here is None or (one := here.pop(identity, None)) is None:
            return
        self._let_go(one.wave)
        if not here:
            del self._open[thread]
        if self._doubtful:
            self._doubtful.discard((thread, identity))

    def _let_go(self, wave: int) -> None:
        self._left[wave] -= 1
        if not self._left[wave]:
            del self._left[wave]

    async def at(self, delivery: Delivery) -> int | None:
        """When a message was begun (milliseconds) of which nobody here knows what became; None for any other.

        Raises:
            BusUnavailable: nats does not answer.
        """
        while not self._loaded:
            await self._load()
        if (delivery.thread, delivery.id) not in self._doubtful:
            return None
        return self._open[delivery.thread][delivery.id].begun.at

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
        self._wave.append(_Entry(begun, self._put(begun, self._number), stored))
        if begun.at > self._now:
            self._now = begun.at
        if self._doubtful:
            self._doubtful.discard((begun.thread, begun.id))
        return stored

    async def _depart(self) -> None:
        wave, self._wave = self._wave, []
        for start in range(0, len(wave), MOST):
            await self._write(wave[start : start + MOST])

    async def _write(self, entries: list[_Entry]) -> None:
        left = self._next_place()
        number, place, before = self._number, self._number % ROUND, self._ring[self._number % ROUND]
        self._number += 1
        for begun in (*left, *(entry.begun for entry in entries)):
            if self._is_open(begun):
                self._put(begun, number)
        wave = Wave(number, min(self._left, default=number), [*left, *(entry.begun for entry in entries)])
        self._ring[place] = wave

        async def outcome(result: Stored | BusError) -> None:
            if isinstance(result, BusError):
                self._ring[place] = before
                self._refuse(entries, result)
                return
            for entry in entries:
                if not entry.stored.done():
                    entry.stored.set_result(None)

        try:
            await self._publisher.send(*self._store.entry(self._key(place), wave), None, outcome)
        except Malformed as error:
            self._ring[place] = before
            self._refuse(entries, error)

    def _refuse(self, entries: list[_Entry], error: Exception) -> None:
        for entry in reversed(entries):
            if self._is_open(entry.begun):
                if entry.before is None:
                    self._drop(entry.begun.thread, entry.begun.id)
                else:
                    self._put(entry.before.begun, entry.before.wave)
            if not entry.stored.done():
                entry.stored.set_exception(error)

    def _is_open(self, begun: Begun) -> bool:
        one = self._open.get(begun.thread, {}).get(begun.id)
        return one is not None and one.begun is begun

    def _next_place(self) -> list[Begun]:
        """Go on to the next place that has room, and return what is not over of what stands there."""
        left: list[Begun] = []
        for _ in range(ROUND):
            left = [begun for begun in self._ring[self._number % ROUND].begun if begun.at and self._is_open(begun)]
            for begun in [begun for begun in left if begun.at < self._now - NAMED_FOR]:
                left.remove(begun)
                self._drop(begun.thread, begun.id)
            if len(left) <= MOST:
                break
            self._number += 1
        return left

    async def _load(self) -> None:
        self._loop = asyncio.get_running_loop()  # once: it takes a system call
        if self._loading is None or self._loading.done():
            self._loading = asyncio.create_task(self._read())
        await asyncio.shield(self._loading)

    async def _read(self) -> None:
        ring = await asyncio.gather(*map(self._stored, range(ROUND)))
        if self._loading is not asyncio.current_task():
            return  # it was forgotten meanwhile
        self._ring = list(ring)
        self._open.clear()
        self._left.clear()
        newest = max(ring, key=lambda wave: wave.number)
        self._number = newest.number + 1
        for wave in sorted(ring, key=lambda wave: wave.number):
            if wave.number < newest.since:
                continue
            for begun in wave.begun:
                if begun.at:
                    self._put(begun, wave.number)
                else:
                    self._drop(begun.thread, begun.id)
        await self._drop_what_was_sent()
        if self._loading is not asyncio.current_task():
            return
        self.leave_all()
        self._loaded = True

    async def _drop_what_was_sent(self) -> None:
        """Most of it is over: whoever began it had no occasion to say so."""
        legs = {(thread, identity.partition(":")[0]) for thread, begun in self._open.items() for identity in begun}
        for (thread, envelope), sent in (await self._ledger.sent_of(self._app, legs)).items():
            for identity, one in tuple(self._open.get(thread, {}).items()):
                # What was refused after it had been sent, and was begun again, may have been sent once more.
                if identity.startswith(envelope) and one.begun.at <= sent.at:
                    self._drop(thread, identity)

    async def _stored(self, place: int) -> Wave:
        try:
            # Of the leader, which knows all that was answered.
            return await self._store.get(self._key(place), certain=True) or NONE_YET
        except Malformed as error:
            log.error("what was about to be sent cannot be read", app=self._app, error=str(error))
            return NONE_YET

    def _key(self, place: int) -> str:
        return f"begun.{kv_token(self._app)}.wave.{place}"
