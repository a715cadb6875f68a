"""The ledger: what became of every leg, step by step, and only by the steps that the table of states allows.

Everything that is told of a leg comes from here: the entries in the log, the counters, and (by who calls `step`) the
notices and the dead letters. A step that may not follow is not taken, and whoever asked learns so.

That a leg was sent is a fact, and more than a step: the same entry says as which native messages, and stands where it
is found by them. It is written in any case.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Iterable
from typing import Final

import msgspec
import nats.errors
import nats.js.errors
import structlog

from gearmesh.bus.connection import Connection
from gearmesh.bus.publisher import Outcome, Publisher, Stored
from gearmesh.bus.streams import LEDGER
from gearmesh.core.cache import Cache
from gearmesh.errors import BusError, BusUnavailable
from gearmesh.metrics import Metrics
from gearmesh.model.delivery import TRANSITIONS, LedgerEntry, Reason, State
from gearmesh.wire.subjects import Subjects

log = structlog.get_logger("gearmesh.ledger")

REMEMBERED: Final = 50_000
"""Legs whose state is at hand; that of the others is read."""
MOST_STEPS: Final = 200
"""Steps of one envelope that are read through for the last one of a certain leg."""

Leg = tuple[str, str, str]
"""Envelope (hex id), app, recipient (an address; "" for what concerns all of them)."""
Step = tuple[int, str, LedgerEntry]
"""Its place in the log, its subject, and what it says."""


class Known(msgspec.Struct, frozen=True, gc=False):
    """What a leg has come to, why, and after how many entries."""

    state: State
    reason: Reason
    steps: int


NOTHING: Final = Known("accepted", "", 0)
SENT_AT_ONCE: Final = Known("sent", "", 1)


class Ledger:
    """Writes the ledger of this process, and knows what may follow."""

    def __init__(self, connection: Connection, publisher: Publisher, subjects: Subjects, metrics: Metrics) -> None:
        self._connection = connection
        self._publisher = publisher
        self._subjects = subjects
        self._metrics = metrics
        self._encode = msgspec.msgpack.Encoder().encode
        self._decoder = msgspec.msgpack.Decoder(LedgerEntry)
        self._states: Cache[Leg, Known] = Cache(REMEMBERED)

    async def step(self, entry: LedgerEntry, *, new: bool = False) -> bool:
        """Take a step, if it may follow. `new`: nothing was written of this leg before, which saves a look.

        The entry is not waited for: it is in the log when NATS has taken it, in order with everything else.

        Raises:
            BusUnavailable: what came before must be read, and nats does not answer.
        """
        before = self._at_hand(entry, new) or await self._last(entry)
        if not _follows(entry, before):
            return False
        self._take(entry, before)
        # The same step of two processes is one: that of a predecessor may still be on its way, and what comes to
        # the same state for the second time is another one.
        await self._write(entry, f"{before.steps}:{entry.state}")
        return True

    def sent(self, entry: LedgerEntry, outcome: Outcome, *, new: bool = False) -> Awaitable[None]:
        """All of a leg is with its network, as the native messages that the entry names. `outcome` gets NATS's answer.

        It needs no message id: written twice, it stands twice under the same subject, and counts once (`in_order`).

        Raises:
            BusUnavailable: what came before must be read, and nats does not answer; nothing is written.
        """
        before = self._at_hand(entry, new)
        if before is None:
            return self._read_and_sent(entry, outcome)
        if before is NOTHING:  # as of nearly all
            self._states.put((entry.envelope, entry.app, entry.to), SENT_AT_ONCE)
            self._metrics.messages.count(entry.app, "out", "sent")
        elif _follows(entry, before):
            self._take(entry, before)
        return self._write_sent(entry, outcome)

    async def _read_and_sent(self, entry: LedgerEntry, outcome: Outcome) -> None:
        before = await self._last(entry)
        if _follows(entry, before):
            self._take(entry, before)
        await self._write_sent(entry, outcome)

    def _write_sent(self, entry: LedgerEntry, outcome: Outcome) -> Awaitable[None]:
        native_id = entry.native_ids[-1] if entry.native_ids else ""
        subject = self._subjects.sent(entry.app, entry.thread, entry.envelope, native_id)
        return self._publisher.send(subject, self._encode(entry), None, outcome)

    async def may(self, entry: LedgerEntry, *, new: bool = False) -> bool:
        """Whether a step may follow, without taking it.

        Raises:
            BusUnavailable: what came before must be read, and nats does not answer.
        """
        return _follows(entry, self._at_hand(entry, new) or await self._last(entry))

    async def begin(self, entry: LedgerEntry) -> None:
        """Write that an envelope is accepted (again, when an operator replays it)."""
        self._states.drop((entry.envelope, entry.app, entry.to))
        await self._write(entry, f"{entry.state}:{entry.at}")

    async def state(self, envelope: str, app: str, to: str, thread: str) -> State:
        """What a leg to a thread has come to; `accepted` when nothing is written of it.

        Raises:
            BusUnavailable: nats does not answer.
        """
        known = self._states.get((envelope, app, to)) or await self._read((envelope, app, to), thread)
        return known.state

    async def reload(self, envelope: str, app: str, to: str, thread: str) -> State:
        """What a leg has come to, also when another process has written of it meanwhile.

        Raises:
            BusUnavailable: nats does not answer.
        """
        self._states.drop((envelope, app, to))
        return await self.state(envelope, app, to, thread)

    def forget(self, app: str) -> None:
        """Believe only what is written: somebody else may have had this app."""
        self._states.drop_all(lambda leg: leg[1] == app)

    def _take(self, entry: LedgerEntry, before: Known) -> None:
        self._states.put((entry.envelope, entry.app, entry.to), Known(entry.state, entry.reason, before.steps + 1))
        if entry.state != "accepted":
            self._metrics.messages.count(entry.app, "out", entry.state)

    async def _write(self, entry: LedgerEntry, step: str) -> None:
        async def outcome(result: Stored | BusError) -> None:
            if isinstance(result, BusError):
                log.error("the ledger did not take an entry", envelope=entry.envelope, error=str(result))

        headers = {"Nats-Msg-Id": f"{entry.envelope}:{entry.app}:{entry.to}:{step}"}
        subject = self._subjects.ledger(entry.app, entry.envelope)
        await self._publisher.send(subject, self._encode(entry), headers, outcome)

    def _at_hand(self, entry: LedgerEntry, new: bool) -> Known | None:
        """What a leg had come to, or nothing for a `new` one, as far as it need not be read."""
        known = self._states.get((entry.envelope, entry.app, entry.to))
        if not new:
            return known
        return NOTHING if known is None else msgspec.structs.replace(NOTHING, steps=known.steps)

    async def _last(self, entry: LedgerEntry) -> Known:
        return await self._read((entry.envelope, entry.app, entry.to), entry.thread)

    async def _read(self, leg: Leg, thread: str) -> Known:
        envelope, app, to = leg
        steps = await self._steps(self._subjects.ledger(app, envelope))
        sent = self._subjects.sent_to(app, thread, envelope) if thread else self._subjects.ledger_of(envelope)[1]
        steps += await self._steps(sent)
        found = NOTHING
        for entry in in_order(steps):
            if entry.to == to:
                found = Known(entry.state, entry.reason, found.steps + 1)
        self._states.put(leg, found)
        return found

    async def _steps(self, subject: str) -> list[Step]:
        found: list[Step] = []
        stream, seq = self._subjects.stream(LEDGER), 1
        try:
            for _ in range(MOST_STEPS):
                message = await self._connection.js.get_msg(stream, seq=seq, subject=subject, next=True)
                seq = (message.seq or seq) + 1
                with contextlib.suppress(msgspec.MsgspecError):
                    found.append((seq, message.subject or "", self._decoder.decode(message.data or b"")))
        except nats.js.errors.NotFoundError:
            pass
        except (TimeoutError, nats.errors.Error, nats.js.errors.Error, OSError) as error:
            raise BusUnavailable(f"reading {subject}: {type(error).__name__}") from None
        return found


def in_order(steps: Iterable[Step]) -> list[LedgerEntry]:
    """The steps of an envelope, oldest first. That it was sent is one step, however often the same is written.

    Where the network takes ids of ours, a leg that it had refused has the same native ids when it is sent again; then
    it has more refusals behind it.
    """
    entries: list[LedgerEntry] = []
    seen: set[tuple[str, tuple[str, ...], int]] = set()
    for _, subject, entry in sorted(steps, key=lambda step: step[0]):
        if entry.native_ids:
            sending = subject, entry.native_ids, entry.refusals
            if sending in seen:
                continue
            seen.add(sending)
        entries.append(entry)
    return entries


def _follows(entry: LedgerEntry, before: Known) -> bool:
    if entry.state == before.state == "parked" and entry.reason == before.reason:
        return False  # it goes on waiting for the same
    if entry.state in TRANSITIONS[before.state] or entry.state == before.state == "accepted":
        return True
    was = before.state
    log.debug("a step that cannot follow", envelope=entry.envelope, app=entry.app, was=was, now=entry.state)
    return False
