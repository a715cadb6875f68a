"""What the ledger says of legs: read where a host's own memory does not reach back."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence

import msgspec
import nats.errors
import nats.js.errors
import structlog

from gearmesh.bus import direct
from gearmesh.bus.connection import Connection
from gearmesh.bus.ledger import in_order
from gearmesh.bus.streams import LEDGER
from gearmesh.errors import BusUnavailable
from gearmesh.model.delivery import LedgerEntry
from gearmesh.wire.subjects import Subjects

log = structlog.get_logger("gearmesh.journal")


class Recorded(msgspec.Struct, frozen=True):
    """A step with its place in the log, and when it was stored there: milliseconds since the epoch."""

    entry: LedgerEntry
    seq: int
    at: int


class LedgerReader:
    """Reads what `Ledger` has written."""

    def __init__(self, connection: Connection, subjects: Subjects) -> None:
        self._connection = connection
        self._subjects = subjects
        self._decoder = msgspec.msgpack.Decoder(LedgerEntry)

    async def last(self, app: str, envelopes: Sequence[str]) -> dict[str, Recorded]:
        """The last step of each envelope's leg in an app but for those that say that it was sent, by envelope (hex id).

        Raises:
            BusUnavailable: nats does not answer.
        """
        subjects = [self._subjects.ledger(app, envelope) for envelope in envelopes]
        found = await direct.last_of(self._connection, self._subjects.stream(LEDGER), subjects)
        return {recorded.entry.envelope: recorded for recorded in map(self._read, found) if recorded}

    async def sent_to(self, app: str, thread: str, *, since: int, limit: int) -> list[Recorded]:
        """The `limit` newest legs that were sent to a thread since then (milliseconds), oldest first.

        Raises:
            BusUnavailable: nats does not answer.
        """
        newest: deque[Recorded] = deque(maxlen=limit)
        subject = self._subjects.sent_to(app, thread)
        async for found in direct.scan(self._connection, self._subjects.stream(LEDGER), subject, since=since):
            if recorded := self._read(found):
                newest.append(recorded)
        return list(newest)

    async def sent(self, app: str, thread: str, envelope: str) -> LedgerEntry | None:
        """What was last sent of an envelope to a thread. Asked of the leader, which knows all that was answered.

        Raises:
            BusUnavailable: nats does not answer.
        """
        return await self._last(self._subjects.sent_to(app, thread, envelope))

    async def sent_of(self, app: str, legs: Collection[tuple[str, str]]) -> dict[tuple[str, str], LedgerEntry]:
        """What was last sent of each of these legs, given as thread and envelope (hex id), as far as it is known.

        Raises:
            BusUnavailable: nats does not answer.
        """
        subjects = [self._subjects.sent_to(app, thread, envelope) for thread, envelope in legs]
        found = await direct.last_of(self._connection, self._subjects.stream(LEDGER), subjects)
        entries = (recorded.entry for recorded in map(self._read, found) if recorded)
        return {(entry.thread, entry.envelope): entry for entry in entries}

    async def sent_as(self, app: str, thread: str, native_id: str) -> LedgerEntry | None:
        """What was sent to a thread as this native message, the last of its leg. Asked of the leader, too.

        Raises:
            BusUnavailable: nats does not answer.
        """
        return await self._last(self._subjects.sent_as(app, native_id, thread))

    async def steps(self, app: str, envelope: str) -> list[LedgerEntry]:
        """All steps of an envelope's legs in an app, in the order in which they were written down.

        Raises:
            BusUnavailable: nats does not answer.
        """
        stream, steps = self._subjects.stream(LEDGER), []
        for subject in self._subjects.ledger_of(envelope):
            found = direct.scan(self._connection, stream, subject)
            steps += [(one.seq, one.subject, read.entry) async for one in found if (read := self._read(one))]
        return [entry for entry in in_order(steps) if entry.app == app]

    async def any_of(self, envelope: str) -> LedgerEntry | None:
        """The last step of one of an envelope's legs, in whatever app; None when there is none of any.

        Raises:
            BusUnavailable: nats does not answer.
        """
        subjects = list(self._subjects.ledger_of(envelope))
        found = await direct.last_of(self._connection, self._subjects.stream(LEDGER), subjects)
        entries = [recorded.entry for recorded in map(self._read, found) if recorded]
        return max(entries, key=lambda entry: bool(entry.to), default=None)

    async def _last(self, subject: str) -> LedgerEntry | None:
        stream = self._subjects.stream(LEDGER)
        try:
            message = await self._connection.js.get_msg(stream, subject=subject, direct=False)
        except nats.js.errors.NotFoundError:
            return None
        except (TimeoutError, nats.errors.Error, nats.js.errors.Error, OSError) as error:
            raise BusUnavailable(f"reading {subject}: {type(error).__name__}") from None
        return self._decode(subject, message.data or b"")

    def _read(self, found: direct.Found) -> Recorded | None:
        entry = self._decode(found.subject, found.data)
        return Recorded(entry, found.seq, found.at) if entry else None

    def _decode(self, subject: str, data: bytes) -> LedgerEntry | None:
        try:
            return self._decoder.decode(data)
        except msgspec.MsgspecError as error:
            log.error("a ledger entry cannot be read", subject=subject, error=str(error))
            return None
