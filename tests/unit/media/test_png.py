"""A PNG without the words beside it: the same picture, bit for bit."""

from __future__ import annotations

import contextlib
import io

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from gearmesh.media.png import without_words


def png(mode: str = "RGB") -> bytes:
    words, tags, output = PngInfo(), Image.Exif(), io.BytesIO()
    words.add_text("Comment", "secret")
    words.add_text("Description", "secret " * 50, zip=True)
    words.add_itxt("XML:com.adobe.xmp", "secret")
    tags[0x010F] = "Pigeon"
    image = Image.effect_noise((60, 40), 90).convert(mode)
    image.save(output, "PNG", pnginfo=words, exif=tags, dpi=(72, 72), icc_profile=b"colours")
    return output.getvalue()


def test_the_picture_stays_and_the_words_beside_it_go() -> None:
    for mode in ("RGB", "RGBA", "L", "P", "I;16"):
        data = png(mode)

        clean = without_words(data + b"another secret")

        with Image.open(io.BytesIO(data)) as before, Image.open(io.BytesIO(clean)) as after:
            assert (after.mode, after.tobytes()) == (before.mode, before.tobytes())
            assert not after.getexif()
            assert after.info.keys() == {"dpi", "icc_profile"}
        assert b"secret" not in clean
        assert without_words(clean) == clean


@given(st.integers(0, 3000), st.binary(max_size=8))
def test_what_is_cut_or_changed_is_refused_or_read_and_never_hangs(place: int, other: bytes) -> None:
    data = png()
    for broken in (data[: place % len(data)], data[:place] + other + data[place + len(other) :]):
        with contextlib.suppress(ValueError):
            without_words(broken)
