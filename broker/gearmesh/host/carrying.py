"""Which of a bridge's methods a part goes to."""

from __future__ import annotations

from gearmesh.bridge import Bridge, SupportsEdit, SupportsReactions, SupportsRedaction
from gearmesh.errors import Rejected
from gearmesh.model.content import Edit, Reaction, Redaction
from gearmesh.model.delivery import Delivery, Sent


async def carry(bridge: Bridge, delivery: Delivery) -> Sent:
    """Give a part to the bridge. One that it claims to carry, and has no method for, is refused: it goes in words."""
    content = delivery.content
    if not isinstance(content, Reaction | Edit | Redaction):
        return await bridge.send(delivery)
    if isinstance(content, Reaction) and isinstance(bridge, SupportsReactions):
        return await bridge.react(delivery)
    if isinstance(content, Edit) and isinstance(bridge, SupportsEdit):
        return await bridge.edit(delivery)
    if isinstance(content, Redaction) and isinstance(bridge, SupportsRedaction):
        return await bridge.redact(delivery)
    kind = type(content).__name__.lower()
    raise Rejected(f"the bridge to {bridge.title} claims to carry a {kind}, and has no method for it")
