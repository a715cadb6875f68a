"""Messages on their way out, as Meta's Send APIs take them."""

from __future__ import annotations

import re
from typing import Any, Final

from gearmesh import BridgeContext, Delivery, Media, Outgoing, Reaction, Rejected, Text
from gearmesh_meta.capabilities import Ways, way_for
from gearmesh_meta.uploads import Uploads

HUMAN_AGENT: Final = "HUMAN_AGENT"
"""The tag of messages that answer somebody after their window has closed: the only one left of Meta's (mid-2026)."""


async def send_api_message(
    content: Outgoing, context: BridgeContext, ways: Ways, uploads: Uploads, *, by_link: bool
) -> dict[str, Any]:
    """The `message` object of Messenger and Instagram: a text, or a file where it fits one of `ways`.

    The file goes as one that was uploaded; `by_link`: by its link, where it has one.

    Raises:
        Rejected: it is of a kind that the capabilities do not claim; or as for `as_text`.
    """
    if isinstance(content, Text):
        answers = {"quick_replies": quick_replies(content.buttons)} if content.buttons else {}
        return {"text": content.text, **answers}
    if not isinstance(content, Media):
        raise Rejected(f"the Send API has no message for a {type(content).__name__.lower()}")
    way, link = way_for(content.media, content.ref, ways), context.media_link(content.ref)
    if way is None:
        return {"text": as_text(content, link)}
    payload = {"url": link} if link and by_link else {"attachment_id": await uploads.id_of(content.ref, way.type)}
    return {"attachment": {"type": way.type, "payload": payload}}


async def names_unknown_file(content: Outgoing, ways: Ways, uploads: Uploads, error: Rejected) -> bool:
    """Whether a message was refused for a file that Meta has forgotten: it goes once more, with a new upload."""
    if not isinstance(content, Media) or (way := way_for(content.media, content.ref, ways)) is None:
        return False
    return await uploads.is_unknown(content.ref, way.type, error)


def quick_replies(titles: tuple[str, ...]) -> list[dict[str, str]]:
    """Answers to tap, which stand there until the next message. A tap sends the title, with the payload beside it."""
    return [
        {"content_type": "text", "title": title, "payload": str(number)}
        for number, title in enumerate(dict.fromkeys(titles), 1)
    ]


def sender_action(user: str, action: str) -> dict[str, Any]:
    """A sign that is no message. It stands alone: with a message beside it Meta refuses both."""
    return {"recipient": {"id": user}, "sender_action": action}


def reaction_action(delivery: Delivery) -> dict[str, Any]:
    """A reaction as the Send API takes it, or the end of one.

    Raises:
        Rejected: as for `reaction_of`.
    """
    target, emoji = reaction_of(delivery)
    if not emoji:
        return {**sender_action(delivery.user, "unreact"), "payload": {"message_id": target}}
    return {**sender_action(delivery.user, "react"), "payload": {"message_id": target, "reaction": emoji}}


def reaction_of(delivery: Delivery) -> tuple[str, str]:
    """The network's id of the message that is reacted to, and the emoji; "" takes the reaction away.

    Of several parts the last one is meant: a line that names the sender comes before what they sent.

    Raises:
        Rejected: there is no message, or no emoji; words can tell what happened all the same.
    """
    reaction = delivery.content
    if not isinstance(reaction, Reaction) or not delivery.target:
        raise Rejected("there is no message here to react to")
    if not reaction.emoji and not reaction.removed:
        raise Rejected("the reaction has no emoji")
    return whole_message(delivery.target[-1]), "" if reaction.removed else reaction.emoji


def as_text(content: Media, link: str) -> str:
    """A file in words, for where it does not fit: nothing of it is lost but its look.

    Raises:
        Rejected: there is nothing to say, not even a link.
    """
    words = "\n".join(part for part in (content.caption, content.ref.name, link) if part)
    if not words:
        raise Rejected(f"this {content.media} has neither a link nor a name: set a public URL for media")
    return words


def whole_message(native_id: str) -> str:
    """The network's own id of a message, from the id of one part of it (`m_1#2`)."""
    return re.sub(r"#[0-9]+$", "", native_id)
