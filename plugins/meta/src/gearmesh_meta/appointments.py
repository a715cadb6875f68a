"""Appointments that are asked for and settled in Messenger (attachment `appointment_booking`, mid-2026)."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from gearmesh import Text
from gearmesh_meta.fields import milliseconds, text

_STATES: Final = {
    "requested": "Appointment requested",
    "confirmed": "Appointment confirmed",
    "declined": "Appointment declined",
    "cancelled": "Appointment cancelled",
    "canceled": "Appointment cancelled",
}


def appointment(payload: dict[str, Any]) -> Text | None:
    """An appointment in one line; None where neither its state nor its time is told."""
    state = _STATES.get(text(payload.get("status")).lower(), "")
    zone = _zone(text(payload.get("timezone")))
    start, end = _time(payload.get("start_time"), zone), _time(payload.get("end_time"), zone)
    if not state and start is None:
        return None
    when = ""
    if start is not None:
        when = f": {start:%Y-%m-%d %H:%M}"
        if end is not None:
            when += f" to {end:%H:%M}" if end.date() == start.date() else f" to {end:%Y-%m-%d %H:%M}"
        when += f" ({zone})"
    return Text(f"📅 {state or 'Appointment'}{when}")


def _zone(name: str) -> tzinfo:
    """The time zone of this name; UTC where none has it."""
    try:
        return ZoneInfo(name)
    except (ValueError, LookupError, OSError):
        return UTC


def _time(value: object, zone: tzinfo) -> datetime | None:
    at = milliseconds(value, 0)
    try:
        return datetime.fromtimestamp(at / 1000, zone) if at else None
    except (ValueError, OverflowError, OSError):
        return None
