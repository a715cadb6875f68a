"""The object store `gm-media`: files by the hash of their content, in pieces, and beside each what it is.

The format is that of every NATS object store (ADR-20). Writing and reading are our own: nats-py waits for ever for a
piece that is missing, and gives a file out as one block of memory. Here a file is never in memory but for a piece.

    $O.gm-media.C.<number of the upload>    pieces of 64 KiB, in order
    $O.gm-media.M.<base64url of the name>   ObjectInfo, JSON; in its `metadata` a MediaRecord's further fields

Names are the SHA-256 of the content in hex, and `<sha256>.<profile>` for what was made of it. So a name never stands
for two contents, whoever writes first is right, and whoever comes second finds it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
import nats.errors
import nats.js.errors
import structlog

from gearmesh.bus import direct
from gearmesh.bus.connection import Connection
from gearmesh.bus.precedence import Precedence
from gearmesh.bus.publisher import Publisher
from gearmesh.bus.streams import MEDIA, MEDIA_TTL
from gearmesh.errors import BusRefused, BusUnavailable, FileUnusable
from gearmesh.wire.subjects import Subjects

log = structlog.get_logger("gearmesh.bus")

PIECE: Final = 64 * 1024
"""Bytes. Half of what other clients write: what is written while a piece is on its way waits for no more than this."""
AT_ONCE: Final = 2
"""Pieces that are asked for with one request: what each reader has in memory."""
STORED_WITHIN: Final = 20.0
FRESH: Final = MEDIA_TTL / 2
"""Seconds. An older file is stored anew when it comes again: links to it live for a week from now."""
WRONG_LAST_SEQUENCE: Final = 10071


class MediaRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file in the store, under `name`. The fields are those of `MediaRef`; `at` is when it was stored, in seconds."""

    name: str
    size: int
    sha256: str
    mime: str
    width: int = 0
    height: int = 0
    duration: float = 0.0
    animated: bool = False
    at: float = 0.0
    detail: str = ""
    """What else is known of it: written and read by whoever made the file."""


class _Options(msgspec.Struct):
    max_chunk_size: int = PIECE


class _ObjectInfo(msgspec.Struct, omit_defaults=True):
    """ADR-20."""

    name: str
    bucket: str
    nuid: str
    size: int
    chunks: int
    digest: str
    mtime: str = ""
    options: _Options = msgspec.field(default_factory=_Options)
    metadata: dict[str, str] = {}
    deleted: bool = False


class _Found(msgspec.Struct):
    """What stands under a name, as message `seq` of the stream. `record` is None where pieces of it are gone."""

    seq: int
    info: _ObjectInfo | None = None
    record: MediaRecord | None = None


NOTHING: Final = _Found(0)


