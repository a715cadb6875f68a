"""One envelope's life: what the logs, the ledger, the message map and the dead letters say of it, put together.

The ledger knows most: each step of each leg, and with `sent` the times of all hops and the native ids. Where an
envelope has not come so far, it is looked for in the logs themselves: by its conversation, which the map or a letter
tells, else by reading the newest of everything.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import msgspec

from gearmesh.bus.connection import Connection
from gearmesh.bus.ledger import in_order
from gearmesh.bus.letters import Letter, Letters, Wanted
from gearmesh.bus.log_reader import Kept, LogReader
from gearmesh.bus.streams import IN, LATER, LEDGER, OUT
from gearmesh.errors import Malformed, WireError
from gearmesh.model.delivery import LedgerEntry
from gearmesh.model.envelope import Header
from gearmesh.wire.codec import decode
from gearmesh.wire.subjects import Subjects, is_digest, kv_token, kv_untoken

MOST: Final = 20_000
"""Messages that are read from one stream, at most."""
MOST_IDS: Final = 300_000
"""Ids among which a beginning is looked for."""
BEFORE: Final = 60_000_000
"""Microseconds before the earliest known step: an envelope is stored before its first step is recorded."""
ID_DIGITS: Final = 32


class NativeName(msgspec.Struct, frozen=True):
    """What an envelope is called in a thread of a network. `at` (microseconds) is when that was written down."""

    app: str
    thread: str
    native_ids: tuple[str, ...]
    at: int


class Standing(msgspec.Struct, frozen=True):
    """An envelope or a leg in a log. `app` is whose log it is, `thread` its lane in GM_LATER, elsewhere ""."""

    app: str
    thread: str
    header: Header
    stored_at: int
    replayed: bool


class History(msgspec.Struct, frozen=True):
    """Everything that is known of one envelope, each part oldest first."""

    envelope: str
    ledger: tuple[LedgerEntry, ...] = ()
    names: tuple[NativeName, ...] = ()
    inbound: tuple[Standing, ...] = ()
    legs: tuple[Standing, ...] = ()
    later: tuple[Standing, ...] = ()
    dead: tuple[Letter, ...] = ()

    @property
    def is_unknown(self) -> bool:
        """Whether nothing at all is known."""
        return not (self.ledger or self.names or self.inbound or self.legs or self.later or self.dead)


# Host records as far as they matter here; whole they are in host/message_map.py, which stands above.


class _Leg(msgspec.Struct, frozen=True):
    native_ids: tuple[str, ...]


class _Native(msgspec.Struct, frozen=True):
    envelope: str = ""
    conversation: str = ""


class Archive:
    """Collects histories. Reads only."""

    def __init__(self, connection: Connection, subjects: Subjects) -> None:
        self._reader = LogReader(connection)
        self._letters = Letters(connection, subjects)
        self._subjects = subjects
        self._map = f"KV_{subjects.bucket('map')}"
        self._keys = f"$KV.{subjects.bucket('map')}."

    async def envelope_of(self, app: str, native_id: str) -> str | None:
        """The envelope (hex id) that a native message is; "" when it was answered by a notice, None when unknown.

        Raises:
            BusRefused, BusUnavailable: the map cannot be read.
        """
        # Nobody says in which thread it is, so that all of them are looked through: for one question that is no harm.
        sent = await self._reader.last(self._subjects.stream(LEDGER), self._subjects.sent_as(app, native_id))
        record = _entry(sent) if sent else await self._native(app, native_id)
        return record.envelope if record else None

    async def find(self, beginning: str) -> list[str]:
        """The envelopes whose hex id begins so: those with a step in the ledger, a native id or a dead letter.

        Raises:
            BusRefused: there are too many ids to look through; or a stream is missing.
            BusUnavailable: nats does not answer.
        """
        if len(beginning) == ID_DIGITS:
            return [beginning]
        stream, (steps, sent) = self._subjects.stream(LEDGER), self._subjects.ledger_of()
        ids = {subject.rpartition(".")[2] for subject in await self._reader.subjects(stream, steps, most=MOST_IDS)}
        ids |= {subject.split(".")[-2] for subject in await self._reader.subjects(stream, sent, most=MOST_IDS)}
        keys = await self._reader.subjects(self._map, f"{self._keys}*.*.*", most=MOST_IDS)
        ids |= {key.removeprefix(self._keys).partition(".")[0] for key in keys}
        named = await self._letters.named(beginning, Wanted())
        # A letter that was no envelope is named by its bytes alone.
        ids |= {letter.partition("-")[0] for _, letter in named if "-" in letter}
        return sorted(identity for identity in ids if identity.startswith(beginning))

    async def history(self, envelope: str) -> History:
        """Everything about an envelope.

        Raises:
            BusRefused: a stream is missing.
            BusUnavailable: nats does not answer.
        """
        ledger = await self._ledger(envelope)
        names = await self._names(envelope, ledger)
        dead = await self._dead(envelope)
        later = [found async for found in self._standing(LATER, self._subjects.later_all(), envelope, since=0)]
        headers = [letter.header for letter in dead if letter.header] + [standing.header for standing in later]
        conversation = headers[0].conversation if headers else await self._conversation(ledger, names)
        since = _earliest(ledger, names, dead)
        inbound = [
            found async for found in self._standing(IN, self._subjects.stored(conversation), envelope, since=since)
        ]
        if inbound and not conversation:
            conversation, since = inbound[0].header.conversation, inbound[0].stored_at
        legs = [found async for found in self._standing(OUT, self._subjects.legs(conversation), envelope, since=since)]
        return History(envelope, ledger, names, tuple(inbound), tuple(legs), tuple(later), dead)

    async def _ledger(self, envelope: str) -> tuple[LedgerEntry, ...]:
        stream, found = self._subjects.stream(LEDGER), []
        for subject in self._subjects.ledger_of(envelope):
            kept = self._reader.read(stream, subject, most=MOST)
            found += [(one.seq, one.subject, entry) async for one in kept if (entry := _entry(one))]
        return tuple(sorted(in_order(found), key=lambda entry: entry.at))

    async def _names(self, envelope: str, ledger: tuple[LedgerEntry, ...]) -> tuple[NativeName, ...]:
        found = {
            (kv_token(entry.app), kv_token(entry.thread)): NativeName(
                entry.app, entry.thread, entry.native_ids, entry.at * 1000
            )
            for entry in ledger
            if entry.native_ids and entry.thread
        }
        threads = {kv_token(entry.thread): entry.thread for entry in ledger if entry.thread}
        decoder = msgspec.msgpack.Decoder(_Leg)
        async for kept in self._reader.read(self._map, f"{self._keys}{envelope}.*.*", most=MOST):
            _, app, thread = kept.subject.removeprefix(self._keys).split(".")
            try:
                native_ids = decoder.decode(kept.data).native_ids
                named = threads.get(thread) or _thread(thread)
                found.setdefault((app, thread), NativeName(kv_untoken(app), named, native_ids, kept.stored_at))
            except (msgspec.MsgspecError, Malformed):
                continue
        return tuple(sorted(found.values(), key=lambda name: name.at))

    async def _dead(self, envelope: str) -> tuple[Letter, ...]:
        named = await self._letters.named(f"{envelope}-", Wanted())
        return tuple(sorted((letter for letters in named.values() for letter in letters), key=lambda one: one.seq))

    async def _conversation(self, ledger: tuple[LedgerEntry, ...], names: tuple[NativeName, ...]) -> str:
        """The conversation of an envelope, by what was sent of it, or else is known of it; "" when nothing is."""
        for entry in ledger:
            if entry.conversation:
                return entry.conversation
        for name in names:
            for native_id in name.native_ids[:1]:
                record = await self._native(name.app, native_id)
                if record and record.conversation:
                    return record.conversation
        return ""

    async def _native(self, app: str, native_id: str) -> _Native | None:
        kept = await self._reader.last(self._map, f"{self._keys}{kv_token(app)}.{kv_token(native_id)}")
        try:
            return msgspec.msgpack.decode(kept.data, type=_Native) if kept else None
        except msgspec.MsgspecError:
            return None

    async def _standing(
        self, log: str, subject: str, envelope: str, *, since: int | None = None
    ) -> AsyncIterator[Standing]:
        """Where the envelope stands in a log. Its message id says that it is it; only then the bytes are decoded."""
        stream = self._subjects.stream(log)
        first = 1 if since is not None else await self._reader.end(stream) - MOST
        async for kept in self._reader.read(stream, subject, most=MOST, first=first, since=since):
            if not kept.headers.get("Nats-Msg-Id", "").startswith(envelope):
                continue
            try:
                app, thread = self._place(log, kept)
                header = decode(kept.data).header
            except WireError:
                continue
            yield Standing(app, thread, header, kept.stored_at, "Gm-Replay" in kept.headers)

    def _place(self, log: str, kept: Kept) -> tuple[str, str]:
        if log == IN:
            return self._subjects.read_inbound(kept.subject).app, ""
        if log == OUT:
            return self._subjects.read_outbound(kept.subject).app, ""
        return self._subjects.read_later(kept.subject)


def _thread(piece: str) -> str:
    """A thread as the key of the map has it: of a long one there is only a digest, and that names it, too."""
    return piece if is_digest(piece) else kv_untoken(piece)


def _entry(kept: Kept) -> LedgerEntry | None:
    """A step; None for what cannot be read and says nothing: anybody may write there."""
    try:
        return msgspec.msgpack.decode(kept.data, type=LedgerEntry)
    except msgspec.MsgspecError:
        return None


def _earliest(ledger: tuple[LedgerEntry, ...], names: tuple[NativeName, ...], dead: tuple[Letter, ...]) -> int | None:
    """Where to begin to read the logs, in microseconds since the epoch; None when nothing is known."""
    times = [entry.at * 1000 for entry in ledger] + [hop.at for entry in ledger for hop in entry.hops]
    times += [name.at for name in names] + [letter.at * 1000 for letter in dead]
    return max(0, min(times) - BEFORE) if times else None
