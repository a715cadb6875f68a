"""A bridge to `FakeNetwork`, with every optional ability: for tests of what stands behind bridges."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Callable, Collection
from typing import ClassVar, Final

import msgspec

from gearmesh.bridge import Bridge, WebhookRequest, WebhookResponse
from gearmesh.errors import BusUnavailable, InvalidAddress, Rejected, Retry, Unauthorized
from gearmesh.model.capabilities import Capabilities
from gearmesh.model.content import Media, MediaRef, Sender, Text, words_of
from gearmesh.model.delivery import Delivery, ReceiptDelivery, Sent
from gearmesh.model.events import EchoReceived, Event, MessageReceived, ReceiptReceived, Unparsed
from gearmesh.model.person import Profile
from gearmesh.plugins import Registry
from gearmesh.testing.network import SIGNATURE, FakeNetwork
from gearmesh.testing.shown import Shown
from gearmesh.testing.updates import Echoed, Seen, Typed, Update

REPEAT_AFTER: Final = 0.02
"""Seconds until what could not be stored is handed over again."""
CHUNK: Final = 64 * 1024


class FakeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing has to be configured. `ghosts`: senders appear under their own name."""

    ghosts: bool = True


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
        content = delivery.content
        text = words_of(content)
        link = self.context.media_link(content.ref) if isinstance(content, Media) else ""
        author = self.messenger.ghosts.get(delivery.ghost, "")
        shown = Shown("", text, delivery.thread, author, delivery.reply_to, link)
        try:
            return Sent((await self.messenger.deliver(delivery.user, shown, delivery.id),))
        except ConnectionError as error:
            raise Retry(str(error)) from None

    async def webhook(self, request: WebhookRequest) -> WebhookResponse:
        """The same updates, as a signed JSON list."""
        signature = request.headers.get(SIGNATURE, "")
        expected = self.messenger.signature(request.body)
        if not hmac.compare_digest(signature.encode("utf-8", "replace"), expected.encode()):
            return WebhookResponse(403, "", "forged")
        try:
            updates = msgspec.json.decode(request.body, type=list[Update])
        except (msgspec.DecodeError, RecursionError) as error:
            await self.context.receive(Unparsed(request.body, f"no updates: {error}", kind="malformed"))
            return WebhookResponse()
        if updates:
            await self.context.receive(*(self.translate(update) for update in updates))
        return WebhookResponse()

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
                content: Text | Media = Text(update.text)
                if update.file:
                    size = len(self.messenger.files.get(update.file, b""))
                    content = Media("image", MediaRef(self.context.app, update.file, update.mime, size), update.text)
                return MessageReceived(update.id, update.thread, update.user, update.at, content, update.reply_to)
            case Seen():
                return ReceiptReceived(update.thread, update.user, update.at, "read", update.ids)
            case Echoed():
                return EchoReceived(update.id, update.thread, update.user, update.at, update.delivery_id)


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
