"""Formatting both ways, through one syntax tree.

                 parse                        write (by marks, or as plain words)
    CommonMark ────────▶ tree (markup/tree.py) ────────▶ what a network's people read
                 ◀────────                    ◀────────
                escape                        read (by marks)

Words travel as plain text or as CommonMark (`markup` in `model/content.py`). A network that formats does so by marks
(`Dialect`); the same reader that takes a network's texts in looks over everything that goes out to it, so that nothing
is formatted there but what was formatted here: see `markup/settled.py`.
"""

from __future__ import annotations

from gearmesh.core.markup.commonmark import as_commonmark, escape, is_too_much, parse
from gearmesh.core.markup.cutting import cut
from gearmesh.core.markup.marks import JOINER, THIN, Marks
from gearmesh.core.markup.native import read_tree
from gearmesh.core.markup.settled import settled, unbroken
from gearmesh.core.markup.tree import Tree, plain
from gearmesh.core.markup.written import joined, pieces_of
from gearmesh.model.capabilities import Dialect

__all__ = [
    "JOINER",
    "THIN",
    "Tree",
    "as_commonmark",
    "cut",
    "escape",
    "is_too_much",
    "parse",
    "plain",
    "plain_words",
    "read",
    "unbroken",
    "write",
]


def read(text: str, dialect: Dialect) -> tuple[str, bool]:
    """A network's text as (words, markup): CommonMark and true, or the text itself and false without formatting."""
    marks = Marks.of(dialect)
    if not marks.occur(text) or marks.are_too_many(text):
        return text, False
    tree = read_tree(text, marks)
    if tree is None or is_too_much(words := as_commonmark(tree)):
        return text, False
    return words, True


def write(text: str, markup: bool, dialect: Dialect | None) -> str:
    """Words as a network shows them: by its marks, or as plain text where it has none.

    Marks are written only where its reader takes them for formatting (WhatsApp: not inside a word). Characters of plain
    words that it would take for marks are parted from what they stand at by a break.
    """
    marks = None if dialect is None else Marks.of(dialect)
    if not markup and (marks is None or not marks.occur(text)):
        return text
    return joined(settled(pieces_of(text, markup, dialect), marks))


def plain_words(text: str, markup: bool) -> str:
    """The words alone, as plain text."""
    return write(text, True, None) if markup else text
