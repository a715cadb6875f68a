"""Deliveries as stanzas: pure functions.

Every stanza has `Delivery.id` as its id and its origin id (XEP-0359), so that a room's reflection, an archive or an
error names the delivery. To a room it goes as `groupchat`, else as `chat`.
"""

from __future__ import annotations

from typing import Final

from gearmesh import Delivery, Edit, Media, Reaction, Redaction, Rejected, Text
from gearmesh_xmpp import ids
from gearmesh_xmpp.elements import (
    ATTENTION_FREE,
    CHATSTATES,
    CORRECT,
    FALLBACK,
    MARKERS,
    NICK,
    OOB,
    REACTIONS,
    RECEIPTS,
    REPLY,
    RETRACT,
    SID,
    Element,
    element,
    with_children,
)
from gearmesh_xmpp.names import is_room, jid_of
from gearmesh_xmpp.sims import shared

RETRACTED: Final = "This person took back a message, but your client does not support that."
"""For clients without XEP-0424, which recommends such words."""


def stanza(delivery: Delivery, sender: str, *payload: Element | None, name: str = "") -> Element:
    """A message of this delivery, from one of our JIDs. `name` is shown by clients that do not know it (XEP-0172)."""
    room = is_room(delivery.thread)
    message = element(
        "message",
        type="groupchat" if room else "chat",
        to=jid_of(delivery.thread),
        id=ids.ours(delivery.thread, delivery.id),
    )
    message.set("from", sender)
    return with_children(
        message,
        *payload,
        element("nick", NICK, name) if name and not room else None,
        element("origin-id", SID, id=ids.ours(delivery.thread, delivery.id)),
    )


def message(delivery: Delivery, sender: str, link: str = "", replied: str = "") -> Element:
    """What is said. `link` is a file's address, where it is one; `replied` is the JID of whoever wrote what it answers.

    Raises:
        Rejected: it is nothing that goes as a message of its own.
    """
    if isinstance(delivery.content, Media):
        body = [
            element("body", "", link),
            with_children(element("x", OOB), element("url", OOB, link)),
            shared(link, delivery.content.ref),
        ]
    elif isinstance(delivery.content, Text):
        body = [element("body", "", delivery.content.text)]
    else:
        raise Rejected(f"a {type(delivery.content).__name__} cannot be shown on XMPP")
    answered = None
    if delivery.reply_to:
        answered = element("reply", REPLY, id=ids.reference(delivery.thread, delivery.reply_to), to=replied)
    return stanza(delivery, sender, *body, answered, *_asks(delivery), name=delivery.sender.name)


def _asks(delivery: Delivery) -> list[Element]:
    """What asks for receipts, in direct messages."""
    if is_room(delivery.thread):
        return []
    return [element("request", RECEIPTS), element("markable", MARKERS), element("active", CHATSTATES)]


def correction(delivery: Delivery, sender: str, replaces: str) -> Element:
    """A changed message (XEP-0308). `replaces` is the id that its sender gave it.

    Raises:
        Rejected: it is no text now.
    """
    content = delivery.content.content if isinstance(delivery.content, Edit) else None
    if not isinstance(content, Text):
        raise Rejected("only texts can be changed on XMPP")
    return stanza(
        delivery,
        sender,
        element("body", "", content.text),
        element("replace", CORRECT, id=replaces),
        name=delivery.sender.name,
    )


def reactions(delivery: Delivery, sender: str) -> Element:
    """What somebody feels about a message (XEP-0444): all that they feel, which here is one emoji or none."""
    assert isinstance(delivery.content, Reaction)
    felt = element("reactions", REACTIONS, id=ids.reference(delivery.thread, delivery.target[-1]))
    if not delivery.content.removed:
        felt.append(element("reaction", REACTIONS, delivery.content.emoji))
    return stanza(delivery, sender, felt, element("store", ATTENTION_FREE))


def retraction(delivery: Delivery, sender: str, target: str) -> Element:
    """That a message was taken back (XEP-0424, version 0.4), with words for clients that do not know it."""
    assert isinstance(delivery.content, Redaction)
    return stanza(
        delivery,
        sender,
        element("retract", RETRACT, id=ids.reference(delivery.thread, target)),
        element("fallback", FALLBACK, for_=RETRACT),
        element("body", "", RETRACTED),
        element("store", ATTENTION_FREE),
    )


def signal(to: str, sender: str, payload: Element, *hints: Element) -> Element:
    """A receipt, a marker, a sign of somebody writing: without an id, so that nothing is lost with it."""
    made = element("message", type="chat", to=to)
    made.set("from", sender)
    return with_children(made, payload, *hints)


def typing(to: str, sender: str, on: bool) -> Element:
    """That somebody writes, or has stopped (XEP-0085)."""
    return signal(to, sender, element("composing" if on else "active", CHATSTATES), element("no-store", ATTENTION_FREE))


def receipt(to: str, sender: str, state: str, reference: str) -> Element:
    """That a message was delivered (XEP-0184) or read (XEP-0333)."""
    if state == "delivered":
        return signal(to, sender, element("received", RECEIPTS, id=reference), element("store", ATTENTION_FREE))
    return signal(to, sender, element("displayed", MARKERS, id=reference), element("store", ATTENTION_FREE))
