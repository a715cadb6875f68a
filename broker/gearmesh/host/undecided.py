"""The messages that were begun and are not over, as one process knows them; `begun` says how they change.

Nothing that is in doubt is forgotten while its leg can come again. The log keeps a leg for 7 days, and what is in doubt
here was there when the doubt arose: after `DOUBTED_FOR`, by a clock that nobody sets, it cannot come any more. What
began here is asked for no longer than its answer takes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from gearmesh.host.waves import Begun

NAMED_FOR: Final = 600.0
"""Seconds for which what began here is held. A send takes a minute at most; then it is over, or was left in doubt, or
it was decided what follows: a leg that ended otherwise than by being sent does not say here that it is over."""
DOUBTED_FOR: Final = 8 * 86_400.0
"""Seconds for which a doubt is held: a day longer than the log keeps the leg."""


class Held(msgspec.Struct, gc=False):
    """A message that is not over. To know of it, the waves from number `wave` on have to be read. `since` when it is
    so, open or in doubt, in seconds of `time.monotonic`."""

    begun: Begun
    wave: int
    since: float
    doubted: bool = False

    @property
    def age(self) -> float:
        """Seconds for which it has been so."""
        return time.monotonic() - self.since


def envelope_of(identity: str) -> str:
    """The envelope (hex id) that a delivery id belongs to."""
    return identity.partition(":")[0]


class Undecided:
    """By thread and delivery id."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], tuple[Held, ...]] = {}
        """By thread and envelope (hex id), whose parts they are: mostly one."""
        self._counts: dict[int, int] = {}
        """How many need each wave, of the waves that any needs."""

    def __iter__(self) -> Iterator[Held]:
        return (held for here in self._held.values() for held in here)

    def __bool__(self) -> bool:
        return bool(self._held)

    def get(self, thread: str, identity: str) -> Held | None:
        """What is known of a message that is not over."""
        for held in self._held.get((thread, envelope_of(identity)), ()):
            if held.begun.id == identity:
                return held
        return None

    def needs(self, number: int) -> bool:
        """Whether a wave has to be read for any."""
        return number in self._counts

    def needed_since(self, number: int) -> int:
        """The number of the oldest wave that has to be read; `number` when none has."""
        return min(self._counts, default=number)

    def begin(self, begun: Sequence[Begun], wave: int, now: float) -> Sequence[Held | None]:
        """They are about to be named by a wave, `now` (`time.monotonic`). Returns how each was before, if it was.

        That counts until the wave is stored.
        """
        all_before: list[Held | None] = []
        new = 0
        for one in begun:
            leg = one.thread, envelope_of(one.id)
            here = self._held.get(leg)
            before = None if here is None else self.get(one.thread, one.id)
            held = Held(one, wave if before is None else before.wave, now)
            self._held[leg] = (held,) if here is None else (*_others(here, one.id), held)
            all_before.append(before)
            new += before is None
        if new:
            self._counts[wave] = self._counts.get(wave, 0) + new
        return all_before

    def stored(self, begun: Begun, wave: int) -> None:
        """A wave that names it is stored."""
        held = self.get(begun.thread, begun.id)
        if held is not None and held.begun is begun and held.wave != wave:
            self._let_go(held.wave)
            self._counts[wave] = self._counts.get(wave, 0) + 1
            held.wave = wave

    def refused(self, begun: Begun, before: Held | None) -> None:
        """The wave that was to name it is not stored: it is what it was."""
        held = self.get(begun.thread, begun.id)
        if held is None or held.begun is not begun:
            return
        if before is None:
            self.drop(begun.thread, begun.id)
            return
        before.doubted |= held.doubted
        before.wave = held.wave
        leg = begun.thread, envelope_of(begun.id)
        self._held[leg] = (*_others(self._held[leg], begun.id), before)

    def is_named(self, begun: Begun) -> bool:
        """Whether a further wave has to name what a wave names. What nobody can ask for any more is let go."""
        held = self.get(begun.thread, begun.id)
        if held is None or held.begun is not begun or not begun.at:
            return False
        if held.age > (DOUBTED_FOR if held.doubted else NAMED_FOR):
            self.drop(begun.thread, begun.id)
            return False
        return True

    def doubt_all(self) -> None:
        """Nobody here knows what became of any."""
        for held in self:
            self.doubt(held)

    def doubt(self, held: Held) -> None:
        """Nobody here knows what became of it."""
        if not held.doubted:
            held.doubted, held.since = True, time.monotonic()

    def settle(self, held: Held) -> None:
        """What became of it has been found out, as far as it can be; what follows is decided here."""
        if held.doubted:
            held.doubted, held.since = False, time.monotonic()

    def drop(self, thread: str, identity: str) -> None:
        """It is over."""
        held = self.get(thread, identity)
        if held is None:
            return
        self._let_go(held.wave)
        leg = thread, envelope_of(identity)
        if others := _others(self._held.pop(leg), identity):
            self._held[leg] = others

    def drop_all(self, thread: str, envelope: str) -> None:
        """All messages of an envelope (hex id) to a thread are over."""
        for held in self._held.pop((thread, envelope), ()):
            self._let_go(held.wave)

    def clear(self) -> None:
        """Know nothing any more."""
        self._held.clear()
        self._counts.clear()

    def _let_go(self, wave: int) -> None:
        if left := self._counts[wave] - 1:
            self._counts[wave] = left
        else:
            del self._counts[wave]


def _others(here: Sequence[Held], identity: str) -> tuple[Held, ...]:
    return tuple([held for held in here if held.begun.id != identity])
