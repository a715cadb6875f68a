"""When an envelope passed each hop, its trace, and whether it is replayed: NATS headers beside the envelope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

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
Time = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
HOP_NAMES: Final = ("received", "stored in", "routed", "stored out", "taken", "sent")
HOPS: Final = len(HOP_NAMES)
NAMED: Final = tuple(HOP_NAMES[len(HOP_NAMES) - count :] for count in range(len(HOP_NAMES) + 1))
"""The names of so many hops, of which the last is the last one: a native client's envelope has no first time."""

# A list of numbers as JSON has them: msgspec reads it in a fifth of the time that `split` and `int` take.
_decode: Final = msgspec.json.Decoder(tuple[Time, ...]).decode


def named(*times: int) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The names of the hops that were passed at these times, of which the last is that of the last hop; and the times,
    of no more hops than there are."""
    times = times[-HOPS:]
    return NAMED[len(times)], times


def times_in(headers: Mapping[str, str]) -> tuple[int, ...]:
    """When an envelope passed each hop so far, in microseconds since the epoch; () when its headers do not say it."""
    text = headers.get(TIMES, "")
    if not 0 < len(text) <= MAX_TIMES:
        return ()
    try:
        return _decode(f"[{text}]")
    except ValueError:
        return ()


def passed(before: str, *now: int) -> str:
    """The header's value with further hops; `before` is what it was. A join of texts: it is made at every hop."""
    times = ",".join(map(str, now))
    return f"{before},{times}" if 0 < len(before) <= MAX_TIMES else times
