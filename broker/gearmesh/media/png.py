"""PNG files without the words beside the picture: the picture itself stays as it is, bit for bit."""

from __future__ import annotations

from typing import Final

_START: Final = b"\x89PNG\r\n\x1a\n"
_FRAME: Final = 12
"""Bytes of a chunk beside its data: their number, its name, and a checksum of both."""
_PRIVATE: Final = frozenset({b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME"})


def without_words(data: bytes) -> bytes:
    """A copy without texts (XMP is one), EXIF, the time, and whatever stands behind the picture.

    Raises:
        ValueError: it is no PNG file as the standard has it (W3C, Portable Network Graphics, 5.3).
    """
    if not data.startswith(_START):
        raise ValueError("no PNG file")
    kept = [_START]
    place = len(_START)
    while True:
        end = place + _FRAME + int.from_bytes(data[place : place + 4], "big")
        if end > len(data):
            raise ValueError("cut off")
        kind = data[place + 4 : place + 8]
        if kind not in _PRIVATE:
            kept.append(data[place:end])
        if kind == b"IEND":
            return b"".join(kept)
        place = end
