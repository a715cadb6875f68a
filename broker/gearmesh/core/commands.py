"""What people write to Gearmesh itself about groups: whole messages, in any case, never words among others.

`join CODE` enters a group. In the group that a person is in, `leave` ends that, `mute` keeps its messages away until
`unmute`.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal

import msgspec

CODE: Final = re.compile(r"[\w-]{1,64}")
"""What a code consists of: letters and digits of any script, - and _."""
JOIN: Final = re.compile(rf"/?join\s+[#“\"']?({CODE.pattern})[”\"']?[.!]?", re.IGNORECASE)
OTHERS: Final = re.compile(r"/?(leave|mute|unmute)[.!]?", re.IGNORECASE)


class Join(msgspec.Struct, frozen=True):
    """Enter the group with this code."""

    code: str


class Change(msgspec.Struct, frozen=True):
    """Something about the group that the person is in."""

    what: Literal["leave", "mute", "unmute"]


Command = Join | Change


def command_in(text: str) -> Command | None:
    """The command that a text is; None for what is meant for others."""
    said = unicodedata.normalize("NFC", text.strip())
    if found := JOIN.fullmatch(said):
        return Join(found[1])
    if found := OTHERS.fullmatch(said):
        return msgspec.convert({"what": found[1].lower()}, Change)
    return None
