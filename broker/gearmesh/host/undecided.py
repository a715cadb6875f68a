"""The messages that were begun and are not over, as one process knows them; `begun` says how they change.

Nothing that is in doubt is forgotten while its leg can come again. The log keeps a leg for 7 days, and what is in doubt
here was there when the doubt arose: after `DOUBTED_FOR`, by a clock that nobody sets, it cannot come any more. What
began here is asked for no longer than its answer takes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
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


class Undecided:
    """By thread and delivery id."""

    def __init__(self) -> None:
        self._held: dict[str, dict[str, Held]] = {}
        self._counts: dict[int, int] = {}
        """How many need each wave, of the waves that any needs."""

    def __iter__(self) -> Iterator[Held]:
        return (held for here in self._held.values() for held in here.values())

    def __bool__(self) -> bool:
        return bool(self._held)

    def get(self, thread: str, identity: str) -> Held | None:
        """What is known of a message that is not over."""
        here = self._held.get(thread)
        return None if here is None else here.get(identity)

    def needed_since(self, number: int) -> int:
        """The number of the oldest wave that has to be read; `number` when none has."""
        return min(self._counts, default=number)

    def begin(self, begun: Begun, wave: int) -> Held | None:
        """It is about to be named by a wave. Returns how it was before, if it was: that counts until it is stored."""
        here = self._held.get(begun.thread)
        if here is None:
            here = self._held[begun.thread] = {}
        before = here.get(begun.id)
        if before is None:
            self._counts[wave] = self._counts.get(wave, 0) + 1
        else:
            wave = before.wave
        here[begun.id] = Held(begun, wave, time.monotonic())
        return before

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
        self._held[begun.thread][begun.id] = before

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
        here = self._held.get(thread)
        if here is None or (held := here.pop(identity, None)) is None:
            return
        self._let_go(held.wave)
        if not here:
            del self._held[thread]

    def drop_all(self, thread: str, name: str) -> None:
        """All to a thread whose delivery ids begin so are over."""
        here = self._held.get(thread)
        if here is None:
            return
        for identity in [identity for identity in here if identity.startswith(name)]:
            self._let_go(here.pop(identity).wave)
        if not here:
            del self._held[thread]

    def clear(self) -> None:
        """Know nothing any more."""
        self._held.clear()
        self._counts.clear()

    def _let_go(self, wave: int) -> None:
        self._counts[wave] -= 1
        if not self._counts[wave]:
            del self._counts[wave]
