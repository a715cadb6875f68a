"""Lines that belong together (https://ircv3.net/specs/extensions/batch).

A message of several lines (draft/multiline) becomes one line again, with line ends in its words. All others are handed
on at once, and it is told when their batch is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from irctokens.line import Line

MULTILINE: Final = "draft/multiline"
HISTORY: Final = "chathistory"
PLAYBACK: Final = "znc.in/playback"
TARGETS: Final = "draft/chathistory-targets"


class Batch(msgspec.Struct):
    """One that is open, or was closed just now. `lines` are those directly in it."""

    kind: str
    opening: Line
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
        """The line that is to be read now, if any, and the batch that is closed by it, if one is."""
        tags = line.tags or {}
        if line.command == "BATCH" and line.params:
            reference = line.params[0]
            if reference.startswith("+"):
                self._open[reference[1:]] = Batch(line.params[1] if len(line.params) > 1 else "", line)
                return None, None
            batch = self._open.pop(reference[1:], None)
            if batch is None or batch.kind != MULTILINE:
                return None, batch
            whole = _whole(batch)
            if whole is not None:
                self._note((whole.tags or {}).get("batch", ""), whole)
            return whole, batch
        batch = self._open.get(tags.get("batch", ""))
        if batch is not None and batch.kind == MULTILINE:
            batch.lines.append(line)
            return None, None
        self._note(tags.get("batch", ""), line)
        return line, None

    def is_in(self, line: Line, kind: str) -> Batch | None:
        """The open batch of this kind that a line is in, or one that is in it."""
        reference = (line.tags or {}).get("batch", "")
        while (batch := self._open.get(reference)) is not None:
            if batch.kind == kind:
                return batch
            reference = (batch.opening.tags or {}).get("batch", "")
        return None

    def _note(self, reference: str, line: Line) -> None:
        if (batch := self._open.get(reference)) is not None:
            batch.lines.append(line)


def _whole(batch: Batch) -> Line | None:
    """The one message that the lines of a batch are."""
    words = ""
    for number, line in enumerate(batch.lines):
        joined = "draft/multiline-concat" in _tags(line)
        words += ("" if number == 0 or joined else "\n") + (line.params[1] if len(line.params) > 1 else "")
    if not batch.lines:
        return None
    first = batch.lines[0]
    own = {name: value for name, value in _tags(first).items() if name != "batch"}
    return Line(
        {**own, **_tags(batch.opening)}, batch.opening.source or first.source, first.command, [batch.target, words]
    )


def _tags(line: Line) -> Mapping[str, str]:
    return line.tags or {}
