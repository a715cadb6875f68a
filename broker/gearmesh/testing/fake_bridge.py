"""A bridge to `FakeNetwork`, with every optional ability: for tests of what stands behind bridges."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from typing import ClassVar, Final, TypeVar

import msgspec

from gearmesh.bridge import Bridge, WebhookRequest, WebhookResponse
from gearmesh.errors import BusUnavailable, InvalidAddress, Rejected, Retry, Unauthorized
from gearmesh.model.capabilities import Capabilities
from gearmesh.model.content import (
    Contacts,
    Location,
    Media,
    MediaRef,
    Message,
    Poll,
    Product,
    Reaction,
    Sender,
    Text,
    replaced,
    words_of,
)
from gearmesh.model.delivery import Delivery, ReceiptDelivery, Sent
from gearmesh.model.events import (
    EchoReceived,
    EditReceived,
    Event,
    MembershipReceived,
    MessageReceived,
    ReactionReceived,
    ReceiptReceived,
    RedactionReceived,
    TypingReceived,
    Unparsed,
    VoteReceived,
)
from gearmesh.model.person import Profile
from gearmesh.plugins import Registry
from gearmesh.testing.network import SIGNATURE, FakeNetwork
from gearmesh.testing.shown import Shown
from gearmesh.testing.updates import Echoed, Edited, Moved, Reacted, Seen, Typed, Unsent, Update, Voted, Writing

REPEAT_AFTER: Final = 0.02
"""Seconds until what could not be stored is handed over again."""
CHUNK: Final = 64 * 1024
Answer = TypeVar("Answer")


class FakeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing has to be configured.

    `ghosts`: senders appear under their own name. `invitation` is what somebody is told whose window is closed; "" for
    nothing.
    """

    ghosts: bool = True
    invitation: str = ""


