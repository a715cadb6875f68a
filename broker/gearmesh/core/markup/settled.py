"""Marks that are taken for marks, and nothing else that is.

What is about to be sent is read as its network reads it. Where the network would see formatting that nobody has meant,
a break parts the mark from its words; where it would not see what was meant, the marks go and the words stay.

Two characters are breaks. Behind an opening mark it is a hair space (U+200A), the thinnest that there is: marks count
only against words, and every reader knows from Unicode what white space is. Zero-width characters (U+200B, U+2060) are
letters like any other to most, so that behind a mark they would change nothing. At the beginning of a line, and among
several characters that are one mark, white space would not do: there it is a word joiner (U+2060), which has no width,
and with which the line begins with something else, or the mark falls into two. That WhatsApp keeps to these rules is an
assumption drawn from how its apps behave; it publishes none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gearmesh.core.markup.marks import JOINER, THIN, Found, Marks
from gearmesh.core.markup.written import Piece, joined

ROUNDS: Final = 8
"""How often marks are looked at anew before all of them are given up: each round can bring others to light."""


def unbroken(text: str) -> str:
    """A text without breaks, as it was written."""
    return text.replace(THIN, "").replace(JOINER, "")


def settled(pieces: Sequence[Piece], marks: Marks | None) -> list[Piece]:
    """The pieces with breaks where a reader needs them, and without marks that it would not take for such."""
    found = list(pieces)
    if marks is None:
        return found
    if marks.are_too_many(joined(found)):
        return _given_up(found, marks)
    for _ in range(ROUNDS):
        if not marks.occur(joined(found)):
            return found
        breaks, lost = _compared(found, marks)
        if breaks:
            found = _broken(found, breaks)
        elif lost:
            found = _without(found, lost)
        else:
            return found
    return _given_up(found, marks)


def _given_up(pieces: Sequence[Piece], marks: Marks) -> list[Piece]:
    """The pieces as words that nothing is formatted in."""
    return [Piece(marks.subdued(joined(_without(pieces, {piece.mark for piece in pieces if piece.mark}))))]


def _without(pieces: Sequence[Piece], lost: set[int]) -> list[Piece]:
    """The pieces without these marks. How a line begins stays in any case: people read it as what it is."""
    begin = {"quote", "bullet"}
    kept = (piece for piece in pieces if piece.mark not in lost or piece.kind in begin)
    return [Piece(piece.text) if piece.mark in lost else piece for piece in kept]


def _compared(pieces: Sequence[Piece], marks: Marks) -> tuple[dict[int, str], set[int]]:
    """What is read in the pieces against what is meant: breaks by their places, and the numbers of marks not read."""
    meant: dict[int, Piece] = {}
    ends: dict[int, int] = {}
    at = 0
    for piece in pieces:
        if piece.mark and piece.closes:
            ends[piece.mark] = at
        elif piece.mark:
            meant[at] = piece
        at += len(piece.text)
    breaks: dict[int, str] = {}
    lost = {piece.mark for piece in meant.values()}
    for top in marks.find(joined(pieces)):
        for one in top.all():
            own = meant.get(one.start)
            if own is None or own.kind != one.kind:
                breaks |= _break(one, one.start, one.inner)
            elif own.kind in {"quote", "bullet"} or ends[own.mark] == one.end:
                lost.discard(own.mark)
            elif one.end < ends[own.mark]:
                breaks |= _break(one, one.end, one.end)
    return breaks, lost


def _break(one: Found, start: int, inner: int) -> dict[int, str]:
    match one.kind:
        case "block":
            return {start + 1: JOINER}
        case "quote" | "bullet":
            return {start: JOINER}
        case _:
            return {inner: THIN}


def _broken(pieces: Sequence[Piece], breaks: dict[int, str]) -> list[Piece]:
    """The pieces with breaks at these places. A mark that one falls into is given up."""
    found: list[Piece] = []
    lost: set[int] = set()
    at = 0
    places = sorted(breaks, reverse=True)
    for piece in pieces:
        end = at + len(piece.text)
        last = 0
        while places and places[-1] <= end:
            place = places[-1] - at
            if place == len(piece.text) and place:
                break  # it stands before the next one
            places.pop()
            if piece.mark and place:
                lost.add(piece.mark)
            found += [Piece(piece.text[last:place])] * (place > last) + [Piece(breaks[at + place])]
            last = place
        rest = piece if not last else Piece(piece.text[last:])
        found.append(rest)
        at = end
    return [piece for piece in found if piece.mark not in lost]
