"""Typed KV buckets: MessagePack records under keys of tokens."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

import msgspec
import nats.errors
import nats.js.errors
import structlog

from gearmesh.bus import direct
from gearmesh.bus.connection import Connection
from gearmesh.bus.publisher import Publisher
from gearmesh.errors import BusRefused, BusUnavailable, Malformed

log = structlog.get_logger("gearmesh.bus")

Record = TypeVar("Record")
WRONG_LAST_SEQUENCE = 10071
DELETED_FOR = "1m"
"""How long it can be seen that something was deleted (`Nats-TTL`, ADR-43): then nothing is left of it."""


class Entry(msgspec.Struct, Generic[Record], frozen=True):
    """A record with its key, and when it was written: milliseconds since the epoch, by the clock of nats. `revision` is
    what `get_with_revision` gives."""

    key: str
    record: Record
    at: int
    revision: int = 0


class Store(Generic[Record]):
    """One bucket of one kind of record. Reads are direct; writes go through the publisher, in order with the rest."""

    def __init__(self, connection: Connection, publisher: Publisher, bucket: str, record: type[Record]) -> None:
        self._connection = connection
        self._publisher = publisher
        self._stream = f"KV_{bucket}"
        self._prefix = f"$KV.{bucket}."
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder: msgspec.msgpack.Decoder[Record] = msgspec.msgpack.Decoder(record)

    def entry(self, key: str, record: Record) -> tuple[str, bytes]:
        """Subject and payload of a record, for who publishes it in a way of their own."""
        return self._prefix + key, self._encoder.encode(record)

    async def get(self, key: str, *, certain: bool = False) -> Record | None:
        """The record under `key`, or None. `certain`: asked of the leader, which knows every write that was answered.

        Raises:
            BusUnavailable: nats does not answer.
            Malformed: what stands there is no such record.
        """
        found = await self.get_with_revision(key, certain=certain)
        return found[0] if found else None

    async def get_with_revision(self, key: str, *, certain: bool = True) -> tuple[Record, int] | None:
        """The record and its revision, for `update`."""
        try:
            message = await self._connection.js.get_msg(self._stream, subject=self._prefix + key, direct=not certain)
        except nats.js.errors.NotFoundError:
            return None
        except (TimeoutError, nats.errors.Error, nats.js.errors.Error, OSError) as error:
            raise BusUnavailable(f"reading {self._prefix}{key}: {type(error).__name__}") from None
        if not message.data or (message.headers and message.headers.get("KV-Operation")):
            return None
        try:
            return self._decoder.decode(message.data), message.seq or 0
        except msgspec.MsgspecError as error:
            raise Malformed(f"the record at {self._prefix}{key}: {error}") from None

    async def scan(self, keys: str, *, since: int = 0, limit: int) -> list[Entry[Record]]:
        """The records whose keys match `keys`, in which `*` is any token: the `limit` newest of them, oldest first.

        `since` (milliseconds since the epoch) leaves out what was written before. What is no such record is left out.

        Raises:
            BusUnavailable: nats does not answer.
        """
        entries: deque[Entry[Record]] = deque(maxlen=limit)
        async for found in direct.scan(self._connection, self._stream, self._prefix + keys, since=since):
            if not found.data or "KV-Operation" in found.headers:
                continue
            key = found.subject.removeprefix(self._prefix)
            try:
                entries.append(Entry(key, self._decoder.decode(found.data), found.at, found.seq))
            except msgspec.MsgspecError as error:
                log.error("a record cannot be read", key=found.subject, error=str(error))
        return list(entries)

    async def put(self, key: str, record: Record, *, patience: float | None = None) -> None:
        """Write, whatever stood there. Returns when it is stored.

        Raises:
            BusUnavailable: not stored within `patience` seconds.
        """
        await self._publisher.publish(self._prefix + key, self._encoder.encode(record), patience=patience)

    async def delete(self, key: str, *, patience: float | None = None) -> None:
        """Delete what stands there, if anything does. Returns when that is stored.

        Raises:
            BusUnavailable: not stored within `patience` seconds.
        """
        headers = {"KV-Operation": "DEL", "Nats-TTL": DELETED_FOR}
        await self._publisher.publish(self._prefix + key, b"", headers=headers, patience=patience)

    async def create(self, key: str, record: Record) -> bool:
        """Write if nothing stands there; False when something does."""
        return bool(await self.update(key, record, revision=0))

    async def update(self, key: str, record: Record, *, revision: int) -> int:
        """Write if the record is still the one of `revision`. Its new revision; 0 when somebody was faster."""
        headers = {"Nats-Expected-Last-Subject-Sequence": str(revision)}
        try:
            stored = await self._publisher.publish(
                self._prefix + key, self._encoder.encode(record), headers=headers, patience=5.0
            )
        except BusRefused as error:
            if error.code == WRONG_LAST_SEQUENCE:
                return 0
            raise
        return stored.seq
