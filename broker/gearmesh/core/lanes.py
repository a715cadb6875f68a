"""Lanes: what is for one portal goes out one after the other, and portals do not wait for each other.

A pure data structure: whoever owns it does the work, and says when it is done.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeGuard, TypeVar

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")
Kind = TypeVar("Kind")


class Lanes(Generic[Key, Item]):
    """Queues by key. A lane exists while one of its items is being worked on; idle lanes cost nothing."""

    def __init__(self) -> None:
        self._waiting: dict[Key, deque[Item] | None] = {}
        """What waits in each lane that has work; None where nothing ever did, for that costs a lane nothing."""
        self._joined: dict[Key, int] = {}
        """How many belong to the item in work, beside it."""
        self._items = 0

    def __len__(self) -> int:
        """How many items are waiting or being worked on."""
        return self._items

    @property
    def busy(self) -> int:
        """How many lanes have work."""
        return len(self._waiting)

    def is_busy(self, key: Key) -> bool:
        """Whether something is being worked on there."""
        return key in self._waiting

    def behind(self, key: Key) -> int:
        """How many items wait behind the one in work."""
        return len(self._waiting.get(key) or ())

    def offer(self, key: Key, item: Item) -> bool:
        """Put an item into its lane. True: the lane was idle, the caller starts on this item now."""
        self._items += 1
        if key not in self._waiting:
            self._waiting[key] = None
            return True
        self._queue(key).append(item)
        return False

    def _queue(self, key: Key) -> deque[Item]:
        waiting = self._waiting[key]
        if waiting is None:
            waiting = self._waiting[key] = deque()
        return waiting

    def done(self, key: Key) -> Item | None:
        """The item in work is finished: the lane's next one, or None when the lane is idle again.

        Raises:
            KeyError: nothing is in work there.
        """
        waiting = self._waiting[key]
        self._items -= 1 + (self._joined.pop(key, 0) if self._joined else 0)
        if waiting:
            return waiting.popleft()
        del self._waiting[key]
        return None

    def join(self, key: Key, most: int, fits: Callable[[Item], TypeGuard[Kind]]) -> list[Kind]:
        """Take up to `most` of those that wait first, as long as they fit: they belong to the item in work now.

        Raises:
            KeyError: nothing is in work there.
        """
        waiting = self._waiting[key]
        joined: list[Kind] = []
        while waiting and len(joined) < most and fits(first := waiting[0]):
            joined.append(first)
            waiting.popleft()
        if joined:
            self._joined[key] = self._joined.get(key, 0) + len(joined)
        return joined

    def put_back(self, key: Key, items: Sequence[Item]) -> None:
        """Let some that were joined wait again, before all others.

        Raises:
            KeyError: none were joined there.
        """
        if not items:
            return
        self._queue(key).extendleft(reversed(items))
        self._joined[key] -= len(items)

    def clear(self) -> int:
        """Forget everything, and say how much that was: somebody else has taken over."""
        forgotten = self._items
        self._waiting.clear()
        self._joined.clear()
        self._items = 0
        return forgotten
