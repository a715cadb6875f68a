"""Long text cut at a network's limit, never inside a grapheme."""

from __future__ import annotations

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
        cut, resume = _cut(rest, limit)
        if rest[:cut].strip():
            pieces.append(rest[:cut])
        rest = rest[resume:]
    if rest.strip():
        pieces.append(rest)
    return tuple(pieces)


def _cut(text: str, limit: Limit) -> tuple[int, int]:
    """Where to end the first piece of a text that is too long, and where the next one begins: (cut, resume)."""
    head, ends = _graphemes(text, limit)
    if not head:
        head = _code_points(text, limit)
        return head, head
    window = text[: ends[-1]]
    whole = frozenset(ends)
    for pattern in BREAKS:
        # A space can carry an accent, and a line end be the half of one: only whole graphemes fall away.
        found = [match.span() for match in pattern.finditer(window, head // 2) if whole.issuperset(match.span())]
        found = [span for span in found if span[0] <= head]
        if found:
            return found[-1]
    return head, head


def _graphemes(text: str, limit: Limit) -> tuple[int, list[int]]:
    """How many characters fit as whole graphemes, and where these end and the ones behind them: (head, ends).

    One grapheme more is looked at, and all the white space before it, so that a break behind the last one that fits
    is found in its full length.
    """
    used = head = 0
    ends: list[int] = []
    for match in GRAPHEME.finditer(text):
        ends.append(match.end())
        used += limit.measure(match.group())
        if used <= limit.value:
            head = match.end()
        elif not match.group().isspace():
            break
    return head, ends


def _code_points(text: str, limit: Limit) -> int:
    """How many characters fit, at least one: there is nothing smaller."""
    used = 0
    for number, character in enumerate(text):
        used += limit.measure(character)
        if used > limit.value:
            return max(number, 1)
    return len(text)
