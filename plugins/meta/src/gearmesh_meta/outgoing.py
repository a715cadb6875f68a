"""Messages on their way out, as Meta's Send APIs take them."""

from __future__ import annotations

import re
from typing import Any, Final

from gearmesh import BridgeContext, Media, Outgoing, Rejected, words_of
from gearmesh_meta.capabilities import Ways, way_for
from gearmesh_meta.uploads import Uploads

HUMAN_AGENT: Final = "HUMAN_AGENT"
"""The tag of messages that answer somebody after their window has closed: the only one left of Meta's (mid-2026)."""


async def send_api_message(
    content: Outgoing, context: BridgeContext, ways: Ways, uploads: Uploads, *, by_link: bool
) -> dict[str, Any]:
    """The `message` object of Messenger and Instagram: a text, or a file where it fits one of `ways`.

    The file goes as one that was uploaded; `by_link`: by its link, where it has one.
    """
    if not isinstance(content, Media):
        return {"text": words_of(content)}
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
