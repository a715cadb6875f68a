"""A JPEG without what its camera wrote: the same picture, bit for bit."""

from __future__ import annotations

import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gearmesh.media.jpeg import without_private


def jpeg(**settings: object) -> bytes:
    output = io.BytesIO()
    tags = Image.Exif()
    tags[0x010F] = "Pigeon"
    tags.get_ifd(0x8825)[1] = "N"
    image = Image.effect_noise((160, 120), 90).convert("RGB")
    image.save(output, "JPEG", exif=tags, comment=b"secret", icc_profile=b"colours", **settings)
    return output.getvalue()


@pytest.mark.parametrize("settings", [{}, {"progressive": True}, {"restart_marker_blocks": 4}, {"quality": 100}])
def test_the_picture_stays_and_what_is_private_goes(settings: dict[str, object]) -> None:
    data = jpeg(**settings)

    clean = without_private(data + b"a short video with its place")

    with Image.open(io.BytesIO(data)) as before, Image.open(io.BytesIO(clean)) as after:
        assert after.tobytes() == before.tobytes()
        assert not after.getexif()
        assert after.info["icc_profile"] == b"colours"
    for word in (b"Pigeon", b"secret", b"place"):
        assert word not in clean


def test_what_is_clean_stays_as_it_is() -> None:
    clean = without_private(jpeg())
    assert without_private(clean) == clean


@given(st.integers(0, 5000), st.binary(max_size=8))
def test_what_is_cut_or_changed_is_refused_or_read_and_never_hangs(place: int, other: bytes) -> None:
    data = jpeg()
    for broken in (data[: place % len(data)], data[:place] + other + data[place + len(other) :]):
        with contextlib.suppress(ValueError):
            without_private(broken)
