"""A network's text with marks, as a tree."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final, Literal

import msgspec

from gearmesh.core.markup.marks import Found, Kind, Marks
from gearmesh.core.markup.tree import (
    Block,
    Break,
    Code,
    Fence,
    Inline,
    Items,
    Mark,
    Marked,
    Paragraph,
    Quote,
    Tree,
    Words,
    merged,
)

STANDS_OUT: Final[dict[Kind, Mark]] = {"bold": "bold", "italic": "italic", "strike": "strike"}


def read_tree(text: str, marks: Marks) -> Tree | None:
    """The tree of a text; None when nothing in it is formatted."""
    found = marks.find(text)
    return _blocks(_Lines(text, marks).read(found)) if found else None


class _Row(msgspec.Struct):
    """One line of a text, or a block of code with all of its lines."""

    kind: Literal["words", "quote", "bullet", "block"]
    inside: list[Inline]
    code: str = ""


class _Lines:
    """Reads a text, in which the formatting is known, line by line."""

    def __init__(self, text: str, marks: Marks) -> None:
        self._text, self._dialect = text, marks.dialect
        self._rows: list[_Row] = []
        self._open = False
        """Whether the last row goes on."""

    def read(self, found: Sequence[Found]) -> list[_Row]:
        """All lines."""
        at = 0
        for one in found:
            self._words(at, one.start)
            at = self._past(one)
            if one.kind == "block":
                code = self._text[one.inner : one.end]
                if self._is_block(one, code):
                    self._rows.append(_Row("block", [], _without_edges(code)))
                    at = self._next_line(at)
                else:
                    self._add([Code(code)])
            elif one.kind == "quote" or one.kind == "bullet":
                inside = self._inlines(one.inner, one.end, one.inside)
                self._rows.append(_Row(one.kind, inside))
                at = self._next_line(at)
            else:
                self._add([self._inline(one)])
        self._words(at, len(self._text))
        return self._rows

    def _words(self, begin: int, end: int) -> None:
        lines = self._text[begin:end].split("\n")
        for number, line in enumerate(lines):
            if number:
                self._open = False
            # Where a line begins with formatting, its row begins there.
            if line or number + 1 < len(lines):
                self._add([Words(line)])
        if len(lines) > 1 and not lines[-1]:
            self._open = False

    def _add(self, inside: list[Inline]) -> None:
        if not self._open:
            self._rows.append(_Row("words", []))
            self._open = True
        self._rows[-1].inside += inside

    def _is_block(self, one: Found, code: str) -> bool:
        """Whether code stands by itself: on its own lines, or on more than one."""
        past = self._past(one)
        begins = one.start == 0 or self._text[one.start - 1] == "\n"
        return "\n" in code or (begins and (past == len(self._text) or self._text[past] == "\n"))

    def _past(self, one: Found) -> int:
        dialect = self._dialect
        marks = {"bold": dialect.bold, "italic": dialect.italic, "strike": dialect.strike, "code": dialect.code}
        marks["block"] = dialect.block
        return one.end + len(marks.get(one.kind, ""))

    def _next_line(self, at: int) -> int:
        self._open = False
        return at + self._text.startswith("\n", at)

    def _inlines(self, begin: int, end: int, found: Sequence[Found]) -> list[Inline]:
        inlines: list[Inline] = []
        for one in found:
            inlines += [Words(self._text[begin : one.start]), self._inline(one)]
            begin = self._past(one)
        return [*inlines, Words(self._text[begin:end])]

    def _inline(self, one: Found) -> Inline:
        if one.kind == "code":
            return Code(self._text[one.inner : one.end])
        return Marked(STANDS_OUT[one.kind], merged(self._inlines(one.inner, one.end, one.inside)))


def _without_edges(code: str) -> str:
    """Code without the line ends that only part it from its marks."""
    return code[1:-1] if len(code) > 2 and code[0] == code[-1] == "\n" else code


def _blocks(rows: list[_Row]) -> Tree:
    groups = [(kind, list(group)) for kind, group in groupby(rows, key=lambda row: row.kind)]
    blocks: list[Block] = []
    for number, (kind, group) in enumerate(groups):
        lines = [merged(row.inside) for row in group]
        if kind == "block":
            blocks.extend(Fence(row.code) for row in group)
        elif kind == "quote":
            blocks.append(Quote((Paragraph(_on_lines(lines)),)))
        elif kind == "bullet":
            blocks.append(Items(tuple((Paragraph(line),) for line in lines)))
        else:
            blocks += _paragraphs(lines, after=number > 0, before=number + 1 < len(groups))
    return tuple(blocks)


def _on_lines(lines: Sequence[tuple[Inline, ...]]) -> tuple[Inline, ...]:
    first, *others = lines
    return (*first, *(one for line in others for one in (Break(), *line)))


def _paragraphs(lines: list[tuple[Inline, ...]], *, after: bool, before: bool) -> list[Block]:
    """Paragraphs of lines that stand `after` and `before` other blocks.

    One empty line parts two of them. What is more of empty lines is kept as `Break`s: at the beginning of the next
    one, or at the end before another block.
    """
    if not any(lines):
        more = len(lines) - 1
        return [Paragraph((Break(),) * more)] if after and before and more else []
    paragraphs: list[list[tuple[Inline, ...]]] = [[]]
    empty = 0
    for line in lines:
        if not line:
            empty += 1
            continue
        if empty and paragraphs[-1]:
            paragraphs.append([])
            empty -= 1
        paragraphs[-1] += [(), *[()] * (empty - 1), line] if empty else [line]
        empty = 0
    if before:
        paragraphs[-1] += [()] * empty
    return [Paragraph(_on_lines(inside)) for inside in paragraphs]
