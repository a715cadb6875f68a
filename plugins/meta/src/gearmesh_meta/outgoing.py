"""Messages on their way out, as Meta's Send APIs take them."""

from __future__ import annotations

import re
from typing import Any, Final

from gearmesh import BridgeContext, Media, Outgoing, Rejected, words_of
from gearmesh_meta.capabilities import Ways, way_for

HUMAN_AGENT: Final = "HUMAN_AGENT"
"""The tag of messages that answer somebody after their window has closed: the only one left of Meta's (mid-2026)."""


def send_api_message(content: Outgoing, context: BridgeContext, ways: Ways) -> dict[str, Any]:
    """The `message` object of Messenger and Instagram: a text, or a file by link where it fits one of `ways`."""
    if not isinstance(content, Media):
        return {"text": words_of(content)}
    way, link = way_for(content.media, content.ref, ways), context.media_link(content.ref)
    if way is None or not link:
        return {"text": as_text(content, link)}
    return {"attachment": {"type": way.type, "payload": {"url": link}}}


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
