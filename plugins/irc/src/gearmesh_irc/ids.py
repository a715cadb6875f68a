"""Ids and times of messages.

A server with message-tags gives each message an id (`msgid`, https://ircv3.net/specs/extensions/message-ids). For the
others one is made of what is the same when the message is told again: where, who, when, what. A server that tells no
time tells nothing again either, so there a number of our own does.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import secrets
from datetime import UTC, datetime
from typing import Final

from irctokens.line import Line

OURS: Final = "~"
"""What ids begin with that we have made: the server knows nothing of them."""
ODD: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")
"""What is in no id and in no name, though a server can put it there."""


class Ids:
    """Makes ids for messages without one."""

    def __init__(self) -> None:
        self._start = secrets.token_hex(4)
        self._count = itertools.count(1)

    def of(self, line: Line, thread: str, user: str, text: str) -> str:
        """The id of a message that came."""
        tags = line.tags or {}
        if told := tags.get("msgid"):
            return known_as(told)
        when = tags.get("time") or f"{self._start} {next(self._count)}"
        return digest(thread, user, when, text)


def digest(*facts: str) -> str:
    """An id made of facts."""
    whole = "\0".join(facts).encode("utf-8", "surrogatepass")
    return OURS + hashlib.blake2b(whole, digest_size=12).hexdigest()


def known_as(told: str) -> str:
    """The id under which Gearmesh knows a message that the server calls so. One with white space or controls in it,
    which would not come through in a line again, is replaced by one of ours."""
    return digest(told) if ODD.search(told) else told


def is_known_to_server(native_id: str) -> bool:
    """Whether the server can be told of the message by this id."""
    return bool(native_id) and not native_id.startswith(OURS)


def time_of(line: Line) -> int:
    """When it happened by the server's clock, in milliseconds since the epoch; 0 where it does not tell
    (https://ircv3.net/specs/extensions/server-time)."""
    told = (line.tags or {}).get("time", "")
    try:
        when = datetime.fromisoformat(told)
    except ValueError:
        return 0
    return round(when.replace(tzinfo=when.tzinfo or UTC).timestamp() * 1000)


def written(at: int) -> str:
    """A time in milliseconds as servers write it."""
    moment = datetime.fromtimestamp(at / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at % 1000:03d}Z"