class FakeBridge(Bridge):
    """One account of a `FakeNetwork`. `bridge_for` makes the class that belongs to a certain network."""

    network: ClassVar[str] = "fake"
    title: ClassVar[str] = "Fake"
    api: ClassVar[int] = 1
    Config: ClassVar[type[msgspec.Struct]] = FakeConfig
    messenger: ClassVar[FakeNetwork]
    """The network itself."""

    def capabilities(self, thread: str) -> Capabilities:
        """The network's, the same in every thread."""
        return self.messenger.capabilities

    def parse_address(self, text: str) -> str:
        """A name without blanks, in lower case."""
        name = text.strip().lower()
        if not name or len(name) > 64 or not name.isprintable() or " " in name:
            raise InvalidAddress(text, "a name without blanks, such as ada")
        return name

    def format_address(self, user: str) -> str:
        """As it is."""
        return user

    async def run(self) -> None:
        """Hand over what people write, until cancelled or the network is out of reach."""
        if not self.messenger.lets_in:
            raise Unauthorized(f"{self.title} refuses the credentials")
        if not self.messenger.reachable:
            raise ConnectionError(f"{self.title} cannot be reached")
        await self.context.status("connected")
        while True:
            update = await self.messenger.first()
            try:
                await self.context.receive(self.translate(update))
            except BusUnavailable:
                await self.messenger.clock.sleep(REPEAT_AFTER)
                continue
            self.messenger.acknowledge()

    async def send(self, delivery: Delivery) -> Sent:
        """Show it to the recipient."""
        return await self._deliver(delivery, self._shown(delivery))

    async def react(self, delivery: Delivery) -> Sent:
        """Show a reaction under its sender's name, or take it away."""
        reaction = delivery.content
        assert isinstance(reaction, Reaction)
        emoji = "" if reaction.removed else reaction.emoji
        await self._reached(self.messenger.place(delivery.target[0], self._author(delivery), emoji))
        return Sent(())

    async def edit(self, delivery: Delivery) -> Sent:
        """Change the words of a message."""
        await self._reached(self.messenger.change(delivery.target, words_of(delivery.content)))
        return Sent(())

    async def redact(self, delivery: Delivery) -> Sent:
        """Take a message back."""
        await self._reached(self.messenger.take_back(delivery.target))
        return Sent(())

    async def typing(self, thread: str, user: str, on: bool, last: str) -> None:
        """Show that somebody is writing."""
        self.messenger.show_typing(user, on)

    async def invite(self, delivery: Delivery) -> Sent | None:
        """Tell the recipient what is configured for that."""
        if not self.config.invitation:
            return None
        return await self._deliver(delivery, Shown("", self.config.invitation, delivery.thread))

    async def webhook(self, request: WebhookRequest) -> WebhookResponse:
        """The same updates, as a signed JSON list."""
        signature = request.headers.get(SIGNATURE, "")
        expected = self.messenger.signature(request.body)
        if not hmac.compare_digest(signature.encode("utf-8", "replace"), expected.encode()):
            return WebhookResponse(403, "", "forged")
        events = self.replay(request.body)
        if events:
            await self.context.receive(*events)
        return WebhookResponse()

    def replay(self, raw: bytes) -> Sequence[Event]:
        """A webhook's body, read."""
        try:
            updates = msgspec.json.decode(raw, type=list[Update])
        except (msgspec.DecodeError, RecursionError) as error:
            return (Unparsed(raw, f"no updates: {error}", kind="malformed"),)
        return tuple(self.translate(update) for update in updates)

    def parse_room(self, text: str) -> str:
        """A name that begins with #, in lower case."""
        name = text.strip().lower()
        if not name.startswith("#") or len(name) < 2 or " " in name:
            raise InvalidAddress(text, "a room's name, such as #club")
        return name

    def is_room(self, thread: str) -> bool:
        """Whether its name begins with #."""
        return thread.startswith("#")

    async def sit_in(self, rooms: Collection[str]) -> None:
        """Be there from now on: what is sent to them is shown."""
        self.messenger.sit_in(rooms)

    async def profile(self, user: str) -> Profile:
        """The name that somebody joined with."""
        return Profile(name=self.messenger.names.get(user, ""), username=user)

    async def ghost(self, thread: str, sender: Sender) -> str:
        """An id for each name; "" for somebody without one."""
        if not self.config.ghosts or not sender.name:
            return ""
        for ghost, name in self.messenger.ghosts.items():
            if name == sender.name:
                return ghost
        ghost = f"ghost-{len(self.messenger.ghosts) + 1}"
        self.messenger.ghosts[ghost] = sender.name
        return ghost

    async def receipt(self, delivery: ReceiptDelivery) -> None:
        """Mark the messages."""
        self.messenger.mark(delivery.native_ids, delivery.state)

    async def media(self, ref: MediaRef) -> AsyncIterator[bytes]:
        """A file that somebody sent."""
        data = self.messenger.files.get(ref.source)
        if data is None:
            raise Rejected(f"{self.title} has no file {ref.source}", code="gone")
        for start in range(0, len(data), CHUNK):
            yield data[start : start + CHUNK]

    def translate(self, update: Update) -> Event:
        """An update in Gearmesh's words."""
        match update:
            case Typed():
                content = self._content(update)
                return MessageReceived(update.id, update.thread, update.user, update.at, content, update.reply_to)
            case Reacted(user=user, thread=thread, at=at, message=message, emoji=emoji):
                return ReactionReceived(thread, user, at, message, emoji, removed=not emoji)
            case Edited(user=user, thread=thread, at=at, message=typed, number=number):
                content = self._content(typed)
                if not isinstance(content, Text | Media):
                    return Unparsed(msgspec.json.encode([update]), "it has no words to change", thread, user, "edit")
                return EditReceived(thread, user, at, typed.id, content, str(number))
            case Unsent(user=user, thread=thread, at=at, message=message):
                return RedactionReceived(thread, user, at, message)
            case Voted(user=user, thread=thread, at=at, message=message, options=options):
                return VoteReceived(thread, user, at, message, options)
            case Moved(user=user, thread=thread, at=at, change=change, text=text):
                return MembershipReceived(thread, user, at, change, text)
            case Writing(user=user, thread=thread, at=at, on=on):
                return TypingReceived(thread, user, at, on)
            case Seen():
                return ReceiptReceived(update.thread, update.user, update.at, "read", update.ids)
            case Echoed():
                return EchoReceived(update.id, update.thread, update.user, update.at, update.delivery_id)

    def _content(self, typed: Typed) -> Message:
        if typed.shape is not None:
            shape = typed.shape
            return (
                replaced(shape, forwarded=True) if typed.forwarded and not isinstance(shape, Poll | Product) else shape
            )
        if not typed.file:
            return Text(typed.text, markup=typed.markup, forwarded=typed.forwarded)
        size = len(self.messenger.files.get(typed.file, b""))
        return Media(
            typed.media,
            MediaRef(self.context.app, typed.file, typed.mime, size, name=typed.name),
            typed.text,
            markup=typed.markup,
            forwarded=typed.forwarded,
            view_once=typed.view_once,
        )

    def _shown(self, delivery: Delivery) -> Shown:
        content = delivery.content
        shown = Shown("", words_of(content), delivery.thread, self._author(delivery), delivery.reply_to)
        match content:
            case Text(buttons=buttons, forwarded=forwarded):
                return replaced(shown, buttons=buttons, forwarded=forwarded)
            case Media(media=media, ref=ref, forwarded=forwarded, view_once=view_once):
                link = self.context.media_link(ref)
                return replaced(shown, link=link, media=media, forwarded=forwarded, view_once=view_once)
            case Location(forwarded=forwarded) | Contacts(forwarded=forwarded):
                return replaced(shown, shape=content, forwarded=forwarded)
            case Poll() | Product():
                return replaced(shown, shape=content)
            case _:
                raise Rejected(f"{self.title} has no messages of the kind {type(content).__name__}", code="unsupported")

    def _author(self, delivery: Delivery) -> str:
        return self.messenger.ghosts.get(delivery.ghost, "")

    async def _deliver(self, delivery: Delivery, shown: Shown) -> Sent:
        return Sent((await self._reached(self.messenger.deliver(delivery.user, shown, delivery.id)),))

    async def _reached(self, answer: Awaitable[Answer]) -> Answer:
        try:
            return await answer
        except ConnectionError as error:
            raise Retry(str(error)) from None


def bridge_for(network: FakeNetwork, base: type[FakeBridge] = FakeBridge) -> type[FakeBridge]:
    """The bridge class of a network, named after it. `base` can be one that behaves in another way."""
    attributes = {"network": network.name, "title": network.title, "messenger": network}
    return type(f"{network.title}Bridge", (base,), attributes)


def plugins_of(*networks: FakeNetwork) -> Callable[[Collection[str] | None], Registry]:
    """Instead of `gearmesh.plugins.load`, for `gearmesh.config.parse`: a registry that has these networks' bridges."""

    def load(wanted: Collection[str] | None = None) -> Registry:
        bridges = {network.name: bridge_for(network) for network in networks}
        return Registry(bridges=dict(bridges), available=tuple(sorted(bridges)))

    return load
