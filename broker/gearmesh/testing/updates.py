"""What `FakeNetwork` tells a bridge: its own words, which the bridge has to translate."""

from __future__ import annotations

import msgspec

from gearmesh.model.content import MediaKind, MembershipChange
from gearmesh.testing.shown import Shape


class Typed(msgspec.Struct, frozen=True, omit_defaults=True, tag="typed"):
    """Somebody wrote. `at` in milliseconds since the epoch.

    `file` is the id of a file that came along, `media` its kind, `name` its name. `shape` is what was sent instead of
    words. With `markup` the words are CommonMark.
    """

    id: str
    user: str
    thread: str
    at: int
    text: str
    reply_to: str = ""
    file: str = ""
    mime: str = ""
    media: MediaKind = "image"
    name: str = ""
    shape: Shape | None = None
    markup: bool = False
    forwarded: bool = False
    view_once: bool = False


class Reacted(msgspec.Struct, frozen=True, tag="reacted"):
    """Somebody reacts to a message; without `emoji` they take back what they felt."""

    user: str
    thread: str
    at: int
    message: str
    emoji: str


class Edited(msgspec.Struct, frozen=True, tag="edited"):
    """Somebody has changed what they wrote: `message` is all of it as it is now, `number` counts the changes."""

    user: str
    thread: str
    at: int
    message: Typed
    number: int


class Unsent(msgspec.Struct, frozen=True, tag="unsent"):
    """Somebody has taken back what they wrote."""

    user: str
    thread: str
    at: int
    message: str


class Voted(msgspec.Struct, frozen=True, tag="voted"):
    """Somebody chooses in a poll, in the words of its options."""

    user: str
    thread: str
    at: int
    message: str
    options: tuple[str, ...]


class Writing(msgspec.Struct, frozen=True, tag="writing"):
    """Somebody is writing, or has stopped."""

    user: str
    thread: str
    at: int
    on: bool


class Moved(msgspec.Struct, frozen=True, tag="moved"):
    """Somebody has come to a room or left it, or gave it or themselves something new."""

    user: str
    thread: str
    at: int
    change: MembershipChange
    text: str


class Seen(msgspec.Struct, frozen=True, tag="seen"):
    """Somebody has read these messages."""

    user: str
    thread: str
    at: int
    ids: tuple[str, ...]


class Echoed(msgspec.Struct, frozen=True, tag="echoed"):
    """A message that went out from the own account. `delivery_id` is what was sent along with it."""

    id: str
    user: str
    thread: str
    at: int
    delivery_id: str


Update = Typed | Reacted | Edited | Unsent | Voted | Writing | Moved | Seen | Echoed
