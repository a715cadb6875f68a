"""What a file is by its first bytes: neither its name nor what its sender says of it counts.

The formats that are opened here have signatures of their own below, so that it is known exactly what is handed to a
decoder; everything else is recognised by puremagic.
"""

from __future__ import annotations

from typing import Final

import puremagic

from gearmesh.media.probe import canonical, family_of

START: Final = 4096
"""Bytes from a file's beginning that are enough to tell."""
UNKNOWN: Final = "application/octet-stream"

_SIGNATURES: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"fLaC", "audio/flac"),
    (b"#!AMR", "audio/amr"),
    (b"ID3", "audio/mpeg"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
)
_RIFF: Final = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
# The major brand of an ISO base media file (ISO/IEC 14496-12, and the registry of brands at mp4ra.org).
_BRANDS: Final = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "image/heic"),
    **dict.fromkeys((b"avif", b"avis"), "image/avif"),
    **dict.fromkeys((b"M4A ", b"M4B ", b"M4P "), "audio/mp4"),
    b"qt  ": "video/quicktime",
}
_BMP_HEADERS: Final = frozenset({12, 40, 52, 56, 64, 108, 124})
_OFFICE: Final = ("application/vnd.", "application/epub", "application/java-archive")


def sniff(start: bytes, claimed: str = "") -> str:
    """The MIME type of a file that begins with `start`, of which `START` bytes are enough.

    `claimed`, what its sender says, only makes a general answer finer: a zip archive can be a text document, and a text
    a table. It never makes a picture, a video or a sound of something that is none.
    """
    found = _by_signature(start) or _by_library(start)
    said = canonical(claimed)
    if family_of(said) != "other" or not said.isascii() or said.count("/") != 1:
        return found
    if found == "application/zip" and said.startswith(_OFFICE):
        return said
    if found == "text/plain" and (said.startswith("text/") or said in {"application/json", "application/xml"}):
        return said
    return said if found == UNKNOWN and said.startswith("application/") else found


def _by_signature(start: bytes) -> str:
    for signature, mime in _SIGNATURES:
        if start.startswith(signature):
            return mime
    if start.startswith(b"RIFF"):
        return _RIFF.get(start[8:12], "")
    if start[4:8] == b"ftyp":
        brand = start[8:12]
        return "video/3gpp" if brand[:3] in {b"3gp", b"3g2"} else _BRANDS.get(brand, "video/mp4")
    if start[4:8] in {b"moov", b"mdat", b"wide"}:
        return "video/quicktime"  # from before files began with their brand
    if start.startswith(b"OggS"):
        return "video/ogg" if b"\x80theora" in start[:200] else "audio/ogg"
    if start.startswith(b"\x1a\x45\xdf\xa3"):
        return "video/webm" if b"webm" in start[:64] else "video/x-matroska"
    if start[:2] == b"BM" and int.from_bytes(start[14:18], "little") in _BMP_HEADERS:
        return "image/bmp"
    if len(start) > 2 and start[0] == 0xFF and start[1] & 0xF6 == 0xF0:
        return "audio/aac"  # ADTS: twelve bits set, then layer 0
    if len(start) > 2 and start[0] == 0xFF and start[1] & 0xE6 in {0xE2, 0xE4, 0xE6}:
        return "audio/mpeg"
    return ""


def _by_library(start: bytes) -> str:
    if _is_text(start):
        return "text/plain"
    try:
        found = canonical(puremagic.from_string(start, mime=True) or UNKNOWN)
    except (puremagic.PureError, ValueError):
        return UNKNOWN
    # What has no signature above is not opened, whatever it resembles.
    return UNKNOWN if family_of(found) != "other" else found


def _is_text(start: bytes) -> bool:
    if not start or any(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in start):
        return False
    try:
        start.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(start) - 3 and error.reason == "unexpected end of data"
    return True
