"""Native ids of messages, which the network's references are made from and found again by, with no table between.

In a direct message a person refers to a message by the id that its sender gave it (XEP-0461, XEP-0444, XEP-0308,
XEP-0424): ours has one made from `Delivery.id`; one of theirs is unique only with their name. In a room everybody
refers to the id that the room gave it (XEP-0359), so it is the same whoever wrote it.

    gm.<delivery id>                 ours, in a direct message
    ada@example.org <id>             theirs, in a direct message
    talk@rooms.example.org?join <id> in a room, whoever wrote it
"""

from __future__ import annotations

from typing import Final

from gearmesh_xmpp.names import is_room

OURS: Final = "gm."
SHORTEST: Final = 6
"""Characters of an id that is taken for unique. Shorter ones are a client's count, which begins anew with it."""


def ours(delivery_id: str) -> str:
    """The id of a stanza that carries this delivery."""
    return f"{OURS}{delivery_id}"


def delivery_of(stanza_id: str) -> str:
    """The delivery that a stanza of ours carried; "" for other stanzas."""
    return stanza_id.removeprefix(OURS) if stanza_id.startswith(OURS) else ""


def native_id(thread: str, reference: str) -> str:
    """The native id of the message that is referred to so in a thread."""
    if not is_room(thread) and reference.startswith(OURS):
        return reference
    return f"{thread} {reference}"


def reference(native: str) -> str:
    """How the network's people refer to a message."""
    return native if native.startswith(OURS) else native.partition(" ")[2]
