"""Misfortune on demand: Graph answers that fail or never come, webhooks that get lost, come twice or out of order."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

import msgspec

from .settings import NETWORKS, Network

Kind = Literal[
    "error",
    "timeout",
    "hang_up",
    "refuse",
    "drop_webhook",
    "lose_webhook",
    "lose_answer",
    "double_webhook",
    "late_double",
    "reorder_webhook",
]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
GRAPH_KINDS: Final = ("error", "timeout", "hang_up", "refuse")
#: What strikes one attempt to deliver a webhook.
ATTEMPT_KINDS: Final = ("drop_webhook", "lose_webhook", "lose_answer", "double_webhook", "late_double")
#: What strikes an attempt with one event of a scattered lane. A lost one would come after later ones that were taken
#: already, and no business could put that right; what is to be tested there is the disorder alone.
APART_KINDS: Final = ("late_double",)
#: What strikes a lane of webhooks between two attempts.
LANE_KINDS: Final = ("reorder_webhook",)
WEBHOOK_KINDS: Final = (*ATTEMPT_KINDS, *LANE_KINDS)

#: Kinds that only some networks know: of Messenger and Instagram Meta says that order is lost after failures
#: (Messenger Platform docs, mid-2026), and WhatsApp alone tells of a failure in a status.
NETWORKS_OF: Final[dict[str, tuple[Network, ...]]] = {
    "reorder_webhook": ("messenger", "instagram"),
    "refuse": ("whatsapp",),
}
#: Seconds where an order names none.
_SECONDS: Final = {"timeout": 30.0, "late_double": 5.0}


class FaultOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fault as ordered through the control API. Without `count` and `probability` it strikes every time.

    `error`, `timeout` and `hang_up` strike sends (`on` messages) or whatever is called (`on` any), `before` or `after`
    the message is accepted; `refuse` strikes sends. The webhook kinds strike attempts to deliver, `reorder_webhook` a
    lane whose attempt has failed. An `error` can say when to come again: `retry_after` seconds, `regain` minutes.
    """

    kind: Kind
    network: Network | None = None
    user: str | None = None
    status: int = 500
    code: int | None = None
    subcode: int | None = None
    message: str | None = None
    retry_after: float | None = None
    regain: int | None = None
    when: Literal["before", "after"] = "before"
    seconds: float | None = None
    on: Literal["messages", "any"] = "messages"
    count: int | None = None
    probability: float | None = None
    seed: int | None = None

    @property
    def pause(self) -> float:
        """The seconds ordered, or those that this kind has by itself."""
        return self.seconds if self.seconds is not None else _SECONDS.get(self.kind, 0.0)


@dataclass(slots=True)
class Fault:
    """A fault at work. `fired` counts how often it struck; `chance` is its own, so a seed repeats what it does."""

    id: str
    order: FaultOrder
    fired: int = 0
    chance: random.Random = field(default_factory=random.Random)

    def fits(self, kinds: tuple[str, ...], network: Network | None, user: str | None, on: str) -> bool:
        """Whether this fault is about such an occasion and is not used up."""
        order = self.order
        return (
            order.kind in kinds
            and (order.network is None or order.network == network)
            and (order.user is None or order.user == user)
            and (network is None or network in NETWORKS_OF.get(order.kind, NETWORKS))
            and (order.kind in WEBHOOK_KINDS or order.on == on)
            and (order.count is None or self.fired < order.count)
        )

    def view(self) -> dict[str, Any]:
        """The fault in the control API's JSON."""
        view: dict[str, Any] = msgspec.to_builtins(self.order)
        return {"id": self.id, **view, "fired": self.fired}


class Faults:
    """The faults in force, in the order they were asked for; the first that fits strikes.

    `struck` counts the strikes of each kind, also of faults that were lifted since.
    """

    def __init__(self) -> None:
        self.struck: Counter[Kind] = Counter(dict.fromkeys(KINDS, 0))
        self._faults: dict[str, Fault] = {}
        self._next = 1

    def add(self, order: FaultOrder) -> Fault:
        """Put a fault in force."""
        fault = Fault(str(self._next), order, chance=random.Random(order.seed))
        self._next += 1
        self._faults[fault.id] = fault
        return fault

    def remove(self, fault_id: str) -> bool:
        """Lift one fault; False when there is none with this id."""
        return self._faults.pop(fault_id, None) is not None

    def clear(self) -> None:
        """Lift all faults."""
        self._faults.clear()

    def view(self) -> list[dict[str, Any]]:
        """All faults in the control API's JSON."""
        return [fault.view() for fault in self._faults.values()]

    def strike(
        self, kinds: tuple[str, ...], network: Network | None, user: str | None, on: str = "messages"
    ) -> Fault | None:
        """The fault that strikes now, counted; None for good fortune."""
        for fault in self._faults.values():
            if not fault.fits(kinds, network, user, on):
                continue
            probability = fault.order.probability
            if probability is None or fault.chance.random() < probability:
                fault.fired += 1
                self.struck[fault.order.kind] += 1
                return fault
        return None
