"""Sizes and lengths of time, as people say them."""

from __future__ import annotations

from typing import Final

from gearmesh.model.capabilities import Unit

UNITS: Final = ((1_000_000_000, "GB"), (1_000_000, "MB"), (1000, "kB"))
MEASURES: Final[dict[Unit, str]] = {"characters": "characters", "utf16": "UTF-16 units", "bytes": "bytes"}
LENGTHS: Final = ((24 * 3600, "d"), (3600, "h"), (60, "min"))


def sized(size: int) -> str:
    """Bytes in the largest unit that there is at least one of: `4.2 MB`."""
    for count, unit in UNITS:
        if size >= count:
            return f"{size / count:.3g} {unit}"
    return f"{size} bytes"


def lasting(seconds: float) -> str:
    """Seconds in the largest unit of which they are a whole number, more than a day in days: `24 h`, `7 d`, `90 s`."""
    for count, unit in LENGTHS:
        if seconds and seconds % count == 0 and (unit != "d" or seconds > count):
            return f"{seconds / count:g} {unit}"
    return f"{seconds:g} s"
