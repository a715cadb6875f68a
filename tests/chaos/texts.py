"""What people type in a campaign: every message says who wrote it to whom, and which one between the two it is."""

from __future__ import annotations

import re
from typing import Final

import msgspec

_SHOWN: Final = re.compile(r"(?P<writer>[a-z0-9]+)>(?P<reader>[a-z0-9]+) #(?P<number>[0-9]+)")

Pair = tuple[str, str]
"""Handles of writer and reader."""


class Said(msgspec.Struct, frozen=True, order=True):
    """A message by what it says. `number` counts from 1 within writer and reader."""

    writer: str
    reader: str
    number: int

    def __str__(self) -> str:
        return f"{self.writer}>{self.reader} #{self.number}"

    @property
    def typed(self) -> str:
        """What its writer types."""
        return f"@{self.reader} {self}"

    @property
    def pair(self) -> Pair:
        """Between whom."""
        return self.writer, self.reader


def read(text: str) -> Said | None:
    """The message that a phone shows, whatever line stands above it to say who wrote; None for anything else."""
    found = _SHOWN.fullmatch(text.rpartition("\n")[2])
    return Said(found["writer"], found["reader"], int(found["number"])) if found else None
