"""Why a file could not be opened, or not be made, in a process that opens files."""

from __future__ import annotations


class CannotOpen(Exception):
    """It is not what it claims to be, it is broken, or it would need too much. The message says which."""


class StillTooLarge(Exception):
    """It cannot be made small enough; `size` is the smallest that it became, in bytes."""

    def __init__(self, size: int) -> None:
        self.size = size
        super().__init__(f"it still has {size} bytes")
