"""What the ledger says of legs: read where a host's own memory does not reach back."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import structlog

from gearmesh.bus import direct
from gearmesh.bus.connection import Connection
from gearmesh.bus.streams import LEDGER
from gearmesh.model.delivery import LedgerEntry
from gearmesh.wire.subjects import Subjects

log = structlog.get_logger("gearmesh.journal")


class LedgerReader:
    """Reads what `Ledger` has written."""

    def __init__(self, connection: Connection, subjects: Subjects) -> None:
        self._connection = connection
        self._subjects = subjects
        self._decoder = msgspec.msgpack.Decoder(LedgerEntry)

    async def last(self, app: str, envelopes: Sequence[str]) -> dict[str, LedgerEntry]:
        """The last step of each envelope's leg in an app, by envelope (hex id); left out where there is none.

        Raises:
            BusUnavailable: nats does not answer.
        """
        subjects = [self._subjects.ledger(app, envelope) for envelope in envelopes]
        found = await direct.last_of(self._connection, self._subjects.stream(LEDGER), subjects)
        return {entry.envelope: entry for entry in map(self._read, found) if entry}

    async def steps(self, app: str, envelope: str) -> list[LedgerEntry]:
        """All steps of an envelope's leg in an app, in the order in which they were written down.

        That a message was sent can stand behind what its network reported of it meanwhile.

        Raises:
            BusUnavailable: nats does not answer.
        """
        stream, subject = self._subjects.stream(LEDGER), self._subjects.ledger(app, envelope)
        steps = [self._read(found) async for found in direct.scan(self._connection, stream, subject)]
        return [entry for entry in steps if entry]

    async def any_of(self, envelope: str) -> LedgerEntry | None:
        """The last step of one of an envelope's legs, in whatever app; None when there is none of any.

        Raises:
            BusUnavailable: nats does not answer.
        """
        found = await direct.last_of(
            self._connection, self._subjects.stream(LEDGER), [self._subjects.ledger_of(envelope)]
        )
        entries = [entry for entry in map(self._read, found) if entry]
        return max(entries, key=lambda entry: bool(entry.to), default=None)

    def _read(self, found: direct.Found) -> LedgerEntry | None:
        try:
            return self._decoder.decode(found.data)
        except msgspec.MsgspecError as error:
            log.error("a ledger entry cannot be read", subject=found.subject, error=str(error))
            return None
