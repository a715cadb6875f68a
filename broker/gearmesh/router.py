"""The router at work: takes envelopes from the inbound log, writes legs to the outbound log.

It reads headers and passes bodies on closed. An input is acknowledged when all its legs are stored, under message ids
that derive from the envelope's: what is routed twice is stored once.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Final

import structlog

from gearmesh.bus.connection import heed_cancellation
from gearmesh.bus.consumer import PinnedConsumer, Taken
from gearmesh.bus.journal import Journal
from gearmesh.bus.ledger import Ledger
from gearmesh.bus.members import Members
from gearmesh.bus.publisher import Publisher, Stored
from gearmesh.bus.store import Store
from gearmesh.bus.streams import IN
from gearmesh.core.router import Refusal, route
from gearmesh.errors import BusError, BusRefused, WireError
from gearmesh.model.address import Address
from gearmesh.model.conversation import Conversation
from gearmesh.model.delivery import LedgerEntry
from gearmesh.model.envelope import Envelope, Header
from gearmesh.wire.codec import decode, encode
from gearmesh.wire.subjects import PARTITIONS, Subjects, kv_token
from gearmesh.wire.times import MAX_TRACE, REPLAY, TIMES, TRACE, passed

log = structlog.get_logger("gearmesh.router")

REFUSED_PAUSE: Final = 1.0
SHARE_EVERY: Final = 0.5
"""Seconds between two looks at which routers are there."""


class Router:
    """Routes all partitions that this process is pinned to."""

    def __init__(
        self,
        publisher: Publisher,
        journal: Journal,
        ledger: Ledger,
        conversations: Store[Conversation],
        subjects: Subjects,
        *,
        broker: str,
        apps: Collection[str],
        members: Members | None = None,
        groups: Store[Conversation] | None = None,
    ) -> None:
        self._publisher = publisher
        self._journal = journal
        self._ledger = ledger
        self._conversations = conversations
        self._groups = groups
        self._subjects = subjects
        self._broker = broker
        self._apps = frozenset(apps)
        self._routers = members
        self.consumers: list[PinnedConsumer] = []

    async def prepare(self, partitions: int = PARTITIONS) -> None:
        """Create the consumers, one for each partition.

        Raises:
            StreamDiffers: one exists with other settings.
            BusUnavailable: nats does not answer.
        """
        for number in range(partitions):
            consumer = PinnedConsumer(
                self._journal.connection,
                stream=self._subjects.stream(IN),
                name=f"router-{number}",
                subject=self._subjects.partition(number),
                handler=self.take,
            )
            await consumer.ensure()
            self.consumers.append(consumer)

    @property
    def active(self) -> list[int]:
        """The partitions that this process works on now."""
        return [number for number, consumer in enumerate(self.consumers) if consumer.active]

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for consumer in self.consumers:
                tasks.create_task(consumer.run())
            if self._routers:
                tasks.create_task(self._routers.run())
                tasks.create_task(self._share(self._routers))

    async def leave(self) -> None:
        """Tell the other routers that this one goes."""
        if self._routers:
            await self._routers.leave()

    async def _share(self, members: Members) -> None:
        """Ask for the partitions that are ours among the routers that live, and leave the others to them."""
        before: list[str] = []
        while True:
            # Who is there stays as it was while nobody can be asked: the others work on, or cannot either.
            with contextlib.suppress(BusError):
                live = await members.live()
                if live != before:
                    log.info("routers", live=len(live))
                    before = live
            heed_cancellation()
            for number, consumer in enumerate(self.consumers if before else ()):
                if before[number % len(before)] == members.me:
                    consumer.take_over()
                elif consumer.wanted:
                    await consumer.hand_over()
            await asyncio.sleep(SHARE_EVERY)

    async def take(self, taken: Taken) -> None:
        """Route one input. It is acknowledged when everything that follows from it is stored."""
        try:
            envelope = decode(taken.data)
            members = await self._members(envelope.header) if not envelope.header.to else ()
            decision = route(
                envelope.header,
                members,
                broker=self._broker,
                apps=self._apps,
                now=time.time_ns() // 1_000_000,
            )
            legs = [(leg, encode(Envelope(leg.header, envelope.body))) for leg in decision.legs]
        except WireError as error:
            await self._bury_unread(taken, str(error))
            await taken.ack()
            return
        for refusal in decision.refused:
            await self._refuse(refusal, envelope, taken)
        if not legs:
            await taken.ack()
            return
        stored = self._acknowledge_after(taken, len(legs))
        times = passed(taken.headers.get(TIMES, ""), taken.stored_at, time.time_ns() // 1000)
        trace = taken.headers.get(TRACE, "")
        for leg, data in legs:
            headers = {"Nats-Msg-Id": leg.id, TIMES: times}
            if 0 < len(trace) <= MAX_TRACE:
                headers[TRACE] = trace
            if REPLAY in taken.headers:
                # Not its value: that is anybody's to write, and can be longer than headers may be.
                headers[REPLAY] = "1"
            subject = self._subjects.outbound(leg.app, leg.header.conversation)
            await self._publisher.send(subject, data, headers, stored)

    async def _members(self, header: Header) -> tuple[Address, ...]:
        # Whoever is hosted here names the recipients; a client may leave that to us.
        key = kv_token(header.conversation)
        conversation = await self._groups.get(key) if self._groups else None
        conversation = conversation or await self._conversations.get(key)
        return conversation.others(header.sender) if conversation else ()

    def _acknowledge_after(self, taken: Taken, legs: int) -> Callable[[Stored | BusError], Awaitable[None]]:
        waiting = legs

        async def stored(result: Stored | BusError) -> None:
            nonlocal waiting
            if isinstance(result, BusRefused):
                # A full stream, for example. Nothing is lost: the input comes again, in order, after a pause.
                if taken.give_back("the outbound log refused a leg", pause=REFUSED_PAUSE):
                    log.error("the outbound log refuses a leg; it is tried again", error=str(result))
            elif isinstance(result, Stored):
                waiting -= 1
                if not waiting:
                    await taken.ack()

        return stored

    async def _refuse(self, refusal: Refusal, envelope: Envelope, taken: Taken) -> None:
        header = envelope.header
        log.warning("not routed", envelope=header.hex_id, app=refusal.app, reason=refusal.reason, detail=refusal.detail)
        await self._ledger.step(
            LedgerEntry(
                header.hex_id,
                refusal.app,
                refusal.state,
                time.time_ns() // 1_000_000,
                header.kind,
                str(header.sender),
                reason=refusal.reason,
                detail=refusal.detail,
            )
        )
        if refusal.state == "dead":
            letter = f"{header.hex_id}-{refusal.app}"
            subject = self._subjects.inbound(header.sender.app, header.conversation)
            await self._journal.bury(
                refusal.app, refusal.reason, refusal.detail, taken.data, letter_id=letter, subject=subject
            )

    async def _bury_unread(self, taken: Taken, detail: str) -> None:
        try:
            route = self._subjects.read_inbound(taken.subject)
            app, subject = route.app, self._subjects.inbound(route.app, route.conversation)
        except WireError:
            app, subject = "unknown", taken.subject
        await self._journal.bury(app, "unparsed", detail, taken.data, subject=subject)
