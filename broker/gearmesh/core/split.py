"""Long text cut at a network's limit, never inside a grapheme."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import regex

from gearmesh.model.capabilities import Limit

GRAPHEME: Final = regex.compile(r"\X")
BREAKS: Final = (regex.compile(r"\n\s*"), regex.compile(r"(?<=[.!?…。！？])\s+"), regex.compile(r"\s+"))
"""Where to cut, the better ones first: at a line's end, at a sentence's end, between words."""


def split(text: str, limit: Limit) -> tuple[str, ...]:
    """The pieces of `text`, each within `limit`, none empty.

    Cut at the last line end in the piece's second half, else sentence end, else white space (which falls away), else
    between graphemes. A single grapheme larger than the whole limit is cut between its code points: nothing is lost.
    """
    pieces: list[str] = []
    rest = text
    while limit.measure(rest) > limit.value:
        head = _longest_head(rest, limit)
        cut, resume = _cut(rest, head)
        if rest[:cut].strip():
            pieces.append(rest[:cut])
        rest = rest[resume:]
    if rest.strip():
        pieces.append(rest)
    return tuple(pieces)


def _longest_head(text: str, limit: Limit) -> int:
    """How many characters of `text` fit, ending with a whole grapheme."""
    used = 0
    end = 0
    for grapheme in _graphemes(text):
        used += limit.measure(grapheme)
        if used > limit.value:
            break
        end += len(grapheme)
    if end:
        return end
    used = 0
    for character in text:
        used += limit.measure(character)
        if used > limit.value:
            break
        end += 1
    return max(end, 1)


def _graphemes(text: str) -> Iterator[str]:
    for match in GRAPHEME.finditer(text):
        yield match.group()


def _cut(text: str, head: int) -> tuple[int, int]:
    """Where to end this piece and where the next one begins: (cut, resume)."""
    # One character more is looked at, so that a break just behind the last one that fits is found.
    window = text[: head + 1]
    for pattern in BREAKS:
        found = [match for match in pattern.finditer(window, head // 2) if 0 < match.start() <= head]
        if found:
            return found[-1].span()
    return head, head
