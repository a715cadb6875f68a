"""The emoji of reactions, as the three networks name them."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from gearmesh_meta.fields import text

MOST_CHARACTERS: Final = 32
"""Code points; the longest emoji, a family with skin tones or the flag of a region, have fewer than half as many."""

WORDS: Final = {
    "smile": "😆",
    "angry": "😠",
    "sad": "😢",
    "wow": "😮",
    "love": "❤️",
    "like": "👍",
    "dislike": "👎",
    "other": "❔",
}
"""Messenger's words for reactions (Messenger Platform webhook reference, mid-2026), where the emoji itself is missing.
`other` stands for any emoji that Messenger has no word for."""

_NO_EMOJI: Final = frozenset({"Cc", "Cs", "Co", "Zl", "Zp", "Zs"})
_ESCAPED: Final = re.compile(r"\\u\{([0-9A-Fa-f]{1,6})\}")


def emoji_in(value: object) -> str:
    r"""The emoji itself, also where it is spelled `\u{2764}\u{FE0F}` as in Meta's samples; "" when it is none."""
    shown = _ESCAPED.sub(_character, text(value)).strip()
    if len(shown) > MOST_CHARACTERS or any(unicodedata.category(character) in _NO_EMOJI for character in shown):
        return ""
    return shown


def emoji_for(word: object) -> str:
    """The emoji that a word such as "love" stands for; "" when it stands for none."""
    return WORDS.get(text(word).lower(), "")


def _character(escaped: re.Match[str]) -> str:
    code = int(escaped[1], 16)
    return chr(code) if code <= 0x10FFFF else ""
