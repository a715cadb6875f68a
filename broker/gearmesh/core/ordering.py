"""Putting late input back into order, where a network does not keep it.

After an outage a network repeats what it could not hand over, in whatever order, between what people write meanwhile.
So an event that comes late, and everything that comes in a disturbed time, is held for a moment; what is held of one
thread is then taken in by the time at which it happened.

    quiet ──(a late event, a turn begins, input was refused)──▶ disturbed ──(`DISTURBED_FOR` without any)──▶ quiet

All times are in milliseconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Generic, TypeVar

import msgspec

from gearmesh.model.events import Event, Unparsed

LATE_AFTER: Final = 2_000
"""An event that happened longer ago was kept back somewhere; a webhook in good health takes far less."""
DISTURBED_FOR: Final = 10_000
HELD_FOR: Final = 1_500
"""From the last that came of a thread: what was posted to somebody who does not answer comes again within that."""
HELD_AT_MOST: Final = 2_500
"""From the first that is held of a thread. With what storing takes, Messenger's 5 seconds are not reached."""
MOST_HELD: Final = 1_000
"""Events of one app; what comes beyond is taken in at once."""

Item = TypeVar("Item")


class Dated(msgspec.Struct, Generic[Item], frozen=True):
    """Something with the time at which it happened."""

    at: int
    item: Item


class Ordering(Generic[Item]):
    """What is held of one app's threads."""

    def __init__(self, *, most: int = MOST_HELD) -> None:
        self._most = most
        self._held: dict[str, list[Dated[Item]]] = {}
        self._count = 0
        self._disturbed_until = 0

    def __len__(self) -> int:
        return self._count

    def disturb(self, now: int) -> None:
        """From now on, order cannot be relied on for a while."""
        self._disturbed_until = max(self._disturbed_until, now + DISTURBED_FOR)

    def is_disturbed(self, now: int) -> bool:
        """Whether what comes now is held."""
        return now < self._disturbed_until

    def offer(self, thread: str, arrived: Sequence[Dated[Item]], now: int) -> list[Item] | None:
        """Something has come in one thread. What is to be taken in now; None: it is held until `release`."""
        if any(now - one.at > LATE_AFTER for one in arrived):
            self.disturb(now)
        waiting = self._held.get(thread)
        if waiting is None and not self.is_disturbed(now):
            return [one.item for one in arrived]
        self._held.setdefault(thread, []).extend(arrived)
        self._count += len(arrived)
        # What does not fit takes along what is held of its thread: it must not overtake it.
        return self.release(thread) if self._count > self._most else None

    def release(self, thread: str) -> list[Item]:
        """What was held of a thread, by its time; of one time, in the order in which it came."""
        held = self._held.pop(thread, [])
        self._count -= len(held)
        return [one.item for one in sorted(held, key=lambda one: one.at)]


def dated(events: Sequence[Event], now: int) -> list[Dated[Event]]:
    """Events with their times. One that has none belongs to the one before it, of which it was a part."""
    found: list[Dated[Event]] = []
    for event in events:
        at = event.at if not isinstance(event, Unparsed) else found[-1].at if found else now
        found.append(Dated(at, event))
    return found
