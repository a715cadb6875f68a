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
from typing import Final, TypeVarTuple
from weakref import WeakValueDictionary

from gearmesh.core.degrade import vote_in
from gearmesh.core.ids import envelope_id, raw_id
from gearmesh.core.ordering import HELD_AT_MOST
from gearmesh.errors import BusError, BusUnavailable, TooLarge
from gearmesh.host.acquaintance import Acquaintance
from gearmesh.host.app import App
from gearmesh.host.changes import Changes
from gearmesh.host.holding import Arrival, Holding
from gearmesh.host.message_map import NativeRecord
from gearmesh.host.moves import Moves
from gearmesh.host.pending import Decided, Pending
from gearmesh.host.placing import Answered, Moved, Placed, Placing
from gearmesh.host.posting import PATIENCE, Posting, header_of
from gearmesh.host.quotes import Quotes
from gearmesh.host.receipts import Receipts
from gearmesh.host.repeats import Repeats
from gearmesh.host.storing import Storing
from gearmesh.host.underway import Underway
from gearmesh.model.address import Address
from gearmesh.model.content import Media, Message, Poll, Product, Text, Vote, replaced
from gearmesh.model.conversation import Conversation
from gearmesh.model.events import (
    ChangeReceived,
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

LONGEST_VOTE: Final = 200
"""Characters of an answer to a poll that is looked at: numbers, or the words of an option."""


FOR_ROOMS: Final = frozenset({"too_large"})
"""What somebody who wrote in a room is told, in a chat of their own."""


class Ingress:
    """Takes the events of one app.

    Whoever hosts it may set: `guard`, asked right before something is stored, raises `BusUnavailable` when this process
    is no longer the one at work on the app. `on_inbound` gets each thread whose messaging window has just been opened,
    once that is stored; `on_echo` what went out from our own account; `on_refusal` what the network refuses after its
    first yes; `on_message` thread, conversation and native id of what was just taken in; `on_typing` who is
    writing.
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
        self._quotes = quotes
        self._placing = Placing(app, underway)
        self._posting = Posting(app, lambda: self.guard())
        self._acquaintance = Acquaintance(app, lambda: self.guard())
        self._storing = Storing(app, self._posting, quotes, self._said)
        self._changes = Changes(
            app, self._posting, self._acquaintance, self._placing, quotes, underway, self._notice, self._anew
        )
        self._moves = Moves(app, self._posting, self._acquaintance, self._notice)
        self._repeats = Repeats(app, PATIENCE)
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
                    await self._wrote(event.thread, event.at)
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
                await self._wrote(event.thread, event.at)
                self._count("opened")
            case EchoReceived():
                self._count("echo")
                await self.on_echo(event)
            case Unparsed():
                await self._unparsed(event)

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
            if party == sender and await self._enters(event, placed):
                await pending.settle()
                await self._enter(event, placed.conversation, starts=placed.starts)
            envelope = quoted.envelope if quoted else ""
            await pending.add(await self._decided(event, header_id, party, placed, envelope, arrival, pending))
            return
        await pending.settle()
        if isinstance(placed, Moved):
            await self._moves.carry_out(event, sender, placed, arrival.received)
            self._count("answered")
        else:
            await self._answer(event, sender, placed)
        await self._wrote(event.thread, event.at)

    async def _anew(self, event: MessageReceived, received: int) -> None:
        """Take in what is no message of its own, as one."""
        pending = Pending(self._storing.store)
        await self._message(event, Arrival(event, received), pending)
        await pending.settle()

    async def _answer(self, event: MessageReceived, sender: Address, answered: Answered) -> None:
        """Tell whoever wrote how to go on: their message goes nowhere."""
        if answered.opened:
            await self._enter(event, answered.opened, starts=True)
        # An advertisement or a listing comes with words, and those are answered.
        if not isinstance(event.content, Product) or event.content.text:
            await self._notice(event, answered.key, answered.args)
        record = NativeRecord("", "", str(sender), parts=event.parts)
        await self._shared.messages.note(self._app.name, event.native_id, record, patience=PATIENCE)
        self._count("answered")

    async def _decided(
        self,
        event: MessageReceived,
        identity: bytes,
        party: Address,
        placed: Placed,
        reply_to: str,
        arrival: Arrival,
        pending: Pending,
    ) -> Decided:
        shared, conversation, sender = self._shared, placed.conversation, Address(self._app.name, event.user)
        content = replaced(
            await self._vote(event, reply_to) or _with_text(event.content, placed.text),
            sender=await shared.directory.sender(sender, self._app.bridge.title),
        )
        if isinstance(content, Message):
            content = replaced(content, reply_to=reply_to)
        header = header_of(identity, sender, conversation, event.at, party)
        try:
            data = self._posting.closed(header, content)
        except TooLarge:
            await pending.settle()
            await self._notice(event, "too_large", {"name": await self._name(conversation, sender)})
            await self._wrote(event.thread, event.at)
            raise
        return Decided(arrival, event, header, content, self._posting.message(header, data, arrival.received))

    async def _vote(self, event: MessageReceived, reply_to: str) -> Vote | None:
        """The vote that a message is: an answer to a poll with its numbers or words, where the network has no votes."""
        if not reply_to or not isinstance(event.content, Text) or len(event.content.text) > LONGEST_VOTE:
            return None
        quoted = await self._quotes.of(reply_to, event.thread)
        if quoted is None or not isinstance(quoted.content, Poll):
            return None
        options = vote_in(event.content.text, quoted.content)
        return Vote(reply_to, options) if options is not None else None

    async def _enters(self, event: MessageReceived, placed: Placed) -> bool:
        """Whether this message makes a conversation the one in which the person's next plain message goes."""
        return placed.starts or (await self._app.portals.get(event.thread)).focus != placed.conversation.id

    async def _enter(self, event: MessageReceived, conversation: Conversation, *, starts: bool) -> None:
        """The person's next plain message goes there, too."""
        if starts:
            await self._shared.conversations.start(conversation)
        await self._app.portals.focus(event.thread, conversation.id, self._not_ahead(event.at))

    async def _said(self, decided: Sequence[Decided]) -> None:
        """Messages of a thread are stored."""
        for one in decided:
            self.on_message(one.event.thread, one.header.conversation, one.event.native_id)
        await self._wrote(decided[0].event.thread, max(one.event.at for one in decided))

    async def _wrote(self, thread: str, at: int) -> None:
        """The person did something that opens their network's messaging window."""
        await self._app.portals.wrote(thread, self._not_ahead(at))
        self.on_inbound(thread)

    def _not_ahead(self, at: int) -> int:
        """A network's time, but not one that is still to come: a window must not stay open for it."""
        return min(at, self._shared.clock.millis())

    async def _unparsed(self, event: Unparsed) -> None:
        letter = raw_id(event.raw)
        self.guard()
        await self._shared.journal.bury(
            self._app.name, "unparsed", event.detail, event.raw, letter_id=letter, patience=PATIENCE
        )
        self._count("dead")
        if not event.user or await self._repeats.has_letter(letter):
            return
        if event.kind:
            await self._notice(event, "unsupported", {"kind": event.kind})
        if event.thread and event.kind == "reaction":
            await self._wrote(event.thread, self._shared.clock.millis())
        await self._repeats.note_letter(letter, Address(self._app.name, event.user))

    async def _notice(self, event: MessageReceived | ChangeReceived | Unparsed, key: str, args: dict[str, str]) -> None:
        if self._app.is_room(event.thread) and key not in FOR_ROOMS:
            return  # everybody there would read what is for one, and who wrote did not write to us
        named = event.native_id if isinstance(event, MessageReceived | Unparsed) else ""
        cause = named or raw_id(repr(event).encode("utf-8", "backslashreplace"))
        address = Address(self._app.name, event.user)
        self.guard()
        await self._shared.notifier.tell(
            address, key, args, cause=cause, now=self._shared.clock.millis(), patience=PATIENCE
        )

    async def _name(self, conversation: Conversation, sender: Address) -> str:
        others = conversation.others(sender)
        return conversation.title or (await self._shared.name_of(others[0]) if others else "")

    def _count(self, outcome: str) -> None:
        self._shared.metrics.messages.count(self._app.name, "in", outcome)


def _with_text(content: Message, text: str) -> Message:
    """The content with what remains of its words, once it is clear whom they are for."""
    match content:
        case Text() | Product():
            return replaced(content, text=text)
        case Media():
            return replaced(content, caption=text)
        case _:
            return content


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
