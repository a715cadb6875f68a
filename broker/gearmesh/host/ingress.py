"""What comes in: native events become envelopes in the inbound log.

    event ─▶ whose is it (directory) ─▶ which conversation (switchboard) ─▶ body closed ─▶ stored ─▶ "200"

Events of one thread are taken one after the other, in the order they were given; threads do not wait for each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from weakref import WeakValueDictionary

import msgspec
import structlog

from gearmesh.bridge import SupportsProfiles
from gearmesh.core.ids import envelope_id, raw_id
from gearmesh.core.switchboard import Choice, Continue, Help, Start, choose
from gearmesh.errors import BusError, BusUnavailable, GearmeshError, InvalidAddress, SendFailed, TooLarge
from gearmesh.host.answers import answer_of
from gearmesh.host.app import App
from gearmesh.host.cache import Cache
from gearmesh.host.directory import REFRESH_AFTER
from gearmesh.host.receipts import Receipts
from gearmesh.host.records import LegRecord, NativeRecord
from gearmesh.host.underway import Underway
from gearmesh.model.address import Address
from gearmesh.model.content import Content, Media, Text, replaced
from gearmesh.model.conversation import Conversation, dm
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
from gearmesh.model.person import KnownAddress, Profile
from gearmesh.wire.body import UNSEALED, close_body
from gearmesh.wire.codec import encode
from gearmesh.wire.times import TIMES, passed

log = structlog.get_logger("gearmesh.ingress")

PATIENCE: Final = 4.0
"""Seconds to wait for NATS before the network is told to try again: Messenger wants its answer within 5."""
REPEATED_AFTER: Final = 100_000
"""Milliseconds, less than the log's duplicate window: a repeat within them is recognised without asking the map."""
ASK_AGAIN_AFTER: Final = 600_000
"""Milliseconds between two questions for the profile of one person."""
PROFILE_WITHIN: Final = 2.0
"""Seconds that a message waits for the name of who wrote it."""


class Placed(msgspec.Struct, frozen=True):
    """A message with its conversation and what remains of its text."""

    conversation: Conversation
    text: str


