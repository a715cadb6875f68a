"""Native ids of messages, which the network's references are made from and found again by, with no table between.

In a direct message a person refers to a message by the id that its sender gave it (XEP-0461, XEP-0444, XEP-0308,
XEP-0424): ours has one made from `Delivery.id`; one of theirs is unique only with their name. In a room everybody
refers to the id that the room gave it (XEP-0359), so it is the same whoever wrote it.

    gm.<delivery id>                 ours, in a direct message
    ada@example.org <id>             theirs, in a direct message
    talk@rooms.example.org?join <id> in a room, whoever wrote it

The id that we give a message in a room begins otherwise: all who are there read it, and must not be able to say of it
in a direct message that it arrived, or did not.
"""

from __future__ import annotations

from typing import Final

from gearmesh_xmpp.names import is_room

OURS: Final = "gm."
OURS_IN_ROOMS: Final = "gr."
SHORTEST: Final = 6
"""Characters of an id that is taken for unique. Shorter ones are a client's count, which begins anew with it."""


def ours(thread: str, delivery_id: str) -> str:
    """The id of a stanza that carries this delivery."""
    return f"{OURS_IN_ROOMS if is_room(thread) else OURS}{delivery_id}"


def delivery_of(thread: str, stanza_id: str) -> str:
    """The delivery that a stanza of ours in this thread carried; "" for other stanzas."""
    start = OURS_IN_ROOMS if is_room(thread) else OURS
    return stanza_id.removeprefix(start) if stanza_id.startswith(start) else ""


def native_id(thread: str, reference: str) -> str:
    """The native id of the message that is referred to so in a thread."""
    if not is_room(thread) and reference.startswith(OURS):
        return reference
    return f"{thread} {reference}"


def reference(thread: str, native: str) -> str:
    """How the network's people refer to a message of a thread, whose name may have spaces in it; "" for none of it."""
    if native.startswith(OURS):
        return native
    start = f"{thread} "
    return native.removeprefix(start) if native.startswith(start) else ""
