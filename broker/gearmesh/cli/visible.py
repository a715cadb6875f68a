"""What strangers wrote, as a terminal may show it: readable, and without a character that would move its cursor."""

from __future__ import annotations

import json
from typing import Final

SHOWN_BYTES: Final = 512
ROW: Final = 16


def visible(text: str) -> str:
    """A text with all that is not printable, but for line ends, written as an escape."""
    return "".join(one if one.isprintable() or one == "\n" else escaped(one) for one in text)


def escaped(character: str) -> str:
    """A character as Python writes it in a text."""
    return character.encode("unicode_escape").decode()


def readable(raw: bytes) -> str:
    """Bytes as a person can read them: JSON set out in lines, other text as it is, the rest as hexadecimal numbers."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return hexadecimal(raw)
    try:
        return visible(json.dumps(json.loads(text), indent=2, ensure_ascii=False))
    except (ValueError, RecursionError):
        return hexadecimal(raw) if "\0" in text else visible(text)


def hexadecimal(raw: bytes) -> str:
    """The first bytes in rows: place, numbers, and the printable ASCII among them."""
    rows = [
        f"{place:06x}  {raw[place : place + ROW].hex(' '):<47}  "
        + "".join(chr(byte) if 32 <= byte < 127 else "." for byte in raw[place : place + ROW])
        for place in range(0, min(len(raw), SHOWN_BYTES), ROW)
    ]
    if len(raw) > SHOWN_BYTES:
        rows.append(f"… {len(raw) - SHOWN_BYTES} bytes more; --raw writes them all")
    return "\n".join(rows)
