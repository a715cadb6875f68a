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

    Cut as `split` does. More than two are numbered where their words begin, behind the lines `before`: `(1/3) `. What
    is formatted over a cut is so on both sides.
    """
    marks = None if dialect is None else Marks.of(dialect)
    if not markup:
        # Nearly all texts: they go as they are.
        whole = text if not before else f"{before}\n{text}" if text else before
        whole = whole if not after else f"{whole}\n{after}" if whole else after
        if (marks is None or not marks.occur(whole)) and limit.measure(whole) <= limit.value:
            return (whole,) if whole.strip() else ()
    pieces = settled(pieces_of(text, markup, dialect, before, after), marks)
    whole = joined(pieces)
    if limit.measure(whole) <= limit.value:
        return (whole,) if whole.strip() else ()
    begins = _behind(whole, before)
    for room in ROOMS:
        if 2 * room < limit.value and (found := _cut(pieces, whole, begins, marks, limit, room)):
            return found
    # So little room that marks would leave none for words.
    return split(joined(pieces_of(text, markup, None, before, after)), limit)


def _behind(whole: str, before: str) -> int:
    """Where the words begin that stand behind the lines `before`: breaks may have made these longer, but not more."""
    at = 0
    for _ in range(before.count("\n") + 1 if before else 0):
        at = whole.find("\n", at) + 1
        if not at:
            break
    return at


def _cut(
    pieces: list[Piece], whole: str, begins: int, marks: Marks | None, limit: Limit, room: int
) -> tuple[str, ...] | None:
    """The messages, whose words begin at `begins`; None when one of them comes out longer than the limit."""
    parts = split(whole, _smaller(limit, room))
    numbered = False
    if len(parts) > FEW:
        numbers = _numbered(whole, limit, room)
        parts, numbered = numbers or parts, bool(numbers)
    found: list[str] = []
    walk = _Walk(pieces)
    subdued = marks is not None and marks.are_too_many(whole)
    at = 0
    for number, part in enumerate(parts, 1):
        begin = whole.index(part, at)
        at = begin + len(part)
        led = walk.to(begin, begins) if begin < begins < at else []
        shown = [Piece(_number(number, len(parts)))] if numbered else []
        inside = [*led, *shown, *walk.to(begins if led else begin, at)]
        if subdued and marks:
            # Nothing in it is formatted, wherever it is cut: only how it begins could be taken for something.
            found.append(marks.begun(joined(inside)))
        else:
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


class _Walk:
    """Goes once through pieces, from one place to the next."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = pieces
        self._number = 0
        self._at = 0
        """Where the piece `_number` begins."""
        self._open: dict[int, Piece] = {}
        """The marks that are open there, by their numbers."""

    def to(self, begin: int, end: int) -> list[Piece]:
        """What stands from one place to another, none of it before what was asked for earlier.

        Marks that are open at the beginning are opened, at the end closed.
        """
        while self._number < len(self._pieces) and self._at + len(self._piece.text) <= begin:
            self._pass()
        found = list(self._open.values())
        while self._number < len(self._pieces) and self._at < end:
            piece, at = self._piece, self._at
            if piece.mark:
                found.append(piece)  # whole, also where it is cut
            else:
                found.append(Piece(piece.text[max(begin - at, 0) : end - at]))
                if at + len(piece.text) > end:
                    break  # the rest of it is asked for next
            self._pass()
        closing = [Piece(one.text, one.mark, one.kind, closes=True) for one in reversed(self._open.values())]
        return found + closing

    @property
    def _piece(self) -> Piece:
        return self._pieces[self._number]

    def _pass(self) -> None:
        piece = self._piece
        if piece.mark and piece.kind not in {"quote", "bullet"}:
            if piece.closes:
                self._open.pop(piece.mark, None)
            else:
                self._open[piece.mark] = piece
        self._at += len(piece.text)
        self._number += 1