class MediaStore:
    """The files of one Gearmesh. They go one piece at a time, whoever reads or writes, and after messages."""

    def __init__(
        self, connection: Connection, publisher: Publisher, subjects: Subjects, precedence: Precedence
    ) -> None:
        self.precedence = precedence
        self._connection = connection
        self._publisher = publisher
        self._bucket = subjects.bucket(MEDIA)
        self._stream = f"OBJ_{self._bucket}"
        self._infos: msgspec.json.Decoder[_ObjectInfo] = msgspec.json.Decoder(_ObjectInfo)

    async def find(self, name: str) -> MediaRecord | None:
        """What is stored under a name; None where nothing is, or where pieces of it are gone already.

        Raises:
            BusUnavailable: nats does not answer.
        """
        return (await self._find(name)).record

    async def put(self, path: Path, record: MediaRecord) -> MediaRecord:
        """Store a file, unless it is there already and will be for at least a week. What is there now.

        Raises:
            BusUnavailable: nats does not answer, or has no room.
        """
        before = await self._find(record.name)
        if before.record and self.is_fresh(before.record):
            return before.record
        nuid = self._connection.client._nuid.next().decode()
        try:
            pieces, digest = await self._put_pieces(path, nuid)
        except BaseException as error:
            await asyncio.shield(self._purge(nuid))
            if isinstance(error, BusRefused):
                raise BusUnavailable(f"the file could not be stored: {error}") from None
            raise
        stored = msgspec.structs.replace(record, at=time.time())
        metadata = {
            key: str(value) for key, value in msgspec.to_builtins(stored).items() if key not in {"name", "size"}
        }
        info = _ObjectInfo(
            record.name,
            self._bucket,
            nuid,
            record.size,
            pieces,
            f"SHA-256={digest}",
            datetime.now(UTC).isoformat(),
            metadata=metadata,
        )
        # Where no answer comes, or nobody waits for it any more, the record may be stored all the same, and later: then
        # the pieces must be there. They go by age where it never was.
        try:
            await self._publisher.publish(
                self._meta(record.name),
                msgspec.json.encode(info),
                message_id=f"{nuid}.info",
                headers={"Nats-Rollup": "sub", "Nats-Expected-Last-Subject-Sequence": str(before.seq)},
                patience=STORED_WITHIN,
            )
        except BusRefused as error:
            await self._purge(nuid)
            if error.code == WRONG_LAST_SEQUENCE and (other := await self.find(record.name)):
                return other  # somebody else was faster, with the same content
            raise BusUnavailable(f"the file could not be stored: {error}") from None
        return stored

    def is_fresh(self, record: MediaRecord) -> bool:
        """Whether it will be there for at least a week, for which links to it live."""
        return time.time() - record.at < FRESH

    async def read(self, name: str, *, start: int = 0, stop: int | None = None) -> AsyncGenerator[bytes, None]:
        """The bytes of a file from `start` to before `stop`, in pieces as they were stored.

        Raises:
            FileUnusable: there is no such file, or a part of it is gone.
            BusUnavailable: nats does not answer.
        """
        found = await self._find(name)
        if found.info is None or found.record is None:
            raise FileUnusable("it is not kept any more")
        end = found.info.size if stop is None else min(stop, found.info.size)
        place = count = 0
        subject = f"$O.{self._bucket}.C.{found.info.nuid}"
        pieces = direct.scan(self._connection, self._stream, subject, batch=AT_ONCE)
        async with aclosing(pieces):
            while piece := await self._next(pieces):
                data, count = piece.data, count + 1
                if place < end and place + len(data) > start:
                    yield data[max(0, start - place) : end - place]
                place += len(data)
                if place >= end and end < found.info.size:
                    return
        if place != found.info.size or count != found.info.chunks:
            raise FileUnusable("a part of it is not kept any more")

    async def _next(self, pieces: AsyncGenerator[direct.Found, None]) -> direct.Found | None:
        async with self.precedence.turn():
            return await anext(pieces, None)

    async def _find(self, name: str) -> _Found:
        js = self._connection.js
        try:
            message = await js.get_msg(self._stream, subject=self._meta(name))
        except nats.js.errors.NotFoundError:
            return NOTHING
        except (TimeoutError, nats.errors.Error, nats.js.errors.Error, OSError) as error:
            raise BusUnavailable(f"reading {name} in {self._bucket}: {type(error).__name__}") from None
        try:
            info = self._infos.decode(message.data or b"")
            fields = {"sha256": "", "mime": "application/octet-stream", **info.metadata}
            record = msgspec.convert({**fields, "name": info.name, "size": info.size}, MediaRecord, strict=False)
        except msgspec.MsgspecError as error:
            log.error("a file's record cannot be read", name=name, error=str(error))
            return _Found(message.seq or 0)
        whole = not info.deleted and info.nuid.isalnum() and await self._count(info.nuid) == info.chunks
        return _Found(message.seq or 0, info, record if whole else None)

    async def _count(self, nuid: str) -> int:
        """How many pieces of an upload are there: age, or an operator's limit, may have taken some away."""
        subject = f"$O.{self._bucket}.C.{nuid}"
        try:
            state = (await self._connection.js.stream_info(self._stream, subjects_filter=subject)).state
        except (TimeoutError, nats.errors.Error, nats.js.errors.Error, OSError) as error:
            raise BusUnavailable(f"reading {subject}: {type(error).__name__}") from None
        return (state.subjects or {}).get(subject, 0)

    async def _put_pieces(self, path: Path, nuid: str) -> tuple[int, str]:
        """How many pieces were stored, and their digest in base64url."""
        digest = hashlib.sha256()
        number = 0
        with path.open("rb") as file:
            while piece := await asyncio.to_thread(file.read, PIECE):
                digest.update(piece)
                async with self.precedence.turn():
                    await self._publisher.publish(
                        f"$O.{self._bucket}.C.{nuid}", piece, message_id=f"{nuid}.{number}", patience=STORED_WITHIN
                    )
                number += 1
        return number, base64.urlsafe_b64encode(digest.digest()).decode()

    async def _purge(self, nuid: str) -> None:
        """Take the pieces of an upload away that nothing names; those that stay all the same go by age."""
        try:
            await self._connection.js.purge_stream(self._stream, subject=f"$O.{self._bucket}.C.{nuid}")
        except (TimeoutError, nats.errors.Error, nats.js.errors.Error, OSError) as error:
            log.warning("the pieces of a file stay for two weeks", error=type(error).__name__)

    def _meta(self, name: str) -> str:
        return f"$O.{self._bucket}.M.{base64.urlsafe_b64encode(name.encode()).decode()}"
