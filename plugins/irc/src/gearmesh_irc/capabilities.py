"""What a thread on IRC can show: it depends on what the server can do, and on how long our own name is there."""

from __future__ import annotations

from typing import Final

from gearmesh import Capabilities, Feature, Limit, Rate, Support
from gearmesh_irc.config import IrcConfig
from gearmesh_irc.formatting import DIALECT
from gearmesh_irc.lines import limit_of_one, room_for_words, worst_mask
from gearmesh_irc.names import ATTRIBUTION_BYTES
from gearmesh_irc.session import Session

_SPECS: Final = "https://ircv3.net/specs"
_TAGS: Final = f"{_SPECS}/extensions/message-tags"
_LINE: Final = "RFC 1459 section 2.3: 512 bytes a line, with the mask of whoever wrote and without tags"
_OLD: Final = "people whose client does not know the tag see nothing of it"
MULTILINE_BYTES: Final = 4096
"""Bytes of a message of several lines where the server does not say how many it takes."""
SOURCE: Final = f"https://modern.ircdocs.horse and {_SPECS}, 2026"

_FULL: Final[dict[Feature, Support]] = {
    "formatting": Support(
        "partial", "bold, italic, struck through and code; the rest in plain characters", DIALECT.source
    ),
    "reply": Support("partial", _OLD, f"{_SPECS}/client-tags/reply"),
    "reaction": Support(
        "partial", f"one to a message for everybody, under our own name; {_OLD}", f"{_SPECS}/client-tags/react"
    ),
    "typing": Support("full", source=f"{_SPECS}/client-tags/typing"),
    "redaction": Support("partial", _OLD, f"{_SPECS}/extensions/message-redaction"),
    "edit": Support("fallback", source=f"{SOURCE}: no way to change a message"),
}
"""Of a server that can do everything: so it is until we know which one it is."""


def capabilities_of(config: IrcConfig, session: Session | None, thread: str) -> Capabilities:
    """What the thread can show on this server; without a session, on one that can do everything."""
    features = dict(_FULL)
    if session is not None:
        tags = session.has("message-tags")
        if not tags or session.isupport.denies("draft/reply"):
            features["reply"] = Support("fallback", source=_TAGS)
        if not tags or session.isupport.denies("draft/react"):
            features["reaction"] = Support("fallback", source=_TAGS)
        if not tags or session.isupport.denies("typing"):
            features["typing"] = Support("dropped", source=_TAGS)
        if not session.has("draft/message-redaction"):
            features["redaction"] = Support("fallback", source=f"{_SPECS}/extensions/message-redaction")
    return Capabilities(
        text=_limit(config, session, thread),
        replies=features["reply"].level != "fallback",
        dialect=DIALECT,
        features=features,
        app_rate=Rate(
            config.every,
            config.burst,
            source="`burst` and `every` in the configuration; RFC 1459 section 8.10 has 5 lines, and one every 2 s",
        ),
        source=SOURCE,
    )


def _limit(config: IrcConfig, session: Session | None, thread: str) -> Limit:
    if session is not None and multiline(session):
        most = session.value("draft/multiline", "max-bytes") or MULTILINE_BYTES
        source = f"{_SPECS}/extensions/multiline: max-bytes, less what names the sender"
        return Limit(max(most - ATTRIBUTION_BYTES, 64), "bytes", source)
    if session is None:
        room = room_for_words(512, worst_mask(config.nick, config.user), thread)
    else:
        room = room_for_words(session.isupport.line_length, session.mask, thread)
    return Limit(limit_of_one(room), "bytes", f"{_LINE}; less what names the sender")


def multiline(session: Session) -> bool:
    """Whether a message can have several lines there."""
    return session.has("batch", "draft/multiline", "message-tags")
