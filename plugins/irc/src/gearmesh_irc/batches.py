"""Lines that belong together (https://ircv3.net/specs/extensions/batch).

A message of several lines (draft/multiline) becomes one line again, with line ends in its words. All others are handed
on at once, and it is told when their batch is over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from irctokens.line import Line

from gearmesh_irc.connection import Lost

MULTILINE: Final = "draft/multiline"
HISTORY: Final = "chathistory"
PLAYBACK: Final = "znc.in/playback"
TARGETS: Final = "draft/chathistory-targets"
MOST_OPEN: Final = 64
"""Batches that are open at once. Servers open one in another, or a few side by side."""
MOST_LINES: Final = 5000
"""Lines of a batch that is read as a whole: of history, a page has some hundreds."""
_WHOLE: Final = frozenset({MULTILINE, HISTORY, TARGETS})


class Batch(msgspec.Struct):
    """One that is open, or was closed just now. `outer` is the one that it is in, and was open before it; `lines` are
    those directly in it, of kinds that are read as a whole."""

    kind: str
    opening: Line
    outer: Batch | None = None
    lines: list[Line] = []

    @property
    def target(self) -> str:
        """The channel or nickname that it is about, or ""."""
        return self.opening.params[2] if len(self.opening.params) > 2 else ""


class Batches:
    """The batches that are open on one connection."""

    def __init__(self) -> None:
        self._open: dict[str, Batch] = {}

    def feed(self, line: Line) -> tuple[Line | None, Batch | None]:
        """The line that is to be read now, if any, and the batch that is closed by it, if one is.

        Raises:
            Lost: the server opens batches, or goes on with one, without end.
        """
        tags = line.tags or {}
        if line.command == "BATCH" and line.params:
            reference = line.params[0]
            if reference.startswith("+"):
                self._begin(reference[1:], line)
                return None, None
            batch = self._open.pop(reference[1:], None)
            if batch is None or batch.kind != MULTILINE:
                return None, batch
            whole = whole_of((batch.opening, *batch.lines, line))
            if whole is not None:
                _note(batch.outer, whole)
            return whole, batch
        batch = self._open.get(tags.get("batch", ""))
        _note(batch, line)
        return (None if batch is not None and batch.kind == MULTILINE else line), None

    def is_in(self, line: Line, kind: str) -> Batch | None:
        """The open batch of this kind that a line is in, or one that is in it."""
        batch = self._open.get((line.tags or {}).get("batch", ""))
        while batch is not None and batch.kind != kind:
            batch = batch.outer
        return batch

    def _begin(self, reference: str, opening: Line) -> None:
        if len(self._open) >= MOST_OPEN:
            raise Lost(f"the server has opened more than {MOST_OPEN} batches")
        # One that names itself, or one that is not open, is in none.
        outer = self._open.get(_tags(opening).get("batch", ""))
        if _depth(outer) >= MOST_OPEN:
            raise Lost(f"the server has opened batches in each other, {MOST_OPEN} deep")
        self._open[reference] = Batch(opening.params[1] if len(opening.params) > 1 else "", opening, outer)


def _depth(batch: Batch | None) -> int:
    depth = 0
    while batch is not None:
        batch, depth = batch.outer, depth + 1
    return depth


def _note(batch: Batch | None, line: Line) -> None:
    if batch is None or batch.kind not in _WHOLE:
        return
    if len(batch.lines) >= MOST_LINES:
        raise Lost(f"the server has put more than {MOST_LINES} lines into a batch")
    batch.lines.append(line)


def whole_of(lines: Sequence[Line]) -> Line | None:
    """The one message that the lines of a batch are, with the two around them; a line by itself is itself."""
    opening, *inner = lines
    if not inner:
        return opening
    inner.pop()
    if not inner:
        return None
    words = ""
    for number, line in enumerate(inner):
        joined = "draft/multiline-concat" in _tags(line)
        words += ("" if number == 0 or joined else "\n") + (line.params[1] if len(line.params) > 1 else "")
    first = inner[0]
    own = {name: value for name, value in _tags(first).items() if name != "batch"}
    target = opening.params[2] if len(opening.params) > 2 else ""
    return Line({**own, **_tags(opening)}, opening.source or first.source, first.command, [target, words])


def _tags(line: Line) -> Mapping[str, str]:
    return line.tags or {}
