"""What goes wrong in a campaign, and when: drawn from a seed before it begins."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

import msgspec

NETWORKS: Final = ("whatsapp", "messenger", "instagram")
APART: Final = 6.0
"""Seconds from one blow to the next, at least."""
RECOVERY: Final = 3.0
"""Seconds from the end of a blow to the next: a daemon that was started must be up, or the next would hit nothing."""
ORDER_EVERY: Final = (0.9, 1.9)
"""Seconds between two orders to the sandbox, at least and at most."""
STRIKES: Final = (1, 2, 3)
"""How often an order strikes."""


class Blow(msgspec.Struct, frozen=True):
    """Something done to a process of ours. `at` in seconds from the beginning; it is undone after `seconds`.

    `target` is an app, whose active daemon is meant, or a stream.
    """

    at: float
    kind: str
    seconds: float
    target: str = ""


class Order(msgspec.Struct, frozen=True):
    """Misfortune ordered from the sandbox, by `kind` as it is counted here; `body` is what the control API takes."""

    at: float
    kind: str
    body: dict[str, Any]


class BlowKind(msgspec.Struct, frozen=True):
    """`seconds`: shortest and longest; `share`: how often it comes, beside the others."""

    seconds: tuple[float, float]
    targets: tuple[str, ...] = ("",)
    share: int = 1


class OrderKind(msgspec.Struct, frozen=True):
    """`body`: what is the same in each order; `networks`: which of them, with what else belongs to it there.

    `seeded`: the sandbox, too, draws lots for it.
    """

    body: dict[str, Any]
    networks: dict[str, dict[str, Any]]
    counts: tuple[int, ...] = STRIKES
    seeded: bool = False


def _everywhere(**body: Any) -> OrderKind:
    return OrderKind(body, {network: {} for network in NETWORKS})


BLOWS: Final = {
    "kill_daemon": BlowKind((1.0, 4.0), NETWORKS, 3),
    "stop_daemon": BlowKind((0.5, 3.0), NETWORKS),
    # Longer than a daemon may be silent before it is replaced (2 s), and shorter: both must end well.
    "freeze_daemon": BlowKind((1.0, 8.0), NETWORKS, 2),
    "kill_nats": BlowKind((0.5, 2.0)),
    "freeze_nats": BlowKind((1.0, 3.0)),
    "fill_stream": BlowKind((1.0, 3.0), ("GM_IN", "GM_OUT")),
}
CUT: Final = "cut_connections"
"""All connections between the networks and the daemons, at once."""
ORDERS: Final = {
    "error_before": _everywhere(kind="error", status=500, when="before"),
    "error_after": _everywhere(kind="error", status=500, when="after"),
    "timeout_before": _everywhere(kind="timeout", seconds=3.0, when="before"),
    "timeout_after": _everywhere(kind="timeout", seconds=3.0, when="after"),
    "hang_up_before": _everywhere(kind="hang_up", when="before"),
    "hang_up_after": _everywhere(kind="hang_up", when="after"),
    "limit": OrderKind(
        {"kind": "error", "status": 429, "retry_after": 1.0},
        {"whatsapp": {"code": 130429}, "messenger": {"code": 613}, "instagram": {"code": 4}},
    ),
    "limit_recipient": OrderKind({"kind": "error", "status": 429, "retry_after": 2.0}, {"whatsapp": {"code": 131056}}),
    "lose_webhook": _everywhere(kind="lose_webhook"),
    "lose_answer": _everywhere(kind="lose_answer"),
    "double_webhook": _everywhere(kind="double_webhook"),
    "late_double": _everywhere(kind="late_double"),
    "reorder_webhook": OrderKind({"kind": "reorder_webhook"}, {"messenger": {}, "instagram": {}}, seeded=True),
}
REFUSE: Final = "refuse"
"""WhatsApp says yes and refuses afterwards. What was written behind it is shown by then, so the order cannot be kept;
it is played only when it is named, and as many late messages to its reader are excused as were refused."""
RARE: Final = {
    REFUSE: OrderKind({"kind": "refuse"}, {"whatsapp": {"code": 131000}}, (1,)),
}
KINDS: Final = (*BLOWS, CUT, *ORDERS, *RARE)
DEFAULT: Final = (*BLOWS, CUT, *ORDERS)


def order_kind(name: str) -> OrderKind:
    """An order's kind by its name."""
    return ORDERS.get(name) or RARE[name]


def blows(seed: int, kinds: Collection[str], begin: float, end: float) -> Iterator[Blow]:
    """The blows between `begin` and `end`, one after the other."""
    source = random.Random(f"{seed} blows")
    deck: list[str] = []
    at = begin
    while any(kind in BLOWS for kind in kinds):
        if not deck:
            deck = [name for name, kind in BLOWS.items() if name in kinds for _ in range(kind.share)]
            source.shuffle(deck)
        name = deck.pop()
        kind = BLOWS[name]
        blow = Blow(at, name, round(source.uniform(*kind.seconds), 2), source.choice(kind.targets))
        if at + blow.seconds > end:
            return
        yield blow
        at += max(APART, blow.seconds + RECOVERY) + source.uniform(0.0, 1.0)


def orders(
    seed: int, kinds: Collection[str], begin: float, end: float, users: Sequence[tuple[str, str]] = ()
) -> Iterator[Order]:
    """The orders between `begin` and `end`, and the cuts among them. `users`: who may be refused."""
    source = random.Random(f"{seed} orders")
    names = [name for name in (CUT, *ORDERS, *RARE) if name in kinds]
    deck: list[str] = []
    at = begin
    while names:
        if not deck:
            deck = list(names)
            source.shuffle(deck)
        name = deck.pop()
        if at > end:
            return
        if name == CUT:
            yield Order(at, CUT, {})
        else:
            kind = order_kind(name)
            network = source.choice(tuple(kind.networks))
            body = kind.body | kind.networks[network] | {"network": network, "count": source.choice(kind.counts)}
            if kind.seeded:
                body["seed"] = source.randrange(2**31)
            if name == REFUSE:
                body["user"] = source.choice([user for known, user in users if known == network])
            yield Order(at, name, body)
        at += source.uniform(*ORDER_EVERY)
