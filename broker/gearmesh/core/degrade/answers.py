"""Answers to what was asked in words."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from gearmesh.core.degrade.naming import on_one_line
from gearmesh.model.content import Poll

BETWEEN: Final = re.compile(r"[\s,;/&+.)#]+|\band\b|\bund\b")
KEYCAP: Final = re.compile("[\ufe0f\u20e3]")


def vote_in(text: str, poll: Poll) -> tuple[str, ...] | None:
    """What an answer to a poll chooses, in the words of its options; None when it is no vote.

    A vote is a number, several where the poll takes several (`1, 3`), or an option's own words.
    """
    said = on_one_line(unicodedata.normalize("NFKC", KEYCAP.sub("", text)))
    for option in poll.options:
        if said and said.casefold() == on_one_line(unicodedata.normalize("NFKC", option)).casefold():
            return (option,)
    numbers = [piece for piece in BETWEEN.split(said.casefold()) if piece]
    if not numbers or not all(piece.isdecimal() and len(piece) <= 4 for piece in numbers):
        return None
    chosen = list(dict.fromkeys(int(piece) for piece in numbers))
    if not all(1 <= number <= len(poll.options) for number in chosen) or (len(chosen) > 1 and not poll.several):
        return None
    return tuple(poll.options[number - 1] for number in chosen)
