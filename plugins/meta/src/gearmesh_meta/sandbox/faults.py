"""Misfortune on demand: Graph answers that fail or never come, webhooks that get lost or come twice."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec

from .settings import Network

GraphKind = Literal["error", "timeout"]
WebhookKind = Literal["drop_webhook", "double_webhook"]

GRAPH_KINDS: Final = ("error", "timeout")
WEBHOOK_KINDS: Final = ("drop_webhook", "double_webhook")


class FaultOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fault as ordered through the control API. Without `count` and `probability` it strikes every time.

    `error` and `timeout` strike sends (`on` messages) or whatever is called (`on` any), `before` or `after` the message
    is accepted; the webhook kinds strike attempts to deliver.
    """

    kind: Literal["error", "timeout", "drop_webhook", "double_webhook"]
    network: Network | None = None
    user: str | None = None
    status: int = 500
    code: int | None = None
    subcode: int | None = None
    message: str | None = None
    when: Literal["before", "after"] = "before"
    seconds: float = 30.0
    on: Literal["messages", "any"] = "messages"
    count: int | None = None
    probability: float | None = None
    seed: int | None = None


@dataclass(slots=True)
class Fault:
    """A fault at work. `fired` counts how often it struck."""

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
            and (order.kind in WEBHOOK_KINDS or order.on == on)
            and (order.count is None or self.fired < order.count)
        )

    def view(self) -> dict[str, Any]:
        """The fault in the control API's JSON."""
        view: dict[str, Any] = msgspec.to_builtins(self.order)
        return {"id": self.id, **view, "fired": self.fired}


class Faults:
    """The faults in force, in the order they were asked for; the first that fits strikes."""

    def __init__(self) -> None:
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
    ) -> FaultOrder | None:
        """The fault that strikes now, counted; None for good fortune."""
        for fault in self._faults.values():
            if not fault.fits(kinds, network, user, on):
                continue
            probability = fault.order.probability
            if probability is None or fault.chance.random() < probability:
                fault.fired += 1
                return fault.order
        return None
