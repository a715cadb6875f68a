"""The words that people type, as `Text` and `Media` have them."""

from __future__ import annotations

from gearmesh import Dialect, read_formatting


def spoken(said: str, dialect: Dialect | None) -> tuple[str, bool]:
    """What somebody typed, and whether it is CommonMark now: it is where they formatted something in this dialect."""
    return read_formatting(said, dialect) if dialect is not None else (said, False)
