"""A leg in work, and where it stands meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Final, Protocol

import msgspec

from gearmesh.bus.consumer import Taken
from gearmesh.bus.later import LaterLog, Waiting
from gearmesh.bus.publisher import Outcome as Written
from gearmesh.errors import SendFailed
from gearmesh.model.address import SYSTEM_APP, Address
from gearmesh.model.envelope import Header
from gearmesh.wire.times import REPLAY, times_in

SURELY_NEW: Final = 100_000_000
"""Microseconds, less than the log's duplicate window: a leg whose message is younger cannot have been routed twice."""


class Source(Protocol):
    """Where a leg stands until it is done with: the outbound log, or a queue of legs that wait."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Its NATS headers."""

    def done(self) -> Awaitable[None]:
        """It is done with, for its recipient, when this was waited for."""


class FromLog:
    """A leg of the outbound log, shared by its recipients: it is acknowledged when all of them are done with.

    Until then its place there is among those that are `held`.
    """

    __slots__ = ("_held", "_open", "headers", "taken")

    def __init__(self, taken: Taken, recipients: int, held: set[int]) -> None:
        self.taken = taken
        self.headers = taken.headers
        self._open = recipients
        self._held = held
        # It has been decoded. What waits would be in memory twice, and still once with its body left in the log.
        taken.data = b""

    def done(self) -> Awaitable[None]:
        """One recipient less."""
        self._open -= 1
        if self._open:
            return _nothing()
        self._held.discard(self.taken.seq)
        return self.taken.ack()


async def _nothing() -> None:
    """Others are not done with it."""


class FromQueue:
    """A leg that waits in its thread's queue, for one recipient."""

    __slots__ = ("_later", "waiting")

    def __init__(self, later: LaterLog, waiting: Waiting) -> None:
        self._later = later
        self.waiting = waiting

    @property
    def headers(self) -> Mapping[str, str]:
        """As they were in the outbound log."""
        return self.waiting.headers

    def done(self) -> Awaitable[None]:
        """It leaves the queue."""
        return self._later.remove(self.waiting)


class Job(msgspec.Struct, eq=False):
    """One leg for one recipient.

    `body` is None while it is left in the log to save memory. `place` is where the leg stands in the outbound log and
    `stored_at` when it was stored there, `taken_at` when we took it (microseconds since the epoch). `fresh`: nobody has
    worked on it before. `attempt` counts the failures in a row; `begun` is when its last part was about to be sent
    (milliseconds). `envelope` is its envelope's id, in hex. `failure` is what became of it when it was sent together
    with others, at `failed_at` (seconds), and what follows from that is still to be decided. `written` gets NATS's
    answer when it is written down that the leg was sent.
    """

    source: Source
    header: Header
    body: bytes | None
    recipient: Address
    thread: str
    place: int
    stored_at: int
    taken_at: int
    fresh: bool
    attempt: int = 0
    begun: int = 0
    failure: SendFailed | None = None
    failed_at: float = 0.0
    written: Written | None = None
    envelope: str = ""
    _times: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        self.envelope = self.header.id.hex()

    @property
    def times(self) -> tuple[int, ...]:
        """When its envelope passed each hop before us, in microseconds since the epoch, as far as that is known."""
        if self._times is None:
            self._times = times_in(self.source.headers)
        return self._times

    @property
    def is_surely_new(self) -> bool:
        """Whether nothing of this leg can have been sent before.

        A leg that is new in the log can be an old one that was routed again after the log had forgotten its id; then
        its message is old, too. A notice has no time of its own, and one that an operator replays may have been sent.
        """
        if not self.fresh or self.header.sender.app == SYSTEM_APP or REPLAY in self.source.headers:
            return False
        passed = self.times
        began = min(passed[0], self.header.at * 1000) if passed else 0
        return self.taken_at - began < SURELY_NEW

    def ends(self, max_age: float) -> float:
        """When it is too late for it, in seconds since the epoch. `max_age`: how many seconds it may wait."""
        end = self.stored_at / 1e6 + max_age
        return min(end, self.header.expires / 1000) if self.header.expires is not None else end
