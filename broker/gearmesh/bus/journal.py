"""What is written down beside the messages: the ledger of every leg, dead letters, and the times of the hops."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Final

import msgspec
import structlog

from gearmesh.bus.connection import Connection
from gearmesh.bus.publisher import Publisher, Stored
from gearmesh.core.ids import raw_id
from gearmesh.errors import BusError
from gearmesh.metrics import Metrics
from gearmesh.model.delivery import Hop, LedgerEntry, Reason
from gearmesh.wire.subjects import Subjects

log = structlog.get_logger("gearmesh.journal")

TIMES: Final = "Gm-Times"
TRACE: Final = "Gm-Trace"
"""A W3C traceparent that a client may set; it is passed on. Without one, an envelope's id is its trace id."""
MAX_TRACE: Final = 128
"""Characters; a traceparent has 55 (W3C Trace Context, 2021). Both headers are anybody's to write: a longer one is
left out, for it could make a message that no stream takes."""
MAX_TIMES: Final = 256
"""Characters; six times have 101."""
LATEST: Final = 2**53
HOP_NAMES: Final = ("received", "stored in", "routed", "stored out", "taken", "sent")
COMPRESS_ABOVE: Final = 128 * 1024


class Times(msgspec.Struct, frozen=True):
    """When an envelope passed each hop so far, in microseconds since the epoch; carried in a NATS header."""

    passed: tuple[int, ...] = ()

    @classmethod
    def read(cls, headers: Mapping[str, str]) -> Times:
        """The times in a message's headers; none where it has none that can be read."""
        text = headers.get(TIMES, "")
        try:
            times = tuple([int(piece) for piece in text.split(",")]) if 0 < len(text) <= MAX_TIMES else ()
        except ValueError:
            return cls()
        return cls(times) if all(0 <= time <= LATEST for time in times) else cls()

    def hops(self, *now: int) -> tuple[Hop, ...]:
        """The hops by name, with further ones. A native client's envelope has no first time: its names start later."""
        times = (*self.passed, *now)[-len(HOP_NAMES) :]
        return tuple(Hop(name, at) for name, at in zip(HOP_NAMES[-len(times) :], times, strict=True))


def passed(before: str, *now: int) -> str:
    """The header's value with further hops; `before` is what it was. A join of texts: it is made at every hop."""
    times = ",".join(map(str, now))
    return f"{before},{times}" if 0 < len(before) <= MAX_TIMES else times


class Journal:
    """Writes the ledger and the dead letters."""

    def __init__(self, connection: Connection, publisher: Publisher, subjects: Subjects, metrics: Metrics) -> None:
        self.connection = connection
        self._publisher = publisher
        self._subjects = subjects
        self._metrics = metrics
        self._encode = msgspec.msgpack.Encoder().encode

    async def record(self, entry: LedgerEntry) -> None:
        """Write one step of a leg, without waiting until it is stored."""

        async def outcome(result: Stored | BusError) -> None:
            if isinstance(result, BusError):
                log.error("the ledger did not take an entry", envelope=entry.envelope, error=str(result))

        headers = {"Nats-Msg-Id": f"{entry.envelope}:{entry.app}:{entry.to}:{entry.state}"}
        subject = self._subjects.ledger(entry.app, entry.envelope)
        await self._publisher.send(subject, self._encode(entry), headers, outcome)

    async def bury(
        self,
        app: str,
        reason: Reason,
        detail: str,
        raw: bytes,
        *,
        letter_id: str = "",
        patience: float | None = None,
    ) -> str:
        """Keep a dead letter and return its id, once it is stored.

        Raises:
            BusUnavailable: not stored within `patience` seconds.
        """
        identity = letter_id or raw_id(raw)
        headers = {"Gm-Reason": reason, "Gm-Detail": _one_line(detail)}
        body = raw
        if len(body) > COMPRESS_ABOVE:
            body = zlib.compress(raw)
            headers["Gm-Encoding"] = "zlib"
        room = self.connection.max_payload
        if len(body) > room:
            log.error("a dead letter is larger than nats takes; its end is cut off", id=identity, size=len(raw))
            headers |= {"Gm-Truncated": str(len(raw))}
            headers.pop("Gm-Encoding", None)
            body = raw[:room]
        await self._publisher.publish(
            self._subjects.dead(app, identity),
            body,
            message_id=f"dead:{app}:{identity}",
            headers=headers,
            patience=patience,
        )
        self._metrics.dead_letters.labels(app, reason).inc()
        log.warning("dead letter", app=app, id=identity, reason=reason, detail=detail[:300])
        return identity


def _one_line(text: str) -> str:
    """A text as a header can carry it."""
    return " ".join(text.split())[:1000].encode("utf-8", "backslashreplace").decode()
