"""What a bridge hands over: native input, put into our words.

Ids in events are the network's own, and mean something only together with the app they came from.
"""

from __future__ import annotations

import msgspec

from gearmesh.model.content import Content, ReceiptState
from gearmesh.model.person import Profile


class MessageReceived(msgspec.Struct, frozen=True):
    """Somebody wrote. `at` is the network's own time in milliseconds since the epoch.

    `thread` is the portal (on networks with one thread per person: the person). `reply_to` is the native id of the
    quoted message, or "". `profile` is what came along with the message, if anything did.
    """

    native_id: str
    thread: str
    user: str
    at: int
    content: Content
    reply_to: str = ""
    profile: Profile | None = None


class ReceiptReceived(msgspec.Struct, frozen=True):
    """The network reports what became of messages that we sent."""

    thread: str
    user: str
    at: int
    state: ReceiptState
    native_ids: tuple[str, ...]
    detail: str = ""


class ReadUpTo(msgspec.Struct, frozen=True):
    """Everything that we sent to this thread at or before `watermark` (milliseconds) has reached `state`."""

    thread: str
    user: str
    at: int
    watermark: int
    state: ReceiptState = "read"


class ChatOpened(msgspec.Struct, frozen=True):
    """Somebody opened a chat with us without writing. `handle` is the one that they ask for, or ""."""

    thread: str
    user: str
    at: int
    profile: Profile | None = None
    handle: str = ""


class EchoReceived(msgspec.Struct, frozen=True):
    """The network shows us a message that went out from our own account. `delivery_id` is ours, where it came along."""

    native_id: str
    thread: str
    user: str
    at: int
    delivery_id: str = ""


class Unparsed(msgspec.Struct, frozen=True):
    """Input that nobody understands, with its raw bytes: it becomes a dead letter.

    `user` and `thread` are set where it is at least known whose it was: then the person is told.
    """

    raw: bytes
    detail: str
    thread: str = ""
    user: str = ""
    kind: str = ""
    native_id: str = ""


Event = MessageReceived | ReceiptReceived | ReadUpTo | ChatOpened | EchoReceived | Unparsed