class Ingress:
    """Takes the events of one app."""

    def __init__(self, app: App, receipts: Receipts, underway: Underway) -> None:
        self._app = app
        self._shared = app.shared
        self._receipts = receipts
        self._underway = underway
        self._since = app.shared.clock.millis()
        self.on_echo: Callable[[EchoReceived], Awaitable[None]] | None = None
        self.on_refusal: Callable[[ReceiptReceived], Awaitable[None]] | None = None
        self.on_inbound: Callable[[str], None] = lambda thread: None
        self.guard: Callable[[], None] = lambda: None
        self._asked: Cache[Address, int] = Cache(10_000)
        self._threads: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def doubt(self) -> None:
        """Somebody else may have taken messages in: for a while, ask the map about each."""
        self._since = self._shared.clock.millis()

    async def receive(self, events: Sequence[Event]) -> None:
        """Take events in. Returns when all of them are stored.

        Raises:
            BusUnavailable: not all are stored. What is stored already is recognised when it comes again.
        """
        received = self._shared.clock.micros()
        threads: dict[str, list[Event]] = {}
        for event in events:
            threads.setdefault(event.thread, []).append(event)
        if len(threads) == 1:
            await self._take(list(events), received)
            return
        results = await asyncio.gather(
            *(self._take(thread, received) for thread in threads.values()), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _take(self, events: Sequence[Event], received: int) -> None:
        """Take the events of one thread, up to the first that cannot be stored: a later one must not overtake it."""
        lock = self._threads.get(events[0].thread)
        if lock is None:
            lock = self._threads[events[0].thread] = asyncio.Lock()
        async with lock:
            for event in events:
                try:
                    await self._take_in_time(event, received)
                except BusError:
                    raise
                except Exception as error:
                    # Ours or the bridge's fault, and the same again the next time: keep it, and go on with the others.
                    log.exception("an event could not be taken in", app=self._app.name)
                    raw = repr(event).encode("utf-8", "backslashreplace")
                    detail = f"{type(error).__name__}: {error}"
                    await self._shared.journal.bury(self._app.name, "unparsed", detail, raw, patience=PATIENCE)
                    self._count("dead")

    async def _take_in_time(self, event: Event, received: int) -> None:
        # Every write on the way waits for as long as NATS is away, the network does not. A write that is given up here
        # is still stored when NATS is back, as the host's memory of it says.
        if not self._shared.publisher.online:
            raise BusUnavailable("nats is away")
        try:
            async with asyncio.timeout(PATIENCE) as limit:
                await self._dispatch(event, received)
        except TimeoutError:
            if not limit.expired():
                raise
            raise BusUnavailable(f"nats has not stored everything within {PATIENCE:g} s") from None

    async def _dispatch(self, event: Event, received: int) -> None:
        match event:
            case MessageReceived():
                await self._message(event, received)
            case ReceiptReceived():
                await self._receipts.reported(event)
            case ReadUpTo():
                await self._receipts.read_up_to(event)
            case ChatOpened():
                await self._meet(Address(self._app.name, event.user), event.profile, event.handle)
                self._count("opened")
            case EchoReceived():
                self._count("echo")
            case Unparsed():
                await self._unparsed(event)

    async def _message(self, event: MessageReceived, received: int) -> None:
        shared = self._shared
        sender = Address(self._app.name, event.user)
        if await self._is_repeated(event):
            self._count("duplicate")
            return
        await self._meet(sender, event.profile)
        quoted = await self._quoted(event)
        placed = await self._place(event, sender, quoted)
        if placed is None:
            answered = NativeRecord("", "", str(sender))
            await shared.messages.note(self._app.name, event.native_id, answered, patience=PATIENCE)
            self._count("answered")
            return
        content = _with_text(event.content, placed.text)
        content = replaced(
            content,
            sender=await shared.directory.sender(sender, self._app.bridge.title),
            reply_to=quoted.envelope if quoted else "",
        )
        conversation = placed.conversation
        identity = envelope_id(shared.key, self._app.name, event.thread, event.native_id, "event")
        header = Header(
            id=identity,
            kind="event",
            sender=sender,
            to=conversation.others(sender) if conversation.kind == "dm" else (),
            conversation=conversation.id,
            at=event.at,
            seal=UNSEALED,
        )
        try:
            data = encode(Envelope(header, close_body(content)))
        except TooLarge:
            await self._notice(event, "too_large", {"name": await self._name(conversation, sender)})
            raise
        await self._store(event, header, data, received)

    async def _is_repeated(self, event: MessageReceived) -> bool:
        """Whether this message was taken in before. Then it must not even move the person's focus again.

        Networks repeat a webhook after seconds or after days. What came a moment ago is at hand; only for what is
        older, or may have come to a predecessor, the map is asked.
        """
        shared, app = self._shared, self._app.name
        if shared.messages.recent(app, event.native_id):
            return True
        now = shared.clock.millis()
        if now - event.at < REPEATED_AFTER and now - self._since > REPEATED_AFTER:
            return False
        return await shared.messages.native(app, event.native_id) is not None

    async def _quoted(self, event: MessageReceived) -> NativeRecord | None:
        if not event.reply_to:
            return None
        messages, app = self._shared.messages, self._app.name
        record = await messages.native(app, event.reply_to)
        if record is None and await self._underway.settled(event.thread):
            record = await messages.native(app, event.reply_to)
        return record

    async def _choose(self, event: MessageReceived, quoted: NativeRecord | None) -> Choice:
        text, portals = _text_of(event.content), self._app.portals
        conversation = quoted.conversation if quoted else ""
        choice = choose(text, conversation, await portals.get(event.thread))
        if isinstance(choice, Help) and await self._underway.settled(event.thread):
            choice = choose(text, conversation, await portals.get(event.thread))
        return choice

    async def _store(self, event: MessageReceived, header: Header, data: bytes, received: int) -> None:
        shared, app = self._shared, self._app.name
        stored = await shared.publisher.publish(
            shared.subjects.inbound(app, header.conversation),
            data,
            message_id=header.hex_id,
            headers={TIMES: passed("", received)},
            patience=PATIENCE,
        )
        # Not before it is stored: the map is what tells a repeated message that it has been taken in.
        record = NativeRecord(header.hex_id, header.conversation, str(header.sender))
        leg, new = LegRecord((event.native_id,)), (event.native_id,)
        await shared.messages.remember(app, event.thread, record, leg, new=new, patience=PATIENCE)
        if stored.duplicate:
            self._count("duplicate")
            return
        self._count("accepted")
        await shared.journal.record(
            LedgerEntry(header.hex_id, app, "accepted", shared.clock.millis(), "event", str(header.sender))
        )

    async def _place(self, event: MessageReceived, sender: Address, quoted: NativeRecord | None) -> Placed | None:
        """The conversation of a message; None when there is none and the person was told how to go on."""
        shared, portals = self._shared, self._app.portals
        choice = await self._choose(event, quoted)
        if isinstance(choice, Continue):
            conversation = await shared.conversations.get(choice.conversation)
            if conversation and str(sender) in conversation.members:
                await portals.focus(event.thread, conversation.id)
                return Placed(conversation, choice.text)
            choice = Help("help")
        if isinstance(choice, Start):
            target = await self._resolve(choice.who, sender)
            if target is None:
                await self._notice(event, "unknown_person", {"who": choice.who})
                return None
            if target == sender:
                await self._notice(event, "yourself", {"who": choice.who})
                return None
            conversation = dm(sender, target)
            await shared.conversations.start(conversation)
            await portals.focus(event.thread, conversation.id)
            if not choice.text and isinstance(event.content, Text):
                await self._notice(event, "now_with", {"name": await shared.name_of(target)})
                return None
            return Placed(conversation, choice.text)
        await self._notice(event, choice.key, {})
        return None

    async def _resolve(self, who: str, sender: Address) -> Address | None:
        """The address that is meant by a handle or `app:user`. Of several, the first that is not the sender's own."""
        app, colon, user = who.partition(":")
        # Phones write the first letter of a message large; names of apps differ in more than that.
        named = (name for name in self._shared.bridges if name.lower() == app.lower())
        name = app if app in self._shared.bridges else next(named, "")
        if colon and name:
            try:
                return Address(name, self._shared.bridges[name].parse_address(user))
            except InvalidAddress:
                return None
        person = await self._shared.directory.find(who)
        if person is None:
            return None
        addresses = [Address.parse(address) for address in person.addresses]
        return next((address for address in addresses if address != sender), addresses[0] if addresses else None)

    async def _meet(self, address: Address, profile: Profile | None, handle: str = "") -> None:
        """Get to know who writes; their network is asked for a profile when they are new and none came along."""
        shared, bridge = self._shared, self._app.bridge
        known = await shared.directory.known(address)
        if profile is None and isinstance(bridge, SupportsProfiles) and self._is_profile_due(address, known):
            try:
                profile = await answer_of(bridge.profile(address.user), PROFILE_WITHIN, app=address.app, profile="")
            except SendFailed as error:
                log.warning("no profile now; asked again later", app=address.app, error=str(error))
        if known is None or (profile is not None and profile != known.profile):
            now = shared.clock.millis() if profile is not None else 0
            await shared.directory.register(address, profile, handle=handle, now=now)

    def _is_profile_due(self, address: Address, known: KnownAddress | None) -> bool:
        now = self._shared.clock.millis()
        if known is not None and now < known.profiled_at + REFRESH_AFTER:
            return False
        # A network that does not answer is not asked with every message, each of which would wait for it.
        if now < (self._asked.get(address) or 0) + ASK_AGAIN_AFTER:
            return False
        self._asked.put(address, now)
        return True

    async def _unparsed(self, event: Unparsed) -> None:
        letter = raw_id(event.raw)
        await self._shared.journal.bury(
            self._app.name, "unparsed", event.detail, event.raw, letter_id=letter, patience=PATIENCE
        )
        self._count("dead")
        if event.user and event.kind:
            await self._notice(event, "unsupported", {"kind": event.kind})

    async def _notice(self, event: MessageReceived | Unparsed, key: str, args: dict[str, str]) -> None:
        cause = event.native_id or raw_id(repr(event).encode("utf-8", "backslashreplace"))
        address = Address(self._app.name, event.user)
        await self._shared.notifier.tell(
            address, key, args, cause=cause, now=self._shared.clock.millis(), patience=PATIENCE
        )

    async def _name(self, conversation: Conversation, sender: Address) -> str:
        others = conversation.others(sender)
        return conversation.title or (await self._shared.name_of(others[0]) if others else "")

    def _count(self, outcome: str) -> None:
        self._shared.metrics.messages.labels(self._app.name, "in", outcome).inc()


def _text_of(content: Content) -> str:
    match content:
        case Text(text=text):
            return text
        case Media(caption=caption):
            return caption
        case _:
            raise GearmeshError(f"a bridge gave a message with {type(content).__name__} as its content")


def _with_text(content: Content, text: str) -> Content:
    return replaced(content, caption=text) if isinstance(content, Media) else replaced(content, text=text)
