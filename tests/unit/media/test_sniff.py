"""What a file is by its first bytes, whatever it is called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearmesh.media.probe import FILMS, PICTURES, SOUNDS, family_of
from gearmesh.media.sniff import UNKNOWN, sniff


@pytest.mark.parametrize(
    ("start", "mime"),
    [
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
        (b"GIF89a\x01\0\x01\0", "image/gif"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
        (b"BM" + bytes(12) + b"\x28\0\0\0" + bytes(30), "image/bmp"),
        (b"II*\0\x08\0\0\0", "image/tiff"),
        (b"MM\0*\0\0\0\x08", "image/tiff"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1", "image/heic"),
        (b"\0\0\0\x18ftypavif\0\0\0\0", "image/avif"),
        (b"\0\0\0\x18ftypM4A \0\0\2\0isomiso2", "audio/mp4"),
        (b"\0\0\0\x18ftypisom\0\0\2\0", "video/mp4"),
        (b"\0\0\0\x18ftyp3gp4\0\0\2\0", "video/3gpp"),
        (b"\0\0\0\x14ftypqt  \0\0\2\0", "video/quicktime"),
        (b"\0\0\x10\0moov", "video/quicktime"),
        (b"OggS\0\x02" + bytes(20) + b"\x01\x13OpusHead\x01\x01", "audio/ogg"),
        (b"OggS\0\x02" + bytes(20) + b"\x01\x2a\x80theora", "video/ogg"),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm", "video/webm"),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x88matroska", "video/x-matroska"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "audio/wav"),
        (b"RIFF\x10\0\0\0AVI LIST", "video/x-msvideo"),
        (b"ID3\x04\0\0", "audio/mpeg"),
        (b"\xff\xfb\x90\x64", "audio/mpeg"),
        (b"\xff\xf1\x50\x80", "audio/aac"),
        (b"#!AMR\n", "audio/amr"),
        (b"fLaC\0\0\0\x22", "audio/flac"),
        (b"%PDF-1.4\n", "application/pdf"),
        (b"PK\x03\x04\x14\0", "application/zip"),
        (b"Dear Ada,\nhow are you? \xc3\xa4\xc3", "text/plain"),
        (b"BM is how this text begins\x00", UNKNOWN),
        (b"MZ\x90\0\x03\0\0\0", "application/octet-stream"),
        (b"", UNKNOWN),
    ],
)
def test_the_first_bytes_say_what_it_is(start: bytes, mime: str) -> None:
    found = sniff(start)
    assert found == mime or (mime == UNKNOWN and family_of(found) == "other")


@pytest.mark.parametrize(
    ("start", "claimed", "mime"),
    [
        (b"\0\0\0\x18ftypisom\0\0\2\0", "image/jpeg", "video/mp4"),
        (b"%PDF-1.4\n", "image/jpeg", "application/pdf"),
        (b"#!/bin/sh\nrm -rf ~", "image/jpeg", "text/plain"),
        (b"PK\x03\x04\x14\0", "application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text"),
        (b"PK\x03\x04\x14\0", "application/pdf", "application/zip"),
        (b"a;b\n1;2\n", "text/csv; charset=utf-8", "text/csv"),
        (b"\x00\x01\x02\x03\x04\x05\x06", "application/x-gearmesh", "application/x-gearmesh"),
        (b"\x00\x01\x02\x03\x04\x05\x06", "video/mp4", UNKNOWN),
    ],
)
def test_a_claim_only_makes_a_general_answer_finer(start: bytes, claimed: str, mime: str) -> None:
    assert sniff(start, claimed) == mime


@given(st.binary(max_size=300), st.text(max_size=60))
def test_whatever_the_bytes_and_the_claim_there_is_an_answer_and_no_claim_makes_a_picture(
    start: bytes, claimed: str
) -> None:
    found = sniff(start, claimed)
    assert "/" in found
    if family_of(found) != "other":
        assert sniff(start) == found


@given(st.sampled_from(sorted(PICTURES | FILMS | SOUNDS)))
def test_no_claim_alone_opens_a_decoder(claimed: str) -> None:
    assert family_of(sniff(b"\x00\x01\x02\x03 nothing of the kind \xff", claimed)) == "other"
