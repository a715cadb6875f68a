"""One app as its host sees it: the bridge, and everything that ingress and egress work with."""

from __future__ import annotations

from functools import cache
from typing import cast

import msgspec
import structlog

from gearmesh.bridge import Bridge, SupportsRooms
from gearmesh.bus.journal import Journal
from gearmesh.bus.ledger import Ledger
from gearmesh.bus.publisher import Publisher
from gearmesh.clock import Clock
from gearmesh.core.retry import OnUnclear
from gearmesh.errors import Malformed
from gearmesh.host.directory import Directory
from gearmesh.host.files import Files
from gearmesh.host.groups import Groups
from gearmesh.host.media_links import MediaLinks
from gearmesh.host.message_map import MessageMap
from gearmesh.host.notifier import Notifier
from gearmesh.host.records import Conversations, Portals
from gearmesh.metrics import Metrics
from gearmesh.model.address import Address
from gearmesh.wire.subjects import Subjects

log = structlog.get_logger("gearmesh.host")


class Shared(msgspec.Struct, frozen=True):
    """What all apps of one daemon share. `key` is the broker's own, 32 bytes; `bridges` has every app's bridge."""

    publisher: Publisher
    journal: Journal
    ledger: Ledger
    subjects: Subjects
    directory: Directory
    conversations: Conversations
    messages: MessageMap
    notifier: Notifier
    media_links: MediaLinks
    metrics: Metrics
    clock: Clock
    key: bytes
    bridges: dict[str, Bridge]
    files: Files
    groups: Groups

    def title(self, app: str) -> str:
        """What people call an app's network."""
        bridge = self.bridges.get(app)
        return bridge.title if bridge else app.capitalize()

    async def name_of(self, address: Address) -> str:
        """How a person is called in notices; their user id when their record cannot be read."""
        try:
            sender = await self.directory.sender(address, self.title(address.app))
        except Malformed:
            log.exception("a person's record cannot be read", address=str(address))
            return address.user
        return sender.name or (f"@{sender.handle}" if sender.handle else address.user)


@cache
def _has_rooms(kind: type[Bridge]) -> bool:
    # Asked of a class of protocols with every message, this took as long as reading it.
    return issubclass(kind, SupportsRooms)


class App(msgspec.Struct, frozen=True):
    """One app.

    `max_age` is how many seconds a leg may wait for its network, `unclear_wait` how many a sign of an unclear one is
    waited for. `rate` (messages a second) and `recipient_every` (seconds) replace the network's own bounds where set.
    """

    name: str
    bridge: Bridge
    portals: Portals
    shared: Shared
    max_age: float
    on_unclear: OnUnclear
    unclear_wait: float
    rate: float | None
    recipient_every: float | None

    def is_room(self, thread: str) -> bool:
        """Whether a thread is a room."""
        bridge: object = self.bridge
        return _has_rooms(type(self.bridge)) and cast("SupportsRooms", bridge).is_room(thread)

    def party(self, thread: str, sender: Address) -> Address:
        """The member as which somebody takes part: the room in which they are, or themselves."""
        return Address(self.name, thread) if self.is_room(thread) else sender
