"""What is about to be sent, written down before it is: of a process that is gone, only that can be unclear.

    sends that begin in the same moment ─▶ one wave, stored as one message ─▶ each of them goes

The waves of a term stand in a ring (`waves`). Each is written over the oldest, takes over from it what is not over, and
says since which wave anything is not. So whoever comes after reads the ring, and knows what may have been sent and was
not written down.

    state     what it says                                    how it ends
    open      it began here, and its answer is awaited        over; left ─▶ in doubt; cleared ─▶ over; after ten minutes
    in doubt  others began it, or a turn ended before the     settled ─▶ open; begun again ─▶ open; cleared ─▶ over;
              answer came: who sends it has to look first     over; after 8 days, when its leg cannot come any more
    over      what became of it is written down elsewhere

What is taken over from a term before is spread over the ring, so that each further wave repeats a few of it. How much
that is, is bounded by what a process has on its way when it dies, times the deaths of a week. Of what begins here, a
wave repeats what is not answered within a round.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Coroutine, Sequence
from typing import Any, Final

import msgspec

from gearmesh.bus.connection import Connection
from gearmesh.bus.ledger_reader import LedgerReader
from gearmesh.bus.publisher import Publisher, Stored
from gearmesh.errors import BusError, Malformed
from gearmesh.host.undecided import Held, Undecided, envelope_of
from gearmesh.host.waves import NONE_YET, ROUND, Begun, Rings, Wave, not_over, term_that_counts
from gearmesh.model.delivery import Delivery
from gearmesh.wire.subjects import Subjects

MOST: Final = 500
"""Messages that begin with one wave."""
FEW: Final = 50
"""Messages in a wave of those that are taken over, unless there are so many that half a ring is not enough for them."""


class _Group(msgspec.Struct, frozen=True):
    """Messages that begin together, and how each was before; the wave that was to name them, and who waits until one
    does."""

    begun: Sequence[Begun]
    before: Sequence[Held | None]
    wave: int
    stored: asyncio.Future[None]

    def moved_to(self, wave: int) -> Sequence[Begun]:
        """Those that did not count as named by this wave before."""
        if self.wave != wave:
            return self.begun
        return [begun for begun, before in zip(self.begun, self.before, strict=True) if before is not None]


class Begins:
    """The messages of one app that are about to be sent. `forget` when somebody else may have sent some."""

    def __init__(self, connection: Connection, publisher: Publisher, subjects: Subjects, app: str) -> None:
        self._rings = Rings(connection, publisher, subjects, app)
        self._publisher = publisher
        self._ledger = LedgerReader(connection, subjects)
        self._app = app
        self._undecided = Undecided()
        self._leased = 1
        self._term = 1
        """Whose ring is written."""
        self._ring: list[Wave] = [NONE_YET] * ROUND
        self._number = 1
        """Of the wave that departs next."""
        self._wave: list[_Group] = []
        self._unanswered: set[int] = set()
        """The waves of which NATS has not said yet whether it has them: what they name is held for earlier ones."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._loading: asyncio.Task[None] | None = None
        self._loaded = False
        self._loop: asyncio.AbstractEventLoop

    def begin(self, delivery: Delivery, at: int) -> Awaitable[None]:
        """One message is about to be sent; see `begin_all`."""
        return self.begin_all((delivery,), at)

    def begin_all(self, deliveries: Sequence[Delivery], at: int) -> Awaitable[None]:
        """A few messages are about to be sent, at this time (milliseconds). Waited for, they are known to whoever takes
        over.

        Raises:
            BusError: it could not be written down; then none of them may be sent.
        """
        begun = [Begun(delivery.thread, delivery.id, at) for delivery in deliveries]
        return self._enter(begun) if self._loaded and len(begun) <= MOST else self._load_and_enter(begun)

    async def clear(self, delivery: Delivery) -> None:
        """A message that was begun has clearly not been sent.

        Raises:
            BusError: it could not be written down.
        """
        await self.ready()
        if self._undecided.get(delivery.thread, delivery.id) is None:
            return  # that is known
        await self._enter([Begun(delivery.thread, delivery.id)])
        self._undecided.drop(delivery.thread, delivery.id)

    def over(self, thread: str, envelope: str) -> None:
        """What became of an envelope (hex id) in a thread is written down."""
        self._undecided.drop_all(thread, envelope)

    async def ready(self) -> None:
        """What others began is at hand.

        Raises:
            BusUnavailable: nats does not answer.
        """
        while not self._loaded:
            await self._load()

    async def in_doubt(self, delivery: Delivery) -> Held | None:
        """A message that was begun and of which nobody here knows what became; None for any other.

        Raises:
            BusUnavailable: nats does not answer.
        """
        await self.ready()
        held = self._undecided.get(delivery.thread, delivery.id)
        return held if held is not None and held.doubted and held.begun.at else None

    def leave(self, delivery: Delivery) -> None:
        """Nobody will know here what became of a message that was begun."""
        if held := self._undecided.get(delivery.thread, delivery.id):
            self._undecided.doubt(held)

    def leave_all(self) -> None:
        """Of nothing that was begun it is known what became of it."""
        self._undecided.doubt_all()

    def settle(self, delivery: Delivery) -> None:
        """It has been found out, as far as it can be, what became of a message."""
        if held := self._undecided.get(delivery.thread, delivery.id):
            self._undecided.settle(held)

    def forget(self, term: int) -> None:
        """Believe only what NATS says, and write into the ring of this term."""
        self._leased = term
        self._loaded, self._loading = False, None

    async def _load_and_enter(self, begun: Sequence[Begun]) -> None:
        await self.ready()
        await _all_stored([self._enter(begun[start : start + MOST]) for start in range(0, len(begun), MOST)])

    def _enter(self, begun: Sequence[Begun]) -> asyncio.Future[None]:
        if not self._wave:
            # It goes when all that are ready now have entered: whoever comes alone waits for nobody.
            self._start(self._depart())
        group = self._group(begun)
        self._wave.append(group)
        return group.stored

    def _group(self, begun: Sequence[Begun]) -> _Group:
        before = self._undecided.begin(begun, self._number, time.monotonic())
        return _Group(begun, before, self._number, self._loop.create_future())

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _depart(self) -> None:
        groups, self._wave = self._wave, []
        while groups:
            count, size = 0, 0
            while count < len(groups) and (not count or size + len(groups[count].begun) <= MOST):
                size += len(groups[count].begun)
                count += 1
            await self._write(groups[:count])
            groups = groups[count:]

    async def _write(self, groups: Sequence[_Group], *, completes: bool = False) -> None:
        number, undecided = self._number, self._undecided
        self._number += 1
        place, before = number % ROUND, self._ring[number % ROUND]
        left: list[Begun] = []
        if before.number in self._unanswered or undecided.needs(before.number):
            left = [begun for begun in before.begun if undecided.is_named(begun)]
        begun = [*left, *itertools.chain.from_iterable(group.begun for group in groups)]
        wave = Wave(number, undecided.needed_since(number) if self._loaded or completes else 0, begun)
        self._ring[place] = wave
        self._unanswered.add(number)

        async def outcome(result: Stored | BusError | Malformed) -> None:
            self._unanswered.discard(number)
            if isinstance(result, Stored):
                for one in itertools.chain(left, *(group.moved_to(number) for group in groups)):
                    undecided.stored(one, number)
                for group in groups:
                    if not group.stored.done():
                        group.stored.set_result(None)
                return
            # What the wave had taken over is still needed where it was.
            if self._ring[place] is wave:
                self._ring[place] = before
            for group in reversed(groups):
                for one, held in reversed(tuple(zip(group.begun, group.before, strict=True))):
                    undecided.refused(one, held)
            for group in groups:
                if not group.stored.done():
                    group.stored.set_exception(result)

        try:
            await self._publisher.send(*self._rings.entry(self._term, place, wave), None, outcome)
        except Malformed as error:
            await outcome(error)

    async def _load(self) -> None:
        self._loop = asyncio.get_running_loop()  # once: it takes a system call
        if self._loading is None or self._loading.done():
            self._loading = asyncio.create_task(self._read())
        await asyncio.shield(self._loading)

    async def _read(self) -> None:
        rings, leased = await self._rings.read(), self._leased
        if self._loading is not asyncio.current_task():
            return  # it was forgotten meanwhile
        newest = max(rings, default=0)
        # Leases that were lost are counted from the beginning.
        self._term = leased if leased >= newest else newest + 1
        counts = term_that_counts(rings)
        own = rings.get(self._term, [])
        self._number = max([self._number, *(wave.number + 1 for wave in own)])
        self._ring = [NONE_YET] * ROUND
        for wave in own:
            self._ring[wave.number % ROUND] = wave
        self._undecided.clear()
        now = time.monotonic()
        for begun, number in not_over(rings.get(counts, [])).values():
            self._undecided.begin([begun], number, now)
        await self._drop_what_was_sent()
        if self._loading is not asyncio.current_task():
            return
        if counts != self._term:
            await self._take_over()
        if self._loading is asyncio.current_task():
            self._undecided.doubt_all()
            self._loaded = True
            if any(term < self._term for term in rings):
                self._start(self._rings.remove_before(self._term))

    async def _drop_what_was_sent(self) -> None:
        """Most of it is over: whoever began it had no occasion to say so."""
        legs = {(held.begun.thread, envelope_of(held.begun.id)) for held in self._undecided}
        sent = await self._ledger.sent_of(self._app, legs)
        for begun in [held.begun for held in self._undecided]:
            entry = sent.get((begun.thread, envelope_of(begun.id)))
            # What was refused after it had been sent, and was begun again, may have been sent once more.
            if entry is not None and begun.at <= entry.at:
                self._undecided.drop(begun.thread, begun.id)

    async def _take_over(self) -> None:
        """Copy what is in doubt into the ring of this term, spread so that no further wave has to repeat much of it."""
        held = list(self._undecided)
        self._undecided.clear()
        size = max(FEW, -(-len(held) // (ROUND // 2)))
        waiting: list[asyncio.Future[None]] = []
        for start in range(0, len(held), size):
            is_last = start + size >= len(held)
            if is_last:
                await _all_stored(waiting)
            if self._loading is not asyncio.current_task():
                return
            group = self._group([one.begun for one in held[start : start + size]])
            waiting.append(group.stored)
            await self._write([group], completes=is_last)
        await _all_stored(waiting)


async def _all_stored(waiting: Sequence[asyncio.Future[None]]) -> None:
    for result in await asyncio.gather(*waiting, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
