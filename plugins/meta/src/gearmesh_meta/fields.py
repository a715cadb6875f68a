"""Reading JSON that does not keep to its documentation.

Meta's own samples contradict each other: ids as numbers, booleans as strings, seconds beside milliseconds. These
functions take any JSON value, never raise, and answer with an empty value where something else was expected.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

MAX_ID_CHARS: Final = 512
_SEPARATORS: Final = re.compile(r"[\s\-.()]+")
_DIGITS: Final = re.compile(r"[1-9][0-9]{4,14}")
_WEB_ADDRESS: Final = re.compile(r"https?://[^\s/]\S{0,8000}", re.IGNORECASE)
_HEX_DIGEST: Final = re.compile(r"[0-9a-fA-F]{64}")
_FIRST_MILLISECONDS: Final = 10**11
"""Numbers from here on are milliseconds: as seconds they would lie in the year 5138, as milliseconds in 1973."""
_LAST_MILLISECONDS: Final = 10**14


def mapping(value: object) -> dict[str, Any]:
    """The object itself, or an empty one."""
    return value if isinstance(value, dict) else {}


def mappings(value: object) -> list[dict[str, Any]]:
    """The objects in a list; what is no object is left out."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: object) -> str:
    """The string itself, or ""."""
    return value if isinstance(value, str) else ""


def identifier(value: object) -> str:
    """An id, also when it came as a number; "" when it cannot be one."""
    if isinstance(value, int) and not isinstance(value, bool):
        # Longer ones cannot be ids, and Python refuses to write numbers of thousands of digits.
        value = str(value) if 0 <= value < 10**40 else ""
    if not isinstance(value, str) or len(value) > MAX_ID_CHARS or not value.isprintable():
        return ""
    return value.strip()


def phone_number(value: object) -> str:
    """A phone number in digits, however it is written; an id that is no number as it is."""
    written = identifier(value).lstrip("+")
    digits = _SEPARATORS.sub("", written)
    return digits if _DIGITS.fullmatch(digits) else written


def flag(value: object) -> bool:
    """A boolean, also when it came as a string."""
    return value is True or (isinstance(value, str) and value.lower() in {"true", "1"})


def number(value: object) -> float | None:
    """A finite number, also when it came as a string; None when it is none."""
    if isinstance(value, str) and len(value) <= 32:
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -1e15 < value < 1e15:
        return None
    return float(value) if math.isfinite(value) else None


def milliseconds(value: object, fallback: int) -> int:
    """A time in milliseconds since the epoch, from seconds, milliseconds or ISO 8601; `fallback` when it is no time."""
    at = number(value)
    if at is None:
        at = _calendar_seconds(value)
    if at is None or at <= 0 or at >= _LAST_MILLISECONDS:
        return fallback
    return int(at) if at >= _FIRST_MILLISECONDS else int(at * 1000)


def _calendar_seconds(value: object) -> float | None:
    """Seconds since the epoch of a date and time such as 2025-10-09T08:53:20+0000; UTC where it names no zone."""
    written = text(value)
    if len(written) > 40:
        return None
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def hex_digest(value: object) -> str:
    """A SHA-256 in hex, from hex or base64; "" when it is neither."""
    digest = text(value)
    if _HEX_DIGEST.fullmatch(digest):
        return digest.lower()
    if len(digest) > 64:
        return ""
    try:
        raw = base64.b64decode(digest, validate=True)
    except (binascii.Error, ValueError):
        return ""
    return raw.hex() if len(raw) == 32 else ""


def integer(value: object, most: int = 10**9) -> int:
    """A whole number from 0 to `most`, also when it came as a string; 0 when it is none."""
    found = number(value)
    return int(found) if found is not None and 0 <= found <= most else 0


def lenient_json(body: str | bytes) -> Any:
    r"""What is almost JSON: half an emoji (a lone `\ud83d`), which phones do send, becomes a question mark.

    Raises:
        ValueError: it is no JSON.
        RecursionError: it is nested deeper than Python goes.
    """
    text = json.dumps(json.loads(body), ensure_ascii=False)
    return msgspec.json.decode(text.encode("utf-8", "replace"))


def compact(piece: object) -> bytes:
    """A piece of JSON as bytes again, ASCII and without spaces."""
    return json.dumps(piece, separators=(",", ":")).encode()


def web_address(value: object) -> str:
    """An address on the web; "" for anything else, such as `javascript:`, that somebody could tap on."""
    address = text(value).strip()
    return address if _WEB_ADDRESS.fullmatch(address) else ""


def coordinates(latitude: object, longitude: object) -> tuple[float, float] | None:
    """A place on this planet, in degrees; None when it is none."""
    lat, lon = number(latitude), number(longitude)
    if lat is None or lon is None or abs(lat) > 90 or abs(lon) > 180:
        return None
    return lat, lon
