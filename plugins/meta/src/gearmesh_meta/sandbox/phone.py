"""A phone in the sandbox: one person on one network, and the messages they see there."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec

from .media import Media
from .settings import Network
from .things import Advertisement, Ballot, Button, ContactCard, Goods, Place, Post, Story, Version, Who

Direction = Literal["out", "in"]
Status = Literal["sent", "delivered", "read", "failed"]


#: What a message has of these stands in its JSON, by the same name.
_THINGS: Final = (
    "place",
    "contacts",
    "goods",
    "advertisement",
    "ballot",
    "story",
    "post",
    "buttons",
    "tapped",
    "reactions",
    "versions",
    "deleted",
    "forwarded",
    "view_once",
    "played",
    "was",
)


@dataclass(slots=True)
class Message:
    """One message as the person sees it: `out` was typed here, `in` arrived from the business.

    `text` is what was typed with it, or its caption; words for what has a shape of its own below are not shown.
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
    place: Place | None = None
    contacts: tuple[ContactCard, ...] = ()
    goods: tuple[Goods, ...] = ()
    """On a `product` for sale, in an `order` ordered; with a text what the person asks about."""
    advertisement: Advertisement | None = None
    ballot: Ballot | None = None
    story: Story | None = None
    post: Post | None = None
    buttons: tuple[Button, ...] = ()
    tapped: str | None = None
    """Title of the button under this message that the person has tapped last."""
    tap: Button | None = None
    """The button that the person tapped to say this, on the message `reply_to`."""
    reactions: dict[Who, str] = field(default_factory=dict)
    """Emoji by whom: each has one at most."""
    versions: list[Version] = field(default_factory=list)
    """What it said before its edits, oldest first."""
    deleted: bool = False
    """Taken back by whoever wrote it; nothing of it is left."""
    forwarded: bool = False
    view_once: bool = False
    played: bool = False
    """The person has listened to this voice note."""
    was: str = ""
    """What the business could only put into words, such as "reaction", where somebody recognises it."""

    def react(self, who: Who, emoji: str) -> None:
        """Put a reaction on it, in the place of an earlier one; without emoji there is none any more."""
        if emoji and not self.deleted:
            self.reactions[who] = emoji
        else:
            self.reactions.pop(who, None)

    def erase(self) -> None:
        """Take it back: what it held is gone for good."""
        self.deleted = True
        self.text = ""
        self.media = self.media_url = self.place = self.advertisement = self.ballot = self.story = None
        self.post = None
        self.contacts, self.goods, self.buttons = (), (), ()
        self.reactions.clear()
        self.versions.clear()

    def view(self) -> dict[str, Any]:
        """The message in the control API's JSON; what it does not have of the newer kinds is left out."""
        view: dict[str, Any] = {
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
        view.update((name, msgspec.to_builtins(thing)) for name in _THINGS if (thing := getattr(self, name)))
        return view

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
    typing_until: int | None = None
    """Until when the business is shown as typing; milliseconds since the epoch."""
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
        if self.typing_until is not None:
            view["typing_until"] = self.typing_until
        return view

    def add(self, message: Message) -> None:
        """Show a message; the oldest is forgotten when the phone is full."""
        self.messages[message.id] = message
        if message.direction == "out":
            self.unseen.append(message)
        else:
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
