"""What a bridge hands over: native input, put into our words.

Ids in events are the network's own, and mean something only together with the app they came from.
"""

from __future__ import annotations

import msgspec

from gearmesh.errors import SendFailed
from gearmesh.model.content import Media, MembershipChange, Message, ReceiptState, Text
from gearmesh.model.person import Profile


class MessageReceived(msgspec.Struct, frozen=True):
    """Somebody wrote. `at` is the network's own time in milliseconds since the epoch.

    `thread` is the portal (on networks with one thread per person: the person). `reply_to` is the native id of the
    quoted message, or "". `profile` is what came along with the message, if anything did. A native message that says
    several things is several of these: its words, or else the first of them, have its id and say in `parts` how many
    there are; the others have the ids that `part_id` makes of it, also where they come before the words.
    """

    native_id: str
    thread: str
    user: str
    at: int
    content: Message
    reply_to: str = ""
    profile: Profile | None = None
    parts: int = 1


def part_id(native_id: str, number: int) -> str:
    """The id of one of the things that a native message says, counted from 0."""
    return f"{native_id}#{number}" if number else native_id


class ReactionReceived(msgspec.Struct, frozen=True):
    """Somebody reacts to the message `target` (native id). `removed`: they have taken their reaction back."""

    thread: str
    user: str
    at: int
    target: str
    emoji: str = ""
    removed: bool = False
    profile: Profile | None = None


class EditReceived(msgspec.Struct, frozen=True):
    """Somebody has changed their message `target` (native id); `content` is all of it as it is now.

    `number` tells several edits of one message apart, where the network counts them, or names each; else their times
    do.
    """

    thread: str
    user: str
    at: int
    target: str
    content: Text | Media
    number: str = ""
    profile: Profile | None = None


class RedactionReceived(msgspec.Struct, frozen=True):
    """Somebody has taken back their message `target` (native id)."""

    thread: str
    user: str
    at: int
    target: str
    profile: Profile | None = None


class VoteReceived(msgspec.Struct, frozen=True):
    """Somebody chooses in the poll `target` (native id): the words of the options, none when they withdraw."""

    thread: str
    user: str
    at: int
    target: str
    options: tuple[str, ...]
    profile: Profile | None = None


class MembershipReceived(msgspec.Struct, frozen=True):
    """Somebody has come to a room or left it, or the room has become something else.

    `text` says what: a person's new `name`, or the room's new `topic`; else it is the reason that they gave, or "".
    A `name` that is also a new user id is two of these: the old user has `left`, the new one `joined`.
    """

    thread: str
    user: str
    at: int
    change: MembershipChange
    text: str = ""
    profile: Profile | None = None


class TypingReceived(msgspec.Struct, frozen=True):
    """Somebody is writing in this thread, or has stopped."""

    thread: str
    user: str
    at: int
    on: bool = True


class ReceiptReceived(msgspec.Struct, frozen=True):
    """The network reports what became of messages that we sent.

    `delivery_id` is ours (`Delivery.id`), where it came along. A `failed` one has the reason in `detail`, and in
    `failure` what it means: the same class that `Bridge.send` would have raised, had the network said so at once.
    """

    thread: str
    user: str
    at: int
    state: ReceiptState
    native_ids: tuple[str, ...]
    detail: str = ""
    delivery_id: str = ""
    failure: SendFailed | None = None


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
    """The network shows us a message that went out from our own account.

    `delivery_id` is ours (`Delivery.id`), where it came along; where the network takes none, `text` are the words of
    the message, by which it is recognised.
    """

    native_id: str
    thread: str
    user: str
    at: int
    delivery_id: str = ""
    text: str = ""


class Unparsed(msgspec.Struct, frozen=True):
    """Input that nobody understands, with its raw bytes: it becomes a dead letter.

    Where the bridge can read such bytes again (`SupportsReplay`), `raw` is all that it needs for that. `user` and
    `thread` are set where it is at least known whose it was: then the person is told.
    """

    raw: bytes
    detail: str
    thread: str = ""
    user: str = ""
    kind: str = ""
    native_id: str = ""


ChangeReceived = ReactionReceived | EditReceived | RedactionReceived | VoteReceived
"""What is about another message, its `target`."""
Event = (
    MessageReceived
    | ChangeReceived
    | MembershipReceived
    | TypingReceived
    | ReceiptReceived
    | ReadUpTo
    | ChatOpened
    | EchoReceived
    | Unparsed
)
