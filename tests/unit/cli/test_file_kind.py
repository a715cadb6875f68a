"""Which kind of file some bytes are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearmesh.cli.file_kind import kind_of

ISO = b"\x00\x00\x00\x18ftyp"


@pytest.mark.parametrize(
    ("start", "kind", "mime"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "image", "image/png"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01", "image", "image/jpeg"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "image", "image/webp"),
        (b"GIF89a\x01\x00\x01\x00", "gif", "image/gif"),
        (ISO + b"heic\x00\x00\x00\x00", "image", "image/heic"),
        (ISO + b"isom\x00\x00\x02\x00", "video", "video/mp4"),
        (ISO + b"M4A \x00\x00\x02\x00", "audio", "audio/mp4"),
        (b"OggS\x00\x02" + bytes(20) + b"\x01\x13OpusHead", "voice", "audio/ogg"),
        (b"%PDF-1.7\n", "file", "application/pdf"),
        (b"", "file", "application/octet-stream"),
        (b"\x00\x01\x02 nothing that is known", "file", "application/octet-stream"),
    ],
)
def test_a_file_is_what_its_first_bytes_say(start: bytes, kind: str, mime: str) -> None:
    assert kind_of(start) == (kind, mime)


@given(st.binary(max_size=64))
def test_given_any_bytes_there_is_a_kind(start: bytes) -> None:
    kind, mime = kind_of(start)
    assert kind
    assert "/" in mime
