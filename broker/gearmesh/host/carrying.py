"""Which of a bridge's methods a part goes to."""

from __future__ import annotations

from collections.abc import Awaitable

from gearmesh.bridge import Bridge, SupportsEdit, SupportsReactions, SupportsRedaction
from gearmesh.errors import Rejected
from gearmesh.model.content import Edit, Reaction, Redaction
from gearmesh.model.delivery import Delivery, Sent


def carry(bridge: Bridge, delivery: Delivery) -> Awaitable[Sent]:
    """Give a part to the bridge. One that it claims to carry, and has no method for, is refused: it goes in words."""
    content = delivery.content
    if not isinstance(content, Reaction | Edit | Redaction):
        return bridge.send(delivery)
    if isinstance(content, Reaction) and isinstance(bridge, SupportsReactions):
        return bridge.react(delivery)
    if isinstance(content, Edit) and isinstance(bridge, SupportsEdit):
        return bridge.edit(delivery)
    if isinstance(content, Redaction) and isinstance(bridge, SupportsRedaction):
        return bridge.redact(delivery)
    return _refuse(bridge, type(content).__name__.lower())


async def _refuse(bridge: Bridge, kind: str) -> Sent:
    raise Rejected(f"the bridge to {bridge.title} claims to carry a {kind}, and has no method for it")
