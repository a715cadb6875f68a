"""Long text cut at a network's limit, never inside a grapheme."""

from __future__ import annotations

from typing import Final

import regex

from gearmesh.model.capabilities import Limit

GRAPHEME: Final = regex.compile(r"\X")
PLAIN: Final = regex.compile(
    r"[\n\x20-\x7e\u00a0-\u02ff\u0370-\u0482\u048a-\u058f\u200a\u2010-\u2027\u2060\u3041-\u3096\u30a1-\u30ff\u4e00-\u9fff]{2}"
)
"""Two characters between which a grapheme ends whatever stands around them: neither joins others (UAX #29)."""
BREAKS: Final = (regex.compile(r"\n\s*"), regex.compile(r"(?<=[.!?…。！？])\s+"), regex.compile(r"\s+"))
"""Where to cut, the better ones first: at a line's end, at a sentence's end, between words."""


def split(text: str, limit: Limit) -> tuple[str, ...]:
    """The pieces of `text`, each within `limit`, none empty.

    Cut at the last line end in the piece's second half, else sentence end, else white space (which falls away), else
    between graphemes. A single grapheme larger than the whole limit is cut between its code points: nothing is lost.
    """
    pieces: list[str] = []
    rest = text
    while len(rest) > limit.value or limit.measure(rest) > limit.value:
        cut, resume = _cut(rest, limit)
        if rest[:cut].strip():
            pieces.append(rest[:cut])
        rest = rest[resume:]
    if rest.strip():
        pieces.append(rest)
    return tuple(pieces)


def _cut(text: str, limit: Limit) -> tuple[int, int]:
    """Where to end the first piece of a text that is too long, and where the next one begins: (cut, resume)."""
    most = _code_points(text, limit)
    head = _last_end(text, most)
    if not head:
        return most, most
    ends = _Ends(text, head // 2)
    window = text[: ends.first_word_behind(head)]
    for pattern in BREAKS:
        # A space can carry an accent, and a line end be the half of one: only whole graphemes fall away.
        for match in reversed([*pattern.finditer(window, head // 2)]):
            begin, end = match.span()
            if begin <= head and ends.has(begin) and ends.has(end):
                return begin, end
    return head, head


class _Ends:
    """Where graphemes end in a text, from a place on. They are looked for only where two characters do not tell."""

    def __init__(self, text: str, begin: int) -> None:
        self._text, self._begin = text, begin
        self._known: frozenset[int] | None = None
        self._last = len(text)

    def first_word_behind(self, at: int) -> int:
        """Where the first grapheme ends that stands behind `at` and is no white space.

        It is looked at, and all the white space before it, so that a break is found in its full length.
        """
        for match in GRAPHEME.finditer(self._text, at):
            if not match.group().isspace():
                self._last = match.end()
                break
        return self._last

    def has(self, at: int) -> bool:
        """Whether a grapheme ends at `at`."""
        if at == 0 or at == len(self._text):
            return at > 0
        if PLAIN.match(self._text, at - 1):
            return True
        if self._known is None:
            first = _certain(self._text, self._begin)
            self._known = frozenset(match.end() for match in GRAPHEME.finditer(self._text, first, self._last))
        return at in self._known


def _last_end(text: str, most: int) -> int:
    """Where the last grapheme ends that is whole within the first `most` characters; 0 where there is none."""
    last = first = _certain(text, most)
    for match in GRAPHEME.finditer(text, first):
        if match.end() > most:
            break
        last = match.end()
    return last


def _certain(text: str, at: int) -> int:
    """A place at or before `at` where a grapheme ends for certain, as near as two characters can tell; else 0."""
    for place in range(min(at, len(text) - 1), 0, -1):
        if PLAIN.match(text, place - 1):
            return place
    return 0


def _code_points(text: str, limit: Limit) -> int:
    """How many characters fit, at least one: there is nothing smaller."""
    low, high = 1, min(limit.value, len(text))  # none measures less than 1
    if high > low and limit.measure(text[:high]) <= limit.value:
        return high
    while low < high:
        middle = (low + high + 1) // 2
        if limit.measure(text[:middle]) <= limit.value:
            low = middle
        else:
            high = middle - 1
    return low
