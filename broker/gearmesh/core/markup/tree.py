"""What a formatted text is made of.

Blocks stand one below the other, inlines one beside the other. A line's end is a `Break`, never a character of `Words`.
A mark never stands inside one of its own kind, and never beside one: what CommonMark nests so is one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

Mark = Literal["bold", "italic", "strike"]


class Words(msgspec.Struct, frozen=True):
    """Plain words of one line."""

    text: str


class Break(msgspec.Struct, frozen=True):
    """A line's end."""


class Code(msgspec.Struct, frozen=True):
    """Code within a line."""

    text: str


class Marked(msgspec.Struct, frozen=True):
    """Words that stand out."""

    mark: Mark
    inside: tuple[Inline, ...]


class Link(msgspec.Struct, frozen=True):
    """Words that lead to `target`. One that begins with `gearmesh:` is a mention of a person."""

    inside: tuple[Inline, ...]
    target: str


class Paragraph(msgspec.Struct, frozen=True):
    """Lines of words."""

    inside: tuple[Inline, ...]


class Fence(msgspec.Struct, frozen=True):
    """Lines of code. `language` is what CommonMark says of it."""

    text: str
    language: str = ""


class Quote(msgspec.Struct, frozen=True):
    """What somebody else has said."""

    inside: tuple[Block, ...]


class Items(msgspec.Struct, frozen=True):
    """A list: of bullets where `start` is None, else numbered from there."""

    items: tuple[tuple[Block, ...], ...]
    start: int | None = None


Inline = Words | Break | Code | Marked | Link
Block = Paragraph | Fence | Quote | Items
Tree = tuple[Block, ...]


def words(text: str) -> list[Inline]:
    """A text that may have several lines, as inlines."""
    found: list[Inline] = []
    for number, line in enumerate(text.split("\n")):
        if number:
            found.append(Break())
        if line:
            found.append(Words(line))
    return found


def merged(inlines: Iterable[Inline]) -> tuple[Inline, ...]:
    """The same with neighbours of one kind put together, and without what is empty."""
    found: list[Inline] = []
    for one in inlines:
        last = found[-1] if found else None
        if isinstance(one, Words):
            if not one.text:
                continue
            if isinstance(last, Words):
                found[-1] = Words(last.text + one.text)
                continue
        if isinstance(one, Marked):
            if not one.inside:
                continue
            if isinstance(last, Marked) and last.mark == one.mark:
                found[-1] = Marked(one.mark, merged((*last.inside, *one.inside)))
                continue
        if isinstance(one, Code):
            if not one.text:
                continue
            if isinstance(last, Code):
                found[-1] = Code(last.text + one.text)
                continue
        found.append(one)
    return tuple(found)


def plain(inlines: Iterable[Inline]) -> str:
    """The words of inlines, without what they look like."""
    found: list[str] = []
    for one in inlines:
        match one:
            case Words(text=text) | Code(text=text):
                found.append(text)
            case Break():
                found.append("\n")
            case Marked(inside=inside) | Link(inside=inside):
                found.append(plain(inside))
    return "".join(found)
