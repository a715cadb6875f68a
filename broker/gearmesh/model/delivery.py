"""What is sent, what came of it, and the states that a leg goes through.

A leg begins `accepted` (its envelope is stored). From there it is ours until it is `sent`, or has come to an end that
its sender is told of: `failed`, `expired`, `dead`. `parked` is the one state that leads back: the leg waits for
something and is then tried again. What is `sent` is the network's: it may report `delivered` and `read`, which only go
forward (one that reports `read` alone is believed), or never say anything more. Some networks say yes first and no
later: then a `sent` leg is `parked` again, or `failed`, or `dead`; what was delivered cannot be refused any more. An
operator may replay what is `dead`.

    accepted ──▶ sent ──▶ delivered ──▶ read
       │  ▲       │└────────────────────▲
       ▼  │       │ (refused after all)
     parked ◀─────┤
       │          │
       └──▶ failed | expired | dead ──▶ accepted (replayed)
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from gearmesh.model.content import Edit, Message, Reaction, ReceiptState, Redaction, Sender

State = Literal["accepted", "sent", "delivered", "read", "parked", "failed", "dead", "expired"]
Reason = Literal[
    "",
    "rate_limit",
    "window_closed",
    "consent_pending",
    "unauthorized",
    "unsupported",
    "rejected",
    "unclear",
    "too_large",
    "loop",
    "unparsed",
    "unreachable",
]

TRANSITIONS: Final[dict[State, frozenset[State]]] = {
    "accepted": frozenset({"sent", "parked", "failed", "dead", "expired"}),
    "parked": frozenset({"sent", "parked", "failed", "dead", "expired"}),
    "sent": frozenset({"delivered", "read", "parked", "failed", "dead", "expired"}),
    "delivered": frozenset({"read"}),
    "read": frozenset(),
    "failed": frozenset(),
    "dead": frozenset({"accepted"}),
    "expired": frozenset(),
}
"""From each state to those that may follow. `dead` leads back to `accepted` when an operator replays it."""


Outgoing = Message | Reaction | Edit | Redaction
"""What a part can be."""


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """One part on its way out: what `Bridge.send` gets.

    `id` names this part for good (`<envelope id>:<app>:<part>`): networks that take an id of ours get this one.
    `thread` and `user` are the network's own ids. `reply_to` is the native id of the message that is answered, or "".
    `ghost` is what `SupportsGhosts.ghost` gave for the sender, or "" when the text itself says who wrote. `late`: the
    messaging window is closed, and the message must be marked as one that the network takes all the same. `target` has
    the native ids of the message that is reacted to, changed or taken back, in the order of its parts.

    Only what the thread's capabilities claim comes to the bridge: a `Message` to `send`, the others to the method of
    the protocol that they belong to. Words in it are in the thread's dialect already.
    """

    id: str
    thread: str
    user: str
    content: Outgoing
    sender: Sender = Sender()
    reply_to: str = ""
    ghost: str = ""
    late: bool = False
    target: tuple[str, ...] = ()


class Sent(msgspec.Struct, frozen=True, gc=False):
    """The network's ids of what was sent, in the order it is shown."""

    native_ids: tuple[str, ...]


class ReceiptDelivery(msgspec.Struct, frozen=True):
    """News for the person who wrote: their messages (native ids on this app) were delivered or read elsewhere."""

    thread: str
    user: str
    state: ReceiptState
    native_ids: tuple[str, ...]


class Hop(msgspec.Struct, frozen=True, gc=False):
    """One step of an envelope's way. `at` is in microseconds since the epoch."""

    name: str
    at: int


class LedgerEntry(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One step in the life of a leg. `at` is in milliseconds since the epoch.

    What follows `conversation` is told of a leg that was sent, once it was sent whole. `native_ids` are the network's
    ids of it all, in order, and the last one is that of part number `part` of `parts`. `ghost` is the one under which
    it was sent, `place` where the leg stands in the outbound log, and `refusals` how often the network had refused some
    of it after its first yes. `in_words`: it had refused it as it is, and got it in words. `begun` is when its last
    part was about to be sent, in milliseconds since the epoch.
    """

    envelope: str
    app: str
    state: State
    at: int
    kind: str = "event"
    sender: str = ""
    to: str = ""
    reason: Reason = ""
    detail: str = ""
    hops: tuple[Hop, ...] = ()
    thread: str = ""
    conversation: str = ""
    native_ids: tuple[str, ...] = ()
    part: int = 0
    parts: int = 1
    ghost: str = ""
    place: int = 0
    refusals: int = 0
    in_words: bool = False
    begun: int = 0
