"""A tree in the words of a network: pieces, of which some are its marks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from gearmesh.core.markup.commonmark import is_too_much, parse
from gearmesh.core.markup.marks import Kind
from gearmesh.core.markup.tree import (
    Block,
    Break,
    Code,
    Fence,
    Inline,
    Items,
    Link,
    Marked,
    Paragraph,
    Quote,
    Tree,
    Words,
    plain,
)
from gearmesh.model.capabilities import Dialect

MENTION: Final = "gearmesh:"
"""How the target of a link begins that is a mention of a person: they are shown by their name."""
BULLET: Final = "• "
QUOTED: Final = "> "
STRUCK: Final = "~"
"""What people read as a list, a quote, struck words, where there are no marks for them."""
PLAIN: Final = Dialect()


class Piece(msgspec.Struct, frozen=True, gc=False):
    """A part of a text that is being written: words, or the mark number `mark` of it (0: words).

    A pair of marks has one number. That of a quoted line or an item has no second one.
    """

    text: str
    mark: int = 0
    kind: Kind | None = None
    closes: bool = False


def joined(pieces: Sequence[Piece]) -> str:
    """What the pieces are together."""
    return "".join([piece.text for piece in pieces])


def pieces_of(text: str, markup: bool, dialect: Dialect | None, before: str = "", after: str = "") -> list[Piece]:
    """A text in the words of a network, with the plain lines `before` and `after` it."""
    formatted = markup and not is_too_much(text)
    inside = _Writer(dialect or PLAIN).write(parse(text)) if formatted else [Piece(text)] if text else []
    pieces: list[Piece] = []
    for part in ([Piece(before)] if before else [], inside, [Piece(after)] if after else []):
        pieces += [Piece("\n"), *part] if pieces and part else part
    return pieces


class _Writer:
    """Writes one tree."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._count = 0

    def write(self, tree: Tree) -> list[Piece]:
        """All of it."""
        return self._blocks(tree, top=True)

    def _blocks(self, blocks: Sequence[Block], *, top: bool) -> list[Piece]:
        pieces: list[Piece] = []
        for number, block in enumerate(blocks):
            if number:
                before = blocks[number - 1]
                pieces.append(Piece("\n\n" if type(before) is type(block) and top else "\n"))
            match block:
                case Paragraph(inside=inside):
                    pieces += self._inlines(inside)
                case Fence(text=text):
                    pieces += self._fence(text) if top else [Piece(text)]
                case Quote(inside=inner):
                    pieces += self._quote(inner, top)
                case Items():
                    pieces += self._items(block, top)
        return pieces

    def _quote(self, inner: Sequence[Block], top: bool) -> list[Piece]:
        mark = self._dialect.quote if top else ""
        lines = _lines(self._blocks(inner, top=False))
        # An empty line would end a quote that is made by marks.
        shown = [line for line in lines if joined(line).strip()] if mark else lines
        pieces: list[Piece] = []
        for number, line in enumerate(shown):
            pieces += [Piece("\n")] if number else []
            pieces += [self._begin("quote", mark) if mark else Piece(QUOTED), *line]
        return pieces

    def _items(self, block: Items, top: bool) -> list[Piece]:
        pieces: list[Piece] = []
        for number, item in enumerate(block.items):
            mark = self._dialect.bullet if top else ""
            if block.start is None:
                sign = self._begin("bullet", mark) if mark else Piece(BULLET)
            else:
                sign = Piece(f"{block.start + number}. ")
            lines = _lines(self._blocks(item, top=False))
            indent = Piece(" " * len(sign.text))
            pieces += [Piece("\n")] if number else []
            for count, line in enumerate(lines):
                pieces += [Piece("\n"), indent] if count else [sign]
                pieces += line
        return pieces

    def _begin(self, kind: Kind, mark: str) -> Piece:
        self._count += 1
        return Piece(mark, self._count, kind)

    def _fence(self, text: str) -> list[Piece]:
        mark = self._dialect.block
        if not mark or mark in text or not text.strip():
            return [Piece(text)]
        return self._pair("block", mark, [Piece(text)])

    def _inlines(self, inlines: Sequence[Inline]) -> list[Piece]:
        pieces: list[Piece] = []
        for one in inlines:
            match one:
                case Words(text=text):
                    pieces.append(Piece(text))
                case Break():
                    pieces.append(Piece("\n"))
                case Code(text=text):
                    mark = self._dialect.code
                    pieces += self._pair("code", mark, [Piece(text)]) if mark else [Piece(text)]
                case Marked(mark=kind, inside=inside):
                    marks = {"bold": self._dialect.bold, "italic": self._dialect.italic, "strike": self._dialect.strike}
                    pieces += self._marked(kind, marks[kind], self._inlines(inside))
                case Link(inside=inside, target=target):
                    pieces += self._inlines(inside)
                    pieces.append(Piece(_address(plain(inside), target)))
        return pieces

    def _marked(self, kind: Kind, mark: str, inside: list[Piece]) -> list[Piece]:
        """Each line by itself: marks reach no further. White space at its edges stands outside of them."""
        if not mark:
            return [Piece(STRUCK), *inside, Piece(STRUCK)] if kind == "strike" else inside
        pieces: list[Piece] = []
        for number, line in enumerate(_lines(inside)):
            pieces += [Piece("\n")] if number else []
            left, middle, right = _trimmed(line)
            pieces += [*left, *(self._pair(kind, mark, middle) if middle else []), *right]
        return pieces

    def _pair(self, kind: Kind, mark: str, inside: list[Piece]) -> list[Piece]:
        self._count += 1
        return [Piece(mark, self._count, kind), *inside, Piece(mark, self._count, kind, closes=True)]


def _address(label: str, target: str) -> str:
    """What stands behind the words of a link so that people can follow it."""
    bare = re.sub(r"^(?:https?://|mailto:|tel:)", "", target).rstrip("/")
    if not target or target.startswith(MENTION) or label in {target, bare}:
        return ""
    return f" ({target})" if label else target


def _lines(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """The same, line by line and without the line ends."""
    lines: list[list[Piece]] = [[]]
    for piece in pieces:
        if piece.mark:
            lines[-1].append(piece)
            continue
        for number, text in enumerate(piece.text.split("\n")):
            if number:
                lines.append([])
            if text:
                lines[-1].append(Piece(text))
    return lines


def _trimmed(line: list[Piece]) -> tuple[list[Piece], list[Piece], list[Piece]]:
    """White space at the beginning, the rest, white space at the end; all in the first where there is no more."""
    middle = list(line)
    left: list[Piece] = []
    right: list[Piece] = []
    while middle and not middle[0].mark and middle[0].text[0].isspace():
        text = middle.pop(0).text
        bare = text.lstrip()
        left.append(Piece(text[: len(text) - len(bare)]))
        middle = [Piece(bare), *middle] if bare else middle
    while middle and not middle[-1].mark and middle[-1].text[-1].isspace():
        text = middle.pop().text
        bare = text.rstrip()
        right.insert(0, Piece(text[len(bare) :]))
        middle = [*middle, Piece(bare)] if bare else middle
    return left, middle, right
