"""What comes in: native events become envelopes in the inbound log.

    event ─▶ whose is it (directory) ─▶ which conversation (placing) ─▶ body closed ─▶ stored ─▶ "200"

Events of one thread are taken one after the other, in the order they were given; threads do not wait for each other.
Where the network itself does not keep the order, late ones are held for a moment and sorted first (`holding`).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from weakref import WeakValueDictionary

import structlog

from gearmesh.core.ids import envelope_id, raw_id
from gearmesh.core.ordering import HELD_AT_MOST
from gearmesh.errors import BusError, BusUnavailable, TooLarge
from gearmesh.host.acquaintance import Acquaintance
from gearmesh.host.app import App
from gearmesh.host.holding import Arrival, Holding
from gearmesh.host.placing import Answered, Placed, Placing
from gearmesh.host.receipts import Receipts
from gearmesh.host.records import LegRecord, NativeRecord
from gearmesh.host.repeats import Repeats
from gearmesh.host.underway import Underway
from gearmesh.model.address import Address
from gearmesh.model.content import Content, Media, replaced
from gearmesh.model.conversation import Conversation
from gearmesh.model.delivery import LedgerEntry
from gearmesh.model.envelope import Envelope, Header
from gearmesh.model.events import (
    ChatOpened,
    EchoReceived,
    Event,
    MessageReceived,
    ReadUpTo,
    ReceiptReceived,
    Unparsed,
)
from gearmesh.wire.body import UNSEALED, close_body
from gearmesh.wire.codec import encode
from gearmesh.wire.times import TIMES, passed

log = structlog.get_logger("gearmesh.ingress")

PATIENCE: Final = 4.0
"""Seconds to wait for NATS before the network is told to try again: Messenger wants its answer within 5."""


class Ingress:
    """Takes the events of one app.

    Whoever hosts it may set: `guard`, asked right before something is stored, raises `BusUnavailable` when this process
    is no longer the one at work on the app. `on_inbound` gets each thread whose messaging window has just been opened,
    once that is stored; `on_echo` what went out from our own account; `on_refusal` what the network refuses after its
    first yes.
    """

    def __init__(self, app: App, receipts: Receipts, underway: Underway) -> None:
        self.guard: Callable[[], None] = _is_ours
        self.on_inbound: Callable[[str], None] = _needs_nothing
        self.on_echo: Callable[[EchoReceived], Awaitable[None]] = _is_known
        self.on_refusal: Callable[[ReceiptReceived], Awaitable[None]] = receipts.reported
        self._app = app
        self._shared = app.shared
        self._receipts = receipts
        self._placing = Placing(app, underway)
        self._acquaintance = Acquaintance(app, lambda: self.guard())
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
        except BusError:
            # It comes again, between what is written meanwhile.
            self._holding.disturb()
            raise

    async def close(self) -> None:
        """Take in nothing more of what is held: whoever brought it is told so."""
        await self._holding.close()

    async def _admit(self, thread: str, events: Sequence[Event], received: int) -> None:
        if self._app.bridge.in_order or not thread:
            await self._take([Arrival(event, received) for event in events], False)
            return
        # What we sent ourselves has no place among what people write, and somebody may wait for a sign of it.
        for event in events:
            if isinstance(event, EchoReceived):
                self.guard()
                await self._dispatch(event, received)
        others = [event for event in events if not isinstance(event, EchoReceived)]
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
            for arrival in arrivals:
                try:
                    await self._take_in_time(arrival, end)
                except BusError:
                    raise
                except Exception as error:
                    # Ours or the bridge's fault, and the same again the next time: keep it, and go on with the others.
                    log.exception("an event could not be taken in", app=self._app.name)
                    self.guard()
                    raw = repr(arrival.event).encode("utf-8", "backslashreplace")
                    detail = f"{type(error).__name__}: {error}"
                    await self._shared.journal.bury(self._app.name, "unparsed", detail, raw, patience=PATIENCE)
                    self._count("dead")
                arrival.stored = True

    async def _take_in_time(self, arrival: Arrival, end: float) -> None:
        # Every write on the way waits for as long as NATS is away, the network does not. A write that is given up here
        # is still stored when NATS is back, as the host's memory of it says.
        if not self._shared.publisher.online:
            raise BusUnavailable("nats is away")
        self.guard()
        end = min(end, asyncio.get_running_loop().time() + PATIENCE)
        try:
            async with asyncio.timeout_at(end) as limit:
                await self._dispatch(arrival.event, arrival.received)
        except TimeoutError:
            if not limit.expired():
                raise
            raise BusUnavailable(f"nats has not stored everything within {PATIENCE:g} s") from None

    async def _dispatch(self, event: Event, received: int) -> None:
        match event:
            case MessageReceived():
                await self._message(event, received)
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

    async def _message(self, event: MessageReceived, received: int) -> None:
        sender = Address(self._app.name, event.user)
        header_id = envelope_id(self._shared.key, self._app.name, event.thread, event.native_id, "event")
        if await self._repeats.has(event, header_id.hex(), sender):
            # It must not even move the person's focus again.
            self._count("duplicate")
            return
        await self._acquaintance.meet(sender, event.profile)
        quoted = await self._placing.quoted(event)
        placed = await self._placing.place(event, sender, quoted)
        self.guard()
        if isinstance(placed, Placed):
            await self._pass_on(event, header_id, sender, placed, quoted.envelope if quoted else "", received)
        else:
            await self._answer(event, sender, placed)
        await self._wrote(event.thread, event.at)

    async def _answer(self, event: MessageReceived, sender: Address, answered: Answered) -> None:
        """Tell whoever wrote how to go on: their message goes nowhere."""
        if answered.opened:
            await self._enter(event, answered.opened, starts=True)
        await self._notice(event, answered.key, answered.args)
        record = NativeRecord("", "", str(sender))
        await self._shared.messages.note(self._app.name, event.native_id, record, patience=PATIENCE)
        self._count("answered")

    async def _pass_on(
        self, event: MessageReceived, identity: bytes, sender: Address, placed: Placed, reply_to: str, received: int
    ) -> None:
        shared, conversation = self._shared, placed.conversation
        await self._enter(event, conversation, starts=placed.starts)
        content = replaced(
            _with_text(event.content, placed.text),
            sender=await shared.directory.sender(sender, self._app.bridge.title),
            reply_to=reply_to,
        )
        header = Header(
            id=identity,
            kind="event",
            sender=sender,
            to=conversation.others(sender) if conversation.kind == "dm" else (),
            conversation=conversation.id,
            # The network's own time: by it, egress knows an old message that was routed again.
            at=event.at,
            seal=UNSEALED,
        )
        try:
            data = encode(Envelope(header, close_body(content)))
        except TooLarge:
            await self._notice(event, "too_large", {"name": await self._name(conversation, sender)})
            await self._wrote(event.thread, event.at)
            raise
        await self._store(event, header, data, received)

    async def _enter(self, event: MessageReceived, conversation: Conversation, *, starts: bool) -> None:
        """The person's next plain message goes there, too."""
        if starts:
            await self._shared.conversations.start(conversation)
        await self._app.portals.focus(event.thread, conversation.id, self._not_ahead(event.at))

    async def _store(self, event: MessageReceived, header: Header, data: bytes, received: int) -> None:
        shared, app = self._shared, self._app.name
        self.guard()
        stored = await shared.publisher.publish(
            shared.subjects.inbound(app, header.conversation),
            data,
            message_id=header.hex_id,
            headers={TIMES: passed("", received)},
            patience=PATIENCE,
        )
        # Not before it is stored: the map is what tells a repeated message that it has been taken in. And in any case
        # after it, whoever is at work now.
        record = NativeRecord(header.hex_id, header.conversation, str(header.sender))
        leg, new = LegRecord((event.native_id,)), (event.native_id,)
        await shared.messages.remember(app, event.thread, record, leg, new=new, patience=PATIENCE)
        if stored.duplicate:
            self._count("duplicate")
            return
        self._count("accepted")
        await shared.ledger.begin(
            LedgerEntry(header.hex_id, app, "accepted", shared.clock.millis(), "event", str(header.sender))
        )

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

    async def _notice(self, event: MessageReceived | Unparsed, key: str, args: dict[str, str]) -> None:
        cause = event.native_id or raw_id(repr(event).encode("utf-8", "backslashreplace"))
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


def _with_text(content: Content, text: str) -> Content:
    return replaced(content, caption=text) if isinstance(content, Media) else replaced(content, text=text)


def _is_ours() -> None:
    """Nobody else can be at work on the app."""


def _needs_nothing(thread: str) -> None:
    """Nothing waits for the window of a thread."""


async def _is_known(echo: EchoReceived) -> None:
    """What went out from our own account is no news."""
