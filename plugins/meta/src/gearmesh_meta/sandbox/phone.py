"""A phone in the sandbox: one person on one network, and the messages they see there."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Any, Literal

from .media import Media
from .settings import Network

Direction = Literal["out", "in"]
Status = Literal["sent", "delivered", "read", "failed"]


@dataclass(slots=True)
class Message:
    """One message as the person sees it: `out` was typed here, `in` arrived from the business.

    `opaque`, `metadata` and `category` are what the business said with it and gets back in statuses and echoes.
    """

    id: str
    direction: Direction
    type: str
    text: str
    time: int
    status: Status
    reply_to: str | None = None
    sender_name: str | None = None
    media: Media | None = None
    media_url: str | None = None
    opaque: str | None = None
    metadata: str | None = None
    category: str = "service"
    by_bsuid: bool = False

    def view(self) -> dict[str, Any]:
        """The message in the control API's JSON."""
        return {
            "id": self.id,
            "direction": self.direction,
            "type": self.type,
            "text": self.text,
            "time": self.time,
            "status": self.status,
            "reply_to": self.reply_to,
            "sender_name": self.sender_name,
            "media": self.media.view() if self.media is not None else self._link_view(),
        }

    def _link_view(self) -> dict[str, Any] | None:
        if self.media_url is None:
            return None
        return {"type": self.type, "url": self.media_url, "mime": None, "name": None, "size": None}


@dataclass(slots=True)
class Phone:
    """One person on one network. `hidden` is a WhatsApp user whose number the business does not learn."""

    network: Network
    user: str
    handle: str
    name: str
    bsuid: str | None = None
    hidden: bool = False
    capacity: int = 20_000
    window_opened: int | None = None
    """When the person last did something that opens the messaging window; milliseconds since the epoch."""
    messages: OrderedDict[str, Message] = field(default_factory=OrderedDict)
    unread: deque[Message] = field(default_factory=deque)
    """Arrived and not yet read by the person."""
    unseen: deque[Message] = field(default_factory=deque)
    """Typed and not yet read by the business."""

    def view(self) -> dict[str, Any]:
        """The phone in the control API's JSON."""
        view: dict[str, Any] = {
            "network": self.network,
            "user": self.user,
            "handle": self.handle,
            "name": self.name,
        }
        if self.network != "messenger":
            view["username"] = self.handle
        if self.bsuid is not None:
            view["bsuid"] = self.bsuid
            view["hide_number"] = self.hidden
        return view

    def add(self, message: Message) -> None:
        """Show a message; the oldest is forgotten when the phone is full."""
        self.messages[message.id] = message
        if message.direction == "out":
            self.unseen.append(message)
        elif message.type != "reaction":
            # Nobody is told that a reaction was read.
            self.unread.append(message)
        if len(self.messages) > self.capacity:
            _, oldest = self.messages.popitem(last=False)
            behind = self.unseen if oldest.direction == "out" else self.unread
            if behind and behind[0] is oldest:
                behind.popleft()

    def read_all(self) -> list[Message]:
        """The person looks at the phone: returns what was unread, now read, oldest first."""
        return _mark(self.unread, None)

    def seen_up_to(self, message_id: str | None) -> list[Message]:
        """The business has read up to `message_id` (None: everything): returns what changed, oldest first."""
        if message_id is not None and not any(message.id == message_id for message in self.unseen):
            return []
        return _mark(self.unseen, message_id)

    def history(self, after: str | None, limit: int | None) -> list[Message]:
        """Messages oldest first: the first `limit` after the id `after`, or without a known one the last `limit`."""
        chosen: list[Message] = []
        forward = after is not None and after in self.messages
        for message in reversed(self.messages.values()):
            if message.id == after or (not forward and len(chosen) == limit):
                break
            chosen.append(message)
        chosen.reverse()
        return chosen[:limit]

    def clear(self) -> None:
        """Forget all messages; the window stays as it is."""
        self.messages.clear()
        self.unread.clear()
        self.unseen.clear()


def _mark(waiting: deque[Message], last: str | None) -> list[Message]:
    changed: list[Message] = []
    while waiting:
        message = waiting.popleft()
        message.status = "read"
        changed.append(message)
        if message.id == last:
            break
    return changed
