"""The words that people type, as `Text` and `Media` have them."""

from __future__ import annotations

from gearmesh import Dialect


def spoken(said: str, dialect: Dialect | None) -> tuple[str, bool]:
    """What somebody typed on a network with this dialect, and whether it is CommonMark now."""
    return said, False
