"""Dead letters as an operator handles them: found, read, and taken away. What was kept is in bus/journal.py."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Final

import msgspec
import nats.errors
import nats.js.errors

from gearmesh.bus.connection import Connection
from gearmesh.bus.log_reader import Kept, LogReader
from gearmesh.bus.streams import DEAD
from gearmesh.errors import BusRefused, BusUnavailable, Malformed, WireError
from gearmesh.model.envelope import Header
from gearmesh.wire.codec import decode
from gearmesh.wire.subjects import Subjects

MOST: Final = 100_000
"""Dead letters that are looked at: with more, something else is wrong."""


class Letter(msgspec.Struct, frozen=True):
    """One dead letter, without its bytes. `seq` is its place in GM_DEAD, `at` when it was kept (milliseconds).

    `subject` is where an envelope or a leg stood, "" for input of the network. `header` is the envelope's, where it can
    be read. `size` is what is kept, in bytes, `cut_from` the full size where the end was cut off, else 0.
    """

    id: str
    app: str
    seq: int
    at: int
    reason: str
    detail: str
    subject: str
    size: int
    cut_from: int
    headers: Mapping[str, str]
    header: Header | None


class Wanted(msgspec.Struct, frozen=True):
    """Which dead letters are meant. `before` and `after` are milliseconds since the epoch; "" and None mean any."""

    app: str = ""
    reason: str = ""
    before: int | None = None
    after: int | None = None

    def matches(self, letter: Letter) -> bool:
        """Whether a letter is one of them."""
        return (
            self.app in {"", letter.app}
            and self.reason in {"", letter.reason}
            and (self.before is None or letter.at < self.before)
            and (self.after is None or letter.at > self.after)
        )


class Letters:
    """The dead letters under one prefix."""

    def __init__(self, connection: Connection, subjects: Subjects) -> None:
        self._connection = connection
        self._reader = LogReader(connection)
        self._subjects = subjects
        self._stream = subjects.stream(DEAD)

    async def find(self, wanted: Wanted) -> list[Letter]:
        """Those that are wanted, oldest first.

        Raises:
            BusRefused: there are no dead letters at this NATS, for the stream is missing.
            BusUnavailable: nats does not answer.
        """
        return await self._read(self._subjects.dead_of(wanted.app), wanted)

    async def named(self, beginning: str, wanted: Wanted) -> dict[tuple[str, str], list[Letter]]:
        """Those among the wanted whose id begins so, by app and id, each oldest first. An id in full names no other.

        The same bytes that could not go on twice have one id, and are two letters.

        Raises:
            BusRefused, BusUnavailable: as in `find`.
        """
        standing = await self._reader.subjects(self._stream, self._subjects.dead_of(wanted.app), most=MOST)
        names = [self._subjects.read_dead(subject) for subject in standing]
        meant = [name for name in names if name[1] == beginning]
        meant = meant or [name for name in names if name[1].startswith(beginning)]
        found = {(app, letter): await self._read(self._subjects.dead(app, letter), wanted) for app, letter in meant}
        return {name: letters for name, letters in sorted(found.items()) if letters}

    async def raw(self, letter: Letter) -> bytes:
        """The bytes that could not go on, as they were.

        Raises:
            Malformed: they cannot be read back, or the letter is gone.
            BusRefused, BusUnavailable: as in `find`.
        """
        kept = await self._reader.at(self._stream, letter.seq)
        if kept is None:
            raise Malformed("it is gone: somebody has replayed or dropped it")
        return _opened(kept)

    async def drop(self, letter: Letter) -> None:
        """Take a letter away for good. One that is gone already is no mistake.

        Raises:
            BusRefused: nats does not let us.
            BusUnavailable: nats does not answer.
        """
        try:
            await self._connection.js.delete_msg(self._stream, letter.seq)
        except nats.js.errors.APIError as error:
            if await self._reader.at(self._stream, letter.seq) is None:
                return
            raise BusRefused(
                f"the dead letter {letter.id} cannot be taken away: {error.description}", error.err_code or 0
            ) from None
        except (TimeoutError, nats.errors.Error, nats.js.errors.Error, OSError) as error:
            raise BusUnavailable(
                f"the dead letter {letter.id} was not taken away ({type(error).__name__}); may our user publish to "
                f"$JS.API.STREAM.MSG.DELETE.{self._stream}?"
            ) from None

    async def _read(self, subject: str, wanted: Wanted) -> list[Letter]:
        found: list[Letter] = []
        async for kept in self._reader.read(self._stream, subject, most=MOST):
            letter = self._letter(kept)
            if wanted.matches(letter):
                found.append(letter)
        return found

    def _letter(self, kept: Kept) -> Letter:
        app, identity = self._subjects.read_dead(kept.subject)
        headers = {name: value for name, value in kept.headers.items() if name.startswith("Gm-")}
        cut_from = headers.get("Gm-Truncated", "")
        subject = headers.get("Gm-Subject", "")
        return Letter(
            identity,
            app,
            kept.seq,
            kept.stored_at // 1000,
            headers.get("Gm-Reason", ""),
            headers.get("Gm-Detail", ""),
            subject,
            len(kept.data),
            int(cut_from) if cut_from.isdecimal() else 0,
            headers,
            _header(kept) if subject else None,
        )


def _opened(kept: Kept) -> bytes:
    if kept.headers.get("Gm-Encoding") != "zlib":
        return kept.data
    try:
        return zlib.decompress(kept.data)
    except zlib.error as error:
        raise Malformed(f"it says that it is compressed, and cannot be read: {error}") from None


def _header(kept: Kept) -> Header | None:
    try:
        return decode(_opened(kept)).header
    except WireError:
        return None
