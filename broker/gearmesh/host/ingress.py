"""What comes in: native events become envelopes in the inbound log.

    event ─▶ whose is it (directory) ─▶ which conversation (placing) ─▶ body closed ─▶ stored ─▶ "200"

Events of one thread are taken one after the other, in the order they were given; threads do not wait for each other.
The plain messages of a burst are decided one after the other, and stored together (`pending`).
Where the network itself does not keep the order, late ones are held for a moment and sorted first (`holding`).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVarTuple
from weakref import WeakValueDictionary

from gearmesh.core.ids import envelope_id
from gearmesh.core.ordering import HELD_AT_MOST
from gearmesh.errors import BusError, BusUnavailable, TooLarge
from gearmesh.host.acquaintance import Acquaintance
from gearmesh.host.app import App
from gearmesh.host.changes import Changes
from gearmesh.host.deciding import Deciding
from gearmesh.host.holding import Arrival, Holding
from gearmesh.host.moves import Moves
from gearmesh.host.pending import Decided, Pending
from gearmesh.host.placing import Answered, Moved, Placed, Placing
from gearmesh.host.posting import PATIENCE, Posting
from gearmesh.host.quotes import Quotes
from gearmesh.host.receipts import Receipts
from gearmesh.host.repeats import Repeats
from gearmesh.host.replies import Replies
from gearmesh.host.storing import Storing
from gearmesh.host.underway import Underway
from gearmesh.host.writers import Writers
from gearmesh.model.address import Address
from gearmesh.model.events import (
    ChatOpened,
    EchoReceived,
    EditReceived,
    Event,
    MembershipReceived,
    MessageReceived,
    ReactionReceived,
    ReadUpTo,
    ReceiptReceived,
    RedactionReceived,
    TypingReceived,
    Unparsed,
    VoteReceived,
)

Given = TypeVarTuple("Given")


class Ingress:
    """Takes the events of one app.

    Whoever hosts it may set: `guard`, asked right before something is stored, raises `BusUnavailable` when this process
    is no longer the one at work on the app. `on_inbound` gets each thread whose messaging window has just been opened,
    once that is stored; `on_echo` what went out from our own account; `on_refusal` what the network refuses after its
    first yes; `on_message` thread, conversation and native id of what was just taken in; `on_typing` who is writing.
    """

    def __init__(self, app: App, receipts: Receipts, underway: Underway, quotes: Quotes) -> None:
        self.guard: Callable[[], None] = _is_ours
        self.on_inbound: Callable[[str], None] = _needs_nothing
        self.on_echo: Callable[[EchoReceived], Awaitable[None]] = _is_known
        self.on_refusal: Callable[[ReceiptReceived], Awaitable[None]] = receipts.reported
        self.on_message: Callable[[str, str, str], None] = _is_one_of_many
        self.on_typing: Callable[[TypingReceived], Awaitable[None]] = _is_nobodys
        self._app = app
        self._shared = app.shared
        self._receipts = receipts
        self._placing = Placing(app, underway)
        self._repeats = Repeats(app, PATIENCE)
        self._writers = Writers(app, lambda thread: self.on_inbound(thread))
        self._replies = Replies(app, self._repeats, self._writers, lambda: self.guard())
        self._posting = Posting(app, lambda: self.guard())
        self._deciding = Deciding(app, self._posting, quotes)
        self._acquaintance = Acquaintance(app, lambda: self.guard())
        self._storing = Storing(app, self._posting, quotes, self._said)
        posting, acquaintance, notice = self._posting, self._acquaintance, self._replies.notice
        self._changes = Changes(app, posting, acquaintance, self._placing, quotes, underway, notice, self._anew)
        self._moves = Moves(app, posting, acquaintance, notice)
        self._holding = Holding(app.shared.clock, self._take)
        self._threads: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.doubt(disturbed=False)

    def doubt(self, *, disturbed: bool = True) -> None:
        """Somebody else may have taken messages in: for a while, do not rely on memory.

        `disturbed`: nor on order, for input may have failed meanwhile.
        """
        self._repeats.doubt()
        self._receipts.doubt()
        if disturbed:
            self._holding.disturb()

    async def receive(self, events: Sequence[Event]) -> None:
        """Take events in. Returns when all of them are stored.

        Raises:
            BusUnavailable: not all are stored. What is stored already is recognised when it comes again.
        """
        received = self._shared.clock.micros()
        threads: dict[str, list[Event]] = {}
        for event in events:
            threads.setdefault(event.thread, []).append(event)
        try:
            if len(threads) == 1:
                await self._admit(events[0].thread, events, received)
                return
            results = await asyncio.gather(
                *(self._admit(thread, found, received) for thread, found in threads.items()), return_exceptions=True
            )
            for result in results:
                if isinstance(result, BaseException):
                    raise result
        except BusError as error:
            # It comes again, between what is written meanwhile.
            self._holding.disturb()
            if isinstance(error, BusUnavailable):
                raise
            raise BusUnavailable(f"nats does not take it: {error}") from error

    async def close(self) -> None:
        """Take in nothing more of what is held: whoever brought it is told so."""
        await self._holding.close()
        await self._repeats.close()

    async def _admit(self, thread: str, events: Sequence[Event], received: int) -> None:
        if self._app.bridge.in_order or not thread:
            await self._take([Arrival(event, received) for event in events], False)
            return
        # What becomes of our own messages has no place among what people write, and a send may wait for a sign of it.
        signs = [event for event in events if isinstance(event, EchoReceived | ReceiptReceived | ReadUpTo)]
        others = [event for event in events if not isinstance(event, EchoReceived | ReceiptReceived | ReadUpTo)]
        if signs:
            await self._take([Arrival(event, received) for event in signs], False)
        if others:
            await self._holding.take(thread, others, received)

    async def _take(self, arrivals: Sequence[Arrival], held: bool) -> None:
        """Take the events of one thread, up to the first that cannot be stored: a later one must not overtake it."""
        end = asyncio.get_running_loop().time() + PATIENCE - HELD_AT_MOST / 1000 if held else math.inf
        thread = arrivals[0].event.thread
        lock = self._threads.get(thread)
        if lock is None:
            lock = self._threads[thread] = asyncio.Lock()
        async with lock:
            pending = Pending(self._storing.store)
            for arrival in arrivals:
                if not pending.lets(arrival.event):
                    await self._settle(pending, end)
                try:
                    await self._in_time(end, self._dispatch, arrival, pending)
                except BusUnavailable:
                    raise
                except BusError:
                    # It may be refused for ever; those before it must not wait for that.
                    await self._settle(pending, end)
                    raise
                except Exception as error:
                    await self._settle(pending, end)
                    await self._storing.bury(arrival.event, error)
                if not pending.holds(arrival):
                    arrival.stored = True
            await self._settle(pending, end)

    async def _settle(self, pending: Pending, end: float) -> None:
        if pending:
            await self._in_time(end, pending.settle)

    async def _in_time(self, end: float, work: Callable[[*Given], Awaitable[None]], *given: *Given) -> None:
        # Every write on the way waits for as long as NATS is away, the network does not. A write that is given up here
        # is still stored when NATS is back, as the host's memory of it says.
        if not self._shared.publisher.online:
            raise BusUnavailable("nats is away")
        self.guard()
        end = min(end, asyncio.get_running_loop().time() + PATIENCE)
        try:
            async with asyncio.timeout_at(end) as limit:
                await work(*given)
        except TimeoutError:
            if not limit.expired():
                raise
            raise BusUnavailable(f"nats has not stored everything within {PATIENCE:g} s") from None

    async def _dispatch(self, arrival: Arrival, pending: Pending) -> None:
        event, received = arrival.event, arrival.received
        match event:
            case MessageReceived():
                await self._message(event, arrival, pending)
            case ReactionReceived() | EditReceived() | RedactionReceived() | VoteReceived():
                self._count(await self._changes.take(event, received))
                if isinstance(event, ReactionReceived | VoteReceived):
                    await self._writers.wrote(event.thread, event.at)
            case MembershipReceived():
                await self._moves.seen(event, received)
            case TypingReceived():
                await self.on_typing(event)
            case ReceiptReceived(state="failed"):
                await self.on_refusal(event)
            case ReceiptReceived():
                await self._show_what_is_reported(event)
                await self._receipts.reported(event)
            case ReadUpTo():
                await self._receipts.read_up_to(event)
            case ChatOpened():
                await self._acquaintance.meet(Address(self._app.name, event.user), event.profile, event.handle)
                await self._writers.wrote(event.thread, event.at)
                self._count("opened")
            case EchoReceived():
                self._count("echo")
                await self.on_echo(event)
            case Unparsed():
                await self._replies.not_understood(event)
                self._count("dead")

    async def _show_what_is_reported(self, event: ReceiptReceived) -> None:
        """What arrived was sent: news of a message that we do not know may be the only sign of it."""
        if event.delivery_id and len(event.native_ids) == 1:
            native_id = event.native_ids[0]
            await self.on_echo(EchoReceived(native_id, event.thread, event.user, event.at, event.delivery_id))

    async def _message(self, event: MessageReceived, arrival: Arrival, pending: Pending) -> None:
        sender = Address(self._app.name, event.user)
        header_id = envelope_id(self._shared.key, self._app.name, event.thread, event.native_id, "event")
        if await self._repeats.has(event, header_id.hex(), sender):
            # It must not even move the person's focus again.
            self._count("duplicate")
            return
        party = self._app.party(event.thread, sender)
        if party != sender and self._shared.groups.of_room(party) is None:
            self._count("unlinked")  # a room that was linked until a moment ago: whoever is in it waits for no answer
            return
        await self._acquaintance.meet(sender, event.profile)
        quoted = await self._placing.quoted(event)
        placed = await self._placing.place(event, sender, quoted)
        self.guard()
        if isinstance(placed, Placed) and not placed.conversation.others(sender, party):
            placed = Answered("alone", {"title": placed.conversation.title})
        if isinstance(placed, Placed):
            if party == sender and await self._writers.enters(event, placed):
                await pending.settle()
                await self._writers.enter(event, placed.conversation, starts=placed.starts)
            reply_to = quoted.envelope if quoted else ""
            try:
                decided = await self._deciding.decided(arrival, event, header_id, party, placed, reply_to)
            except TooLarge:
                await pending.settle()
                await self._replies.too_large(event, sender, placed.conversation)
                raise
            await pending.add(decided)
            return
        await pending.settle()
        if isinstance(placed, Moved):
            await self._moves.carry_out(event, sender, placed, arrival.received)
        else:
            await self._replies.answer(event, sender, placed)
        self._count("answered")
        await self._writers.wrote(event.thread, event.at)

    async def _anew(self, event: MessageReceived, received: int) -> None:
        """Take in what is no message of its own, as one."""
        pending = Pending(self._storing.store)
        await self._message(event, Arrival(event, received), pending)
        await pending.settle()

    async def _said(self, decided: Sequence[Decided]) -> None:
        """Messages of a thread are stored."""
        for one in decided:
            self.on_message(one.event.thread, one.header.conversation, one.event.native_id)
        await self._writers.wrote(decided[0].event.thread, max(one.event.at for one in decided))

    def _count(self, outcome: str) -> None:
        self._shared.metrics.messages.count(self._app.name, "in", outcome)


def _is_ours() -> None:
    """Nobody else can be at work on the app."""


def _needs_nothing(thread: str) -> None:
    """Nothing waits for the window of a thread."""


def _is_one_of_many(thread: str, conversation: str, native_id: str) -> None:
    """Nobody asks which message of a thread is the newest."""


async def _is_nobodys(event: TypingReceived) -> None:
    """Nobody is shown who is writing."""


async def _is_known(echo: EchoReceived) -> None:
    """What went out from our own account is no news."""
