"""How often something may happen: rarely in the long run, and more often for a while."""

from __future__ import annotations

import math

import msgspec


class Rate(msgspec.Struct, frozen=True):
    """In the long run one each `every` seconds.

    When nothing is owed, `burst` of them may come within `within` seconds; each is paid for with its `every` seconds
    before the next burst begins.
    """

    every: float
    burst: int
    within: float


class Meter:
    """Measures one stream against its rate. Times are seconds of any clock that never goes back."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._began = -math.inf
        self._taken = 0

    def wait(self, now: float) -> float:
        """Seconds until one more is taken; 0 when it is taken now."""
        rate = self._rate
        paid = self._began + self._taken * rate.every
        if now >= paid or (self._taken < rate.burst and now < self._began + rate.within):
            return 0.0
        return paid - now

    def take(self, now: float) -> None:
        """Count one, for which there was nothing to wait."""
        if now >= self._began + self._taken * self._rate.every:
            self._began, self._taken = now, 0
        self._taken += 1
