"""What native messages are to us, and envelopes to networks: found from both sides, with what was asked last at hand.

Only the app's active host writes its side of it, so that its memory of it is true.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from typing import Final

import msgspec

from gearmesh.bus.connection import Connection
from gearmesh.bus.ledger_reader import LedgerReader
from gearmesh.bus.publisher import Publisher
from gearmesh.bus.store import Store
from gearmesh.core.cache import Cache
from gearmesh.host.learned import Learned
from gearmesh.model.delivery import LedgerEntry
from gearmesh.wire.subjects import Subjects, kv_token

REMEMBERED: Final = 20_000
"""Legs that are at hand, and native messages of each app."""
STORED_WITHIN: Final = 1.0
"""Seconds for which somebody waits until what was sent is stored."""


class NativeRecord(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What a native message is to us: which envelope (hex id), in which conversation, written by whom.

    One that was answered by a notice instead of being passed on has neither envelope nor conversation.
    `last`: it is the last part of its leg, so that a receipt for it is a receipt for the whole; `part` is its number.
    `parts`: as so many messages it was taken in, whose ids `part_id` makes from this one.
    """

    envelope: str
    conversation: str
    sender: str
    last: bool = True
    part: int = 0
    parts: int = 1


class LegRecord(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The native ids of an envelope in one thread, in order. `parts` are sent, `complete` when none is missing.

    `ghost` is the one under which they were sent: the missing parts are cut and sent as those were. `place` is where
    the leg stands in the outbound log, and `inbound` where the envelope stands in the inbound one, when it was written
    in this thread itself. `again` are parts that the network refused after its first yes, and `refusals` how often it
    did. `in_words`: it has refused it as it is, and gets it in words.
    """

    native_ids: tuple[str, ...]
    parts: int = 1
    complete: bool = True
    ghost: str = ""
    place: int = 0
    again: tuple[int, ...] = ()
    refusals: int = 0
    inbound: int = 0
    in_words: bool = False


NOTHING_SENT: Final = LegRecord((), 0, False)


def leg_of(entry: LedgerEntry) -> LegRecord:
    """The native ids of a leg that was sent whole."""
    return LegRecord(
        entry.native_ids,
        entry.parts,
        True,
        entry.ghost,
        entry.place,
        (),
        entry.refusals,
        in_words=entry.in_words,
    )


def native_of(entry: LedgerEntry) -> NativeRecord:
    """What the last of a leg's native messages is to us."""
    last = entry.part == entry.parts - 1
    return NativeRecord(entry.envelope, entry.conversation, entry.sender, last, entry.part)


class MessageMap:
    """Native message ids to envelopes, and back. `learned` tells who waits for one.

    What was sent whole stands in the ledger, where it is found from both sides. The rest stands in a bucket: what
    people wrote, and legs of which parts are missing.
    """

    def __init__(self, connection: Connection, publisher: Publisher, subjects: Subjects) -> None:
        bucket = subjects.bucket("map")
        self._publisher = publisher
        self._ledger = LedgerReader(connection, subjects)
        self._natives = Store(connection, publisher, bucket, NativeRecord)
        self._legs = Store(connection, publisher, bucket, LegRecord)
        self._recent_natives: defaultdict[str, Cache[str, NativeRecord]] = defaultdict(lambda: Cache(REMEMBERED))
        """By app, then by native id."""
        self._recent_legs: Cache[tuple[str, str, str], LegRecord] = Cache(REMEMBERED)
        self._unwritten: dict[tuple[str, str, str], LedgerEntry] = {}
        self._unsaved: dict[tuple[str, str, str], tuple[NativeRecord, LegRecord, tuple[str, ...]]] = {}
        """What was sent and is on its way to the ledger, or to the bucket, or was refused there: it is all that there
        is of it."""
        self._written: dict[tuple[str, str, str], asyncio.Event] = {}
        """Who waits until something of that is stored."""
        self.learned = Learned()

    async def native(self, app: str, native_id: str, thread: str = "") -> NativeRecord | None:
        """What a native message is to us. One of ours is known only by the `thread` that it was sent to, too.

        Raises:
            BusUnavailable: nats does not answer.
        """
        if record := self.recent(app, native_id):
            return record
        key = f"{kv_token(app)}.{kv_token(native_id)}"
        if thread:
            entry, record = await asyncio.gather(self._ledger.sent_as(app, thread, native_id), self._natives.get(key))
            record = native_of(entry) if entry else record
        else:
            record = await self._natives.get(key)
        if record:
            self._recent_natives[app].put(native_id, record)
        return record

    async def leg(self, envelope: str, app: str, thread: str, *, anew: bool = False) -> LegRecord | None:
        """The native ids of an envelope in a thread. `anew`: somebody else may have written it meanwhile.

        Raises:
            BusUnavailable: nats does not answer.
        """
        key = envelope, app, thread
        if key in self._unwritten:
            return leg_of(self._unwritten[key])
        if key in self._unsaved:
            return self._unsaved[key][1]
        known = None if anew else self._recent_legs.get(key)
        if known is None:
            entry, known = await asyncio.gather(
                self._ledger.sent(app, thread, envelope), self._legs.get(self._leg_key(*key), certain=True)
            )
            # What was refused after it had been sent whole stands in the bucket, until it is sent whole again.
            if entry is not None and (known is None or known.refusals <= entry.refusals):
                known = leg_of(entry)
            if known is not None:
                self._recent_legs.put(key, known)
        return known

    def sending(self, entry: LedgerEntry) -> None:
        """A leg was sent whole, as this entry says: known at once, and for good even if NATS refuses it."""
        key = entry.envelope, entry.app, entry.thread
        self._unwritten[key] = entry
        if entry.parts > 1 or entry.refusals:
            self._recent_legs.drop(key)  # a part of it is not all any more
        if entry.native_ids:
            native_id = entry.native_ids[-1]
            self._recent_natives[entry.app].put(native_id, native_of(entry))
            self.learned.announce(entry.app, native_id)

    def stored(self, envelope: str, app: str, thread: str) -> None:
        """NATS has what was sent of an envelope."""
        key = envelope, app, thread
        self._unwritten.pop(key, None)
        if self._written:
            self._wake(key)

    async def is_stored(self, envelope: str, app: str, thread: str) -> bool:
        """Whether what is at hand of an envelope in a thread is in NATS, too, or is within a moment.

        As long as it is not, nobody but this process knows that it was sent.
        """
        key = envelope, app, thread
        if key in self._unwritten or key in self._unsaved:
            stored = self._written.setdefault(key, asyncio.Event())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STORED_WITHIN):
                    await stored.wait()
        return key not in self._unwritten and key not in self._unsaved

    def _wake(self, key: tuple[str, str, str]) -> None:
        if key in self._written and key not in self._unwritten and key not in self._unsaved:
            self._written.pop(key).set()

    def unwritten(self, envelope: str, app: str, thread: str) -> LedgerEntry | None:
        """What has to be written again of a leg, because NATS has refused it, or could not be asked."""
        return self._unwritten.get((envelope, app, thread))

    def unwritten_to(self, app: str, thread: str) -> list[LedgerEntry]:
        """All that was sent to a thread and is not in NATS yet, as far as is known."""
        return [entry for (_, of, to), entry in self._unwritten.items() if (of, to) == (app, thread)]

    async def remember(
        self,
        app: str,
        thread: str,
        record: NativeRecord,
        leg: LegRecord,
        *,
        new: tuple[str, ...],
        patience: float | None = None,
    ) -> None:
        """Write down what is known of an envelope in a thread; the ids in `new` were not written before.

        What is at hand knows it at once; returns when it is stored. Of what was sent it is kept until it is; what
        somebody wrote here comes again.

        Raises:
            BusUnavailable: not stored within `patience` seconds.
        """
        leg_key, unsaved = (record.envelope, app, thread), (record, leg, new)
        self._recent_legs.put(leg_key, leg)
        if not leg.inbound:
            self._unsaved[leg_key] = unsaved

        def stored() -> None:
            if self._unsaved.get(leg_key) is unsaved:
                del self._unsaved[leg_key]
                self._wake(leg_key)

        entries = [self._legs.entry(self._leg_key(record.envelope, app, thread), leg)]
        for native_id in new:
            last = record.last and native_id == new[-1]
            entry = record if last == record.last else msgspec.structs.replace(record, last=last)
            self._recent_natives[app].put(native_id, entry)
            self.learned.announce(app, native_id)
            entries.append(self._natives.entry(f"{kv_token(app)}.{kv_token(native_id)}", entry))
        await self._publisher.publish_all(entries, patience=patience, stored=stored)

    async def save(self, envelope: str, app: str, thread: str) -> None:
        """Write down again what is at hand of an envelope in a thread, if the bucket has refused it before.

        Raises:
            BusUnavailable: it is not stored.
        """
        unsaved = self._unsaved.get((envelope, app, thread))
        if unsaved is not None:
            record, leg, new = unsaved
            await self.remember(app, thread, record, leg, new=new)

    async def remember_leg(self, envelope: str, app: str, thread: str, leg: LegRecord) -> None:
        """Write down what is known of an envelope in a thread.

        Raises:
            BusUnavailable: it is not stored.
        """
        key = envelope, app, thread
        self._recent_legs.put(key, leg)
        self._unwritten.pop(key, None)
        self._unsaved.pop(key, None)
        await self._legs.put(self._leg_key(*key), leg)

    async def note(self, app: str, native_id: str, record: NativeRecord, *, patience: float | None = None) -> None:
        """Write down what a native message is to us.

        Raises:
            BusUnavailable: not stored within `patience` seconds.
        """
        self._recent_natives[app].put(native_id, record)
        self.learned.announce(app, native_id)
        await self._natives.put(f"{kv_token(app)}.{kv_token(native_id)}", record, patience=patience)

    def recent(self, app: str, native_id: str) -> NativeRecord | None:
        """What is at hand of a native message, without asking NATS."""
        return self._recent_natives[app].get(native_id)

    def forget(self, app: str) -> None:
        """Believe only what NATS says of an app: somebody else may have written. The others' hosts go on relying on
        what they have taken in since they looked there."""
        self._recent_natives.pop(app, None)
        self._recent_legs.drop_all(lambda key: key[1] == app)

    @staticmethod
    def _leg_key(envelope: str, app: str, thread: str) -> str:
        return f"{envelope}.{kv_token(app)}.{kv_token(thread)}"
