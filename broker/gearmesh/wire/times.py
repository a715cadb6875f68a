"""When an envelope passed each hop, its trace, and whether it is replayed: NATS headers beside the envelope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

TIMES: Final = "Gm-Times"
TRACE: Final = "Gm-Trace"
"""A W3C traceparent that a client may set; it is passed on. Without one, an envelope's id is its trace id."""
REPLAY: Final = "Gm-Replay"
"""On what an operator has put back into its log: it may have been worked on before, however new it is there."""
MAX_TRACE: Final = 128
"""Characters; a traceparent has 55 (W3C Trace Context, 2021). Both headers are anybody's to write: a longer one is
left out, for it could make a message that no stream takes."""
MAX_TIMES: Final = 256
"""Characters; six times have 101."""
LATEST: Final = 2**53
HOP_NAMES: Final = ("received", "stored in", "routed", "stored out", "taken", "sent")
NAMED: Final = tuple(HOP_NAMES[len(HOP_NAMES) - count :] for count in range(len(HOP_NAMES) + 1))
"""The names of so many hops, of which the last is the last one: a native client's envelope has no first time."""


class Times(msgspec.Struct, frozen=True, gc=False):
    """When an envelope passed each hop so far, in microseconds since the epoch; carried in a NATS header."""

    passed: tuple[int, ...] = ()

    @classmethod
    def read(cls, headers: Mapping[str, str]) -> Times:
        """The times in a message's headers; none where it has none that can be read."""
        text = headers.get(TIMES, "")
        try:
            times = tuple(map(int, text.split(","))) if 0 < len(text) <= MAX_TIMES else ()
        except ValueError:
            return cls()
        return cls(times) if times and min(times) >= 0 and max(times) <= LATEST else cls()

    def until(self, *now: int) -> tuple[int, ...]:
        """The times with further ones, the last of them that of the last hop."""
        return (*self.passed, *now)[-len(HOP_NAMES) :]


def passed(before: str, *now: int) -> str:
    """The header's value with further hops; `before` is what it was. A join of texts: it is made at every hop."""
    times = ",".join(map(str, now))
    return f"{before},{times}" if 0 < len(before) <= MAX_TIMES else times
