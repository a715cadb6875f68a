"""What follows when messages are decided: into the log, into the message map, into the ledger, for many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from gearmesh.bus.publisher import Stored
from gearmesh.errors import BusError
from gearmesh.host.app import App
from gearmesh.host.message_map import LegRecord, NativeRecord
from gearmesh.host.pending import Decided
from gearmesh.host.posting import PATIENCE, Posting
from gearmesh.host.quotes import Quotes
from gearmesh.model.events import Event

log = structlog.get_logger("gearmesh.ingress")

Said = Callable[[Sequence[Decided]], Awaitable[None]]


class Storing:
    """Stores what came into one app. `said` is told which messages of a thread are stored."""

    def __init__(self, app: App, posting: Posting, quotes: Quotes, said: Said) -> None:
        self._app = app
        self._shared = app.shared
        self._posting = posting
        self._quotes = quotes
        self._said = said

    async def store(self, decided: Sequence[Decided]) -> None:
        """Store messages of one thread in order, and mark those that are stored.

        One that can never be stored, by our fault or the bridge's, is kept as a dead letter.

        Raises:
            BusError: not all are stored. No later one is without those before it.
        """
        succession = await self._posting.store_all([one.message for one in decided])
        # Not before they are stored: the map is what tells a repeated message that it has been taken in. And in any
        # case after it, whoever is at work now.
        first = decided[: len(succession.results)]
        repeats = await asyncio.gather(*map(self._remember, first, succession.results), return_exceptions=True)
        error = succession.error
        stored: list[Decided] = []
        for one, repeated in zip(first, repeats, strict=True):
            # What goes wrong with one keeps no later one from being accounted: it would count as a repeat when it
            # comes again.
            try:
                if isinstance(repeated, BaseException):
                    await self._give_up(one, repeated)
                else:
                    await self._accept(one, repeated)
                    stored.append(one)
            except BusError as problem:
                error = problem
                continue
            one.arrival.stored = True
        if stored:
            await self._said(stored)
        if error is not None:
            raise error

    async def _accept(self, one: Decided, repeated: bool) -> None:
        """It is stored, and known."""
        self._quotes.keep(one.header.hex_id, one.content)
        if repeated:
            self._count("duplicate")
            return
        self._count("accepted")
        try:
            await self._posting.account(one.header)
        except Exception:
            # It is in the log, and goes its way: it would not help anybody to say it again.
            log.exception("the ledger lacks that this was accepted", app=self._app.name, envelope=one.header.hex_id)

    async def _give_up(self, one: Decided, error: BaseException) -> None:
        if isinstance(error, BusError) or not isinstance(error, Exception):
            raise error
        await self.bury(one.event, error)

    async def bury(self, event: Event, error: Exception) -> None:
        """What will fail the next time, too, is kept as a dead letter; others go on.

        Raises:
            BusUnavailable: it is not kept.
        """
        log.error("an event could not be taken in", app=self._app.name, exc_info=error)
        self._posting.guard()
        raw = repr(event).encode("utf-8", "backslashreplace")
        detail = f"{type(error).__name__}: {error}"
        await self._shared.journal.bury(self._app.name, "unparsed", detail, raw, patience=PATIENCE)
        self._count("dead")

    async def _remember(self, one: Decided, result: Stored | Exception) -> bool:
        """Write down which envelope a message has become. True: it was one before."""
        if isinstance(result, Exception):
            raise result
        event, header = one.event, one.header
        record = NativeRecord(header.hex_id, header.conversation, str(header.sender), parts=event.parts)
        leg, new = LegRecord((event.native_id,), inbound=result.seq), (event.native_id,)
        await self._shared.messages.remember(self._app.name, event.thread, record, leg, new=new, patience=PATIENCE)
        return result.duplicate

    def _count(self, outcome: str) -> None:
        self._shared.metrics.messages.count(self._app.name, "in", outcome)
