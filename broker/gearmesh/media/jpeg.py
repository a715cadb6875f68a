"""JPEG files without what cameras write into them: the picture itself stays as it is, bit for bit."""

from __future__ import annotations

from typing import Final

_START: Final = b"\xff\xd8"
_END: Final = 0xD9
_SCAN: Final = 0xDA
_COLOURS: Final = b"ICC_PROFILE\0"
# APP1 is EXIF and XMP, APP13 what newspapers write (IPTC), 0xFE a comment; of APP2 the colour profile stays.
_PRIVATE: Final = frozenset({0xE1, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xEB, 0xEC, 0xED, 0xEF, 0xFE})


def without_private(data: bytes) -> bytes:
    """A copy without EXIF, XMP, IPTC, comments, and whatever stands behind the picture (such as a short video).

    Raises:
        ValueError: it is no JPEG file as the standard has it (ITU-T T.81, B.1).
    """
    if data[:2] != _START:
        raise ValueError("no JPEG file")
    kept = [_START]
    place = 2
    while True:
        while data[place : place + 2] == b"\xff\xff":
            place += 1
        if place + 4 > len(data) and data[place : place + 2] != b"\xff\xd9":
            raise ValueError("cut off")
        if data[place] != 0xFF:
            raise ValueError("no marker where one must be")
        marker = data[place + 1]
        if marker == _END:
            kept.append(b"\xff\xd9")
            return b"".join(kept)
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        segment = data[place:end]
        if marker == _SCAN:
            end = _end_of_scan(data, end)
            segment = data[place:end]
        if marker not in _PRIVATE and not (marker == 0xE2 and segment[4 : 4 + len(_COLOURS)] != _COLOURS):
            kept.append(segment)
        place = end


def _end_of_scan(data: bytes, place: int) -> int:
    """Where the next marker begins that does not belong to the scan."""
    while True:
        place = data.find(b"\xff", place)
        if place < 0 or place + 1 >= len(data):
            raise ValueError("cut off in a scan")
        following = data[place + 1]
        if following == 0xFF:
            place += 1
        elif following == 0 or 0xD0 <= following <= 0xD7:
            place += 2
        else:
            return place
