"""What has appeared on all phones, in one sequence: for whoever watches more phones than can be asked one by one."""

from __future__ import annotations

from collections import deque
from itertools import islice

import msgspec

from .phone import Direction, Message, Phone
from .settings import Network

#: Network, user, message id, direction, text, and milliseconds since the epoch.
Row = tuple[Network, str, str, Direction, str, int]


class Page(msgspec.Struct, frozen=True):
    """Some appearances, oldest first.

    `next` is the cursor for those after them, `more` whether there are any yet. `missed` came before them, after the
    cursor asked for, and are forgotten.
    """

    next: int
    more: bool
    missed: int
    shown: list[Row]


class Appearances:
    """The last `capacity` messages that appeared on any phone. A cursor is the number of those before it."""

    def __init__(self, capacity: int) -> None:
        self._rows: deque[Row] = deque(maxlen=capacity)
        self._total = 0

    @property
    def total(self) -> int:
        """How many have appeared, the forgotten ones included."""
        return self._total

    def add(self, phone: Phone, message: Message) -> None:
        """A message appears on this phone."""
        self._rows.append((phone.network, phone.user, message.id, message.direction, message.text, message.time))
        self._total += 1

    def since(self, cursor: int, limit: int) -> Page:
        """The first `limit` after the cursor, which is at most `total`."""
        first = max(cursor, self._total - len(self._rows))
        behind = self._total - first
        count = min(behind, limit)
        # From the end, which is where whoever asks often has come to.
        rows = list(islice(reversed(self._rows), behind - count, behind))
        rows.reverse()
        return Page(first + count, behind > count, first - cursor, rows)

    def clear(self) -> None:
        """Forget all; cursors stay good."""
        self._rows.clear()
