"""Spans and moments of time, as an operator types and reads them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600}
SPAN: Final = re.compile(r"([0-9]{1,9})([smhd])")
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def seconds(text: str) -> int:
    """The seconds in `90s`, `15m`, `2h`, `7d`, or in several such pieces together, as in `1h30m`.

    Raises:
        ValueError: another form.
    """
    pieces = SPAN.findall(text)
    if not pieces or "".join(number + unit for number, unit in pieces) != text:
        raise ValueError(f"{text!r} is no span of time; expected 90s, 15m, 2h or 7d")
    return sum(int(number) * UNITS[unit] for number, unit in pieces)


def span(length: float) -> str:
    """A length of time (seconds) in its largest whole unit: `45s`, `3h`, `12d`."""
    whole = max(0, int(length))
    unit = next((name for name, size in reversed(UNITS.items()) if whole >= size), "s")
    return f"{whole // UNITS[unit]}{unit}"


def moment(micros: int) -> str:
    """A time (microseconds since the epoch) in UTC, to the millisecond."""
    return (EPOCH + timedelta(microseconds=micros)).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
