"""What follows when a leg comes to a state: the ledger first, and by what it allows the dead letter and the notice."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from hashlib import blake2b
from types import MappingProxyType
from typing import Final

import msgspec
import structlog

from gearmesh.core.cache import Cache
from gearmesh.core.notices import notice_of
from gearmesh.host.app import App
from gearmesh.host.job import Job
from gearmesh.host.message_map import LegRecord
from gearmesh.model.delivery import Hop, LedgerEntry, Reason, State
from gearmesh.model.envelope import Envelope
from gearmesh.wire.codec import encode
from gearmesh.wire.subjects import token
from gearmesh.wire.times import REPLAY, named

log = structlog.get_logger("gearmesh.egress")

OVER: Final[frozenset[State]] = frozenset({"failed", "dead", "expired"})
SENT: Final[frozenset[State]] = frozenset({"sent", "delivered", "read"})
HOUR: Final = 3_600_000
"""Milliseconds for which one notice stands for all messages that meet the same end."""
REMEMBERED: Final = 10_000
LONGEST_PIECE: Final = 40
NO_FACTS: Final[Mapping[str, str]] = MappingProxyType({})

OF_READERS: Final = frozenset({"waiting", "invited"})
"""What only matters to whoever writes to one person."""


class Ends:
    """Accounts for the legs of one app."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._shared = app.shared
        self._told: Cache[str, bool] = Cache(REMEMBERED)

    def sent(self, job: Job, leg: LegRecord, part: int) -> Awaitable[None]:
        """All of it is with the network now, this part as the last, which is at hand from now on. The job is told when
        it is written down, if the result is waited for.

        Raises:
            BusUnavailable: the ledger cannot be read. It is at hand that it was sent, and nowhere else.
        """
        header, app, now = job.header, self._app.name, self._shared.clock.micros()
        hops, times = named(*job.times, job.stored_at, job.taken_at, now)
        self._shared.metrics.hops.passed(app, hops, times)
        entry = LedgerEntry(
            job.envelope,
            app,
            "sent",
            now // 1000,
            header.kind,
            str(header.sender),
            str(job.recipient),
            "",
            "",
            tuple(map(Hop, hops, times)),
            job.thread,
            header.conversation,
            leg.native_ids,
            part,
            leg.parts,
            leg.ghost,
            leg.place,
            leg.refusals,
            leg.in_words,
            job.begun,
        )
        self._shared.messages.sending(entry)
        assert job.written is not None
        return self._shared.ledger.sent(entry, job.written, new=_is_new(job))

    async def was_sent(self, job: Job) -> bool:
        """All of it had been with the network before. False: it is not written down yet; the job is told when it is.

        Raises:
            BusUnavailable: the ledger cannot be read.
        """
        unwritten = self._shared.messages.unwritten(job.envelope, self._app.name, job.thread)
        if unwritten is not None:
            assert job.written is not None
            await self._shared.ledger.sent(unwritten, job.written, new=_is_new(job))
            return False
        await self._shared.ledger.step(self._entry(job, "sent"), new=_is_new(job))
        return True

    async def parked(self, job: Job, reason: Reason, detail: str = "") -> None:
        """It waits."""
        await self._shared.ledger.step(self._entry(job, "parked", reason, detail), new=_is_new(job))

    async def over(
        self,
        job: Job,
        state: State,
        reason: Reason,
        detail: str,
        *,
        notice: str = "",
        facts: Mapping[str, str] = NO_FACTS,
        silent: bool = False,
    ) -> None:
        """It will not be delivered. Whoever wrote gets the notice that belongs to the state, or this one, with these
        facts; unless it is nothing that anybody wrote (`silent`).

        Raises:
            BusError: what became of it could not be written down.
        """
        header, app = job.header, self._app.name
        entry, new = self._entry(job, state, reason, detail), _is_new(job)
        if not await self._shared.ledger.may(entry, new=new):
            return
        named = {"envelope": job.envelope, "to": str(job.recipient), "state": state, "reason": reason}
        if reason or state != "expired":
            log.warning("not delivered", app=app, **named, detail=detail)
        if state == "dead":
            await self._bury(job, reason, detail)
        if header.kind == "event" and not header.sender.is_system and not silent:
            hour = self._shared.clock.millis() // HOUR
            # What could not be sent because it is too old comes in numbers: one line stands for all of them.
            cause = f"{reason} {job.recipient} {hour}" if state == "expired" else f"{job.envelope} {job.recipient}"
            await self.tell(job, notice or notice_of(state, reason), detail, cause, facts)
        # Last: until this is written, the leg comes again, and what was kept and told is kept and told once.
        await self._shared.ledger.step(entry, new=new)

    async def state(self, job: Job) -> State:
        """What is written of a leg that may come again only because its end was not acknowledged.

        Raises:
            BusUnavailable: nats does not answer.
        """
        leg = (job.envelope, self._app.name, str(job.recipient), job.thread)
        # An operator's command writes from another process that a leg begins again.
        replayed = REPLAY in job.source.headers
        return await (self._shared.ledger.reload(*leg) if replayed else self._shared.ledger.state(*leg))

    async def tell(self, job: Job, key: str, detail: str, cause: str, facts: Mapping[str, str] = NO_FACTS) -> None:
        """Tell whoever wrote it, once for each `cause`."""
        header, shared = job.header, self._shared
        told = f"{key} {cause} {header.sender}"
        group = shared.groups.get(header.conversation)
        if group and (key in OF_READERS or str(header.sender) not in group.members):
            return  # with many readers it would be a line for each, and who wrote in a room has no chat with us
        if not key or self._told.get(told):
            return
        name = await shared.name_of(job.recipient)
        args = {"name": name, "network": self._app.bridge.title, "detail": detail, "kind": "message", **facts}
        await shared.notifier.tell(header.sender, key, args, cause=cause, now=shared.clock.millis())
        self._told.put(told, True)

    async def _bury(self, job: Job, reason: Reason, detail: str) -> None:
        header = msgspec.structs.replace(job.header, to=(job.recipient,))
        subject = self._shared.subjects.outbound(self._app.name, header.conversation)
        letter = f"{job.envelope}-{self._app.name}-{_piece(job.recipient.user)}"
        data = encode(Envelope(header, job.body or b""))
        await self._shared.journal.bury(self._app.name, reason, detail, data, letter_id=letter, subject=subject)

    def _entry(self, job: Job, state: State, reason: Reason = "", detail: str = "") -> LedgerEntry:
        header = job.header
        return LedgerEntry(
            job.envelope,
            self._app.name,
            state,
            self._shared.clock.millis(),
            header.kind,
            str(header.sender),
            str(job.recipient),
            reason,
            detail,
            thread=job.thread,
            conversation=header.conversation,
        )


def _piece(user: str) -> str:
    """A user id as a piece of a dead letter's id: readable, short, and another one for each user."""
    piece = token(user).lstrip("~")
    if len(piece) <= LONGEST_PIECE:
        return piece
    return f"{piece[:23]}-{blake2b(user.encode(), digest_size=8).hexdigest()}"


def _is_new(job: Job) -> bool:
    """Whether nothing counts that was written of a leg before: it is new, or an operator has replayed it."""
    return job.fresh or REPLAY in job.source.headers
