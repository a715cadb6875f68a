"""What a server's no means (https://modern.ircdocs.horse/#numerics, https://defs.ircdocs.horse/defs/numerics)."""

from __future__ import annotations

import re
from typing import Final

from irctokens.line import Line

from gearmesh import RateLimited, Rejected, Retry, SendFailed

_GONE: Final = "nobody of that name is there now"
_NEVER: Final = {
    "401": _GONE,
    "402": "there is no such server",
    "403": "there is no such channel",
    "404": "the channel does not let us write",
    "406": _GONE,
    "407": "the name means several people",
    "408": "the channel does not take formatting",
    "411": "nobody was named to write to",
    "412": "there are no words in it",
    "413": "the name is too wide",
    "414": "the name is too wide",
    "415": "the name is too wide",
    "417": "the line is too long",
    "470": "the channel sends us to another one",
    "471": "the channel is full",
    "473": "one has to be invited to the channel",
    "474": "we are banned from the channel",
    "475": "the channel wants another key",
    "476": "that is no channel's name",
    "477": "one has to be logged in to write there",
    "481": "that is for operators of the server",
    "482": "that is for operators of the channel",
    "484": "the server restricts what we may do",
    "486": "one has to be logged in to write to them",
    "489": "the channel takes only those with TLS",
    "492": "the channel lets nothing of that kind through",
    "494": "they take messages from a few only",
    "520": "that is for operators of the server",
    "531": "they do not let us write to them",
    "716": "they take messages from a few only",
}
_LATER: Final = {
    "263": "the server is too busy",
    "405": "we are in too many channels",
    "437": "the channel is not to be had at the moment",
}
_TOO_FAST: Final = {"439": "too many people written to within a short time"}
_NUMERIC: Final = re.compile(r"[45]\d\d|716")
"""Errors; each server has some of its own. The target stands behind our own nickname."""
_ELSEWHERE: Final = frozenset({"421", "422", "432", "433", "436"})
"""Errors that are about no message and no channel, unless a label says so: commands, nicknames."""
PATIENCE: Final = 30.0
"""Seconds until a line is tried again that was too fast: where servers name a time, they do so in words."""
_CODES_LATER: Final = frozenset({"TEMPORARILY_UNAVAILABLE", "INTERNAL_ERROR", "TIMEOUT"})


def is_refusal(line: Line, *, labelled: bool = False) -> bool:
    """Whether a line says no to one of ours: to which one, its label says, or the target in it."""
    if line.command == "FAIL" or line.command in _LATER:
        return True
    return _NUMERIC.fullmatch(line.command) is not None and (labelled or line.command not in _ELSEWHERE)


def failure_of(line: Line) -> SendFailed:
    """The error for a line that is a refusal: a numeric, or FAIL with command, code, context and words
    (https://ircv3.net/specs/extensions/standard-replies)."""
    words = line.params[-1] if line.params else ""
    if line.command == "FAIL":
        code = line.params[1] if len(line.params) > 1 else ""
        if "RATE" in code or "THROTTLE" in code:
            return RateLimited(f"too fast: {words}", scope="app", after=PATIENCE, code=code)
        if code in _CODES_LATER:
            return Retry(f"the server cannot do it now: {words}", code=code)
        return Rejected(f"the server does not do it: {words}", code=code)
    said = f"the server says: {words}"
    if reason := _TOO_FAST.get(line.command):
        return RateLimited(f"{reason}; {said}", scope="recipient", after=PATIENCE, code=line.command)
    if reason := _LATER.get(line.command):
        return Retry(f"{reason}; {said}", code=line.command)
    return Rejected(f"{_NEVER.get(line.command, 'the server does not do it')}; {said}", code=line.command)
