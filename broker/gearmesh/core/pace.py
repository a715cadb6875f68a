"""How fast messages may go out: what a network allows is kept to before it refuses.

Three bounds, all of them pure arithmetic over a clock that is handed in (seconds, any origin):

- the app's own rate: a steady stream with a small reserve, so that no second ever holds more than the rate allows;
- each recipient's rate: a burst may go at once and is then paid for, message by message;
- the brake: when the network itself fails, or asks everybody to wait, nothing goes until the pause is over, and then
  one message tries the ground before the others follow.
"""

from __future__ import annotations

from typing import Final

import msgspec

from gearmesh.core.retry import backoff
from gearmesh.model.capabilities import Rate

RESERVE: Final = 0.1
"""The part of a second's messages that may go at once. The stream behind it is slower by as much: together they are
never more than the rate."""
MARGIN: Final = 0.1
"""Seconds beyond what a recipient's rate asks for: messages that leave in time must not arrive too early."""
KEPT: Final = 10_000
"""Recipients after which those who owe nothing any more are forgotten."""
FAILURES: Final = 8
FAILING: Final = 3
"""So many failures in a row, to so many recipients, and it is the network that fails, not one of them."""


class Stream:
    """An app's own rate: slots one after the other, handed out in the order in which they are asked for."""

    def __init__(self, rate: Rate) -> None:
        per_second = 1 / rate.every
        self._reserve = max(1.0, per_second * RESERVE)
        self._every = rate.every / (1 - RESERVE) if per_second * RESERVE >= 1 else rate.every
        self._next = float("-inf")

    def slot(self, now: float) -> float:
        """Seconds until the slot that is hereby taken."""
        self._next = max(self._next, now - (self._reserve - 1) * self._every)
        wait = max(0.0, self._next - now)
        self._next += self._every
        return wait


class _Debt(msgspec.Struct):
    began: float
    count: int
    until: float


class Debts:
    """The recipients' rates: who owes how long a silence. Whoever owes nothing is not remembered."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._debts: dict[str, _Debt] = {}

    def __len__(self) -> int:
        return len(self._debts)

    def wait(self, thread: str, now: float) -> float:
        """Seconds until a message may go to this thread."""
        debt = self._debts.get(thread)
        if debt is None or debt.until <= now:
            return 0.0
        if debt.count < self._rate.burst and now - debt.began < self._rate.within:
            return 0.0
        return debt.until - now

    def sent(self, thread: str, now: float) -> None:
        """A message goes to this thread."""
        every = self._rate.every
        debt = self._debts.get(thread)
        if debt is None or debt.until <= now:
            if len(self._debts) >= KEPT:
                self._debts = {name: kept for name, kept in self._debts.items() if kept.until > now}
            self._debts[thread] = _Debt(now, 1, now + every + MARGIN)
        else:
            debt.count += 1
            debt.until += every


class Brake:
    """The app as a whole: free, held until a time, or trying the ground with one message."""

    def __init__(self) -> None:
        self._until = float("-inf")
        self._failures = 0
        self._failing: set[str] = set()
        self._pauses = 0
        self._careful = False
        self._trying = False

    @property
    def is_on(self) -> bool:
        """Whether not everything may go."""
        return self._careful

    @property
    def is_calm(self) -> bool:
        """Whether everything may go, and the last message did go through."""
        return not self._careful and not self._failures

    def wait(self, now: float) -> float | None:
        """Seconds until one may ask again; 0: go. None: somebody tries the ground, wait for what comes of it."""
        if now < self._until:
            return self._until - now
        if self._careful and self._trying:
            return None
        self._trying = self._careful
        return 0.0

    def worked(self, now: float) -> None:
        """A message went through, or was refused for a reason of its own: the network is there."""
        self._failures = 0
        self._failing.clear()
        if now < self._until:
            return  # it was on its way when the pause began, and says nothing of it
        self._pauses = 0
        self._careful = self._trying = False

    def gave_up(self) -> None:
        """Whoever tried the ground has gone without having sent."""
        self._trying = False

    def hold(self, now: float, pause: float) -> None:
        """The network asks everybody to wait for `pause` seconds."""
        self._until = max(self._until, now + pause)
        self._careful, self._trying = True, False

    def failed(self, thread: str, now: float, random: float) -> bool:
        """A message to `thread` did not go through. True: that was once too often, and everybody waits from now on."""
        if self._careful and not self._trying:
            return False  # it was on its way when the pause began: many of them are still one failure of the network
        self._failures += 1
        if len(self._failing) < FAILING:
            self._failing.add(thread)
        if not self._careful and (self._failures < FAILURES or len(self._failing) < FAILING):
            return False
        self._pauses += 1
        self.hold(now, backoff(self._pauses, random, longest=30.0))
        return True
