"""When an envelope passed each hop, its trace, and whether it is replayed: NATS headers beside the envelope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from gearmesh.model.delivery import Hop

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

    def hops(self, *now: int) -> tuple[Hop, ...]:
        """The hops by name, with further ones. A native client's envelope has no first time: its names start later."""
        times = (*self.passed, *now)[-len(HOP_NAMES) :]
        return tuple(map(Hop, HOP_NAMES[-len(times) :], times))


def passed(before: str, *now: int) -> str:
    """The header's value with further hops; `before` is what it was. A join of texts: it is made at every hop."""
    times = ",".join(map(str, now))
    return f"{before},{times}" if 0 < len(before) <= MAX_TIMES else times
