"""A text in the words of a network, in as many messages as it needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gearmesh.core.markup.marks import Marks
from gearmesh.core.markup.settled import settled
from gearmesh.core.markup.written import Piece, joined, pieces_of
from gearmesh.core.split import split
from gearmesh.model.capabilities import Dialect, Limit

FEW: Final = 2
"""As many messages need no numbers."""
ROOMS: Final = (0, 2, 4, 8, 16, 64, 256)
"""What is kept free in each message for breaks, and for marks that end with it: more, where that is too little."""


def cut(
    text: str, markup: bool, dialect: Dialect | None, limit: Limit, before: str = "", after: str = ""
) -> tuple[str, ...]:
    """`text` in messages within `limit`, none of them empty, with the plain lines `before` and `after` it.

    Cut as `split` does. More than two are numbered: `(1/3) `. What is formatted over a cut is so on both sides.
    """
    marks = None if dialect is None else Marks.of(dialect)
    if not markup:
        # Nearly all texts: they go as they are.
        whole = "\n".join([part for part in (before, text, after) if part]) if before or after else text
        if (marks is None or not marks.occur(whole)) and limit.measure(whole) <= limit.value:
            return (whole,) if whole.strip() else ()
    pieces = settled(pieces_of(text, markup, dialect, before, after), marks)
    whole = joined(pieces)
    if limit.measure(whole) <= limit.value:
        return (whole,) if whole.strip() else ()
    for room in ROOMS:
        if 2 * room < limit.value and (found := _cut(pieces, whole, marks, limit, room)):
            return found
    # So little room that marks would leave none for words.
    return split(joined(pieces_of(text, markup, None, before, after)), limit)


def _cut(pieces: list[Piece], whole: str, marks: Marks | None, limit: Limit, room: int) -> tuple[str, ...] | None:
    """The messages; None when one of them comes out longer than the limit."""
    parts = split(whole, _smaller(limit, room))
    numbered = False
    if len(parts) > FEW:
        numbers = _numbered(whole, limit, room)
        parts, numbered = numbers or parts, bool(numbers)
    found: list[str] = []
    at = 0
    for number, part in enumerate(parts, 1):
        begin = whole.index(part, at)
        at = begin + len(part)
        inside = _between(pieces, begin, at)
        if numbered:
            inside = [Piece(_number(number, len(parts))), *inside]
        found.append(joined(settled(inside, marks)))
    return None if any(limit.measure(one) > limit.value for one in found) else tuple(found)


def _numbered(whole: str, limit: Limit, room: int) -> tuple[str, ...]:
    """The parts with room for their numbers, which is more for longer ones; none where numbers would take too much."""
    for digits in range(1, 8):
        number = len(_number(10**digits - 1, 10**digits - 1))
        if 4 * number > limit.value or room + number >= limit.value:
            break
        parts = split(whole, _smaller(limit, room + number))
        if len(str(len(parts))) <= digits:
            return parts
    return ()


def _smaller(limit: Limit, room: int) -> Limit:
    return Limit(limit.value - room, limit.unit, limit.source)


def _number(number: int, count: int) -> str:
    return f"({number}/{count}) "


def _between(pieces: Sequence[Piece], begin: int, end: int) -> list[Piece]:
    """The pieces from one place to another. Marks that are open at the beginning are opened, at the end closed."""
    found: list[Piece] = []
    opened: list[Piece] = []
    at = 0
    begun = False
    for piece in pieces:
        first, last = max(begin - at, 0), min(end - at, len(piece.text))
        at += len(piece.text)
        within = first < last
        if within and not begun:
            begun = True
            found += opened
        if piece.mark and piece.kind not in {"quote", "bullet"} and (not begun or within):
            opened = [one for one in opened if one.mark != piece.mark] if piece.closes else [*opened, piece]
            if piece.closes and within and not any(one.mark == piece.mark for one in found):
                continue
        if within:
            found.append(piece if piece.mark else Piece(piece.text[first:last]))
    closing = [Piece(one.text, one.mark, one.kind, closes=True) for one in reversed(opened)]
    return found + closing if begun else []
