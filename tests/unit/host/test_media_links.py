"""Links under which networks fetch files."""

from __future__ import annotations

import base64

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearmesh.errors import Rejected
from gearmesh.host.media_links import LIVES, MediaLinks
from gearmesh.model.content import MediaRef

KEY, NOW = bytes(range(32)), 1_800_000_000.5
REF = MediaRef("whatsapp", "1234", "image/jpeg", 48_213, name="Grüße.jpg", duration=1.5)
LINKS = MediaLinks(KEY, "https://gearmesh.example/")


def token_of(link: str) -> str:
    """The token in a link."""
    return link.removeprefix("https://gearmesh.example/media/").partition("/")[0]


@given(st.builds(MediaRef, st.text(min_size=1), st.text(), st.text(), st.integers(0, 2**53)))
def test_given_any_file_its_link_leads_to_it(ref: MediaRef) -> None:
    link = LINKS.link(ref, NOW)
    assert link.startswith("https://gearmesh.example/media/")
    assert LINKS.read(token_of(link), NOW) == ref


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("Grüße.jpg", "Gr%C3%BC%C3%9Fe.jpg"),
        ("my notes (1).pdf", "my%20notes%20%281%29.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\files\\x?.txt", "x%3F.txt"),
        ("a" * 200 + ".pdf", "a" * 76 + ".pdf"),
        ("..", ""),
        ("line\nbreak\u202e.exe", "linebreak.exe"),
        ("", ""),
    ],
)
def test_a_link_ends_with_the_name_of_its_file_as_it_can_be_stored(name: str, end: str) -> None:
    link = LINKS.link(msgspec.structs.replace(REF, name=name), NOW)
    assert link.removeprefix("https://gearmesh.example/media/").partition("/")[2] == end


def test_given_no_public_url_there_is_no_link() -> None:
    assert MediaLinks(KEY, "").link(REF, NOW) == ""


def test_a_link_lives_for_its_time_and_no_second_longer() -> None:
    token = token_of(LINKS.link(REF, NOW))
    assert LINKS.read(token, int(NOW) + LIVES) == REF
    with pytest.raises(Rejected, match="expired"):
        LINKS.read(token, int(NOW) + LIVES + 0.01)


def test_given_another_broker_s_key_a_link_leads_nowhere() -> None:
    token = token_of(MediaLinks(bytes(32), "https://gearmesh.example").link(REF, NOW))
    with pytest.raises(Rejected, match="no such file"):
        LINKS.read(token, NOW)


@given(st.data())
def test_given_a_link_with_one_bit_changed_it_leads_nowhere(data: st.DataObject) -> None:
    token = token_of(LINKS.link(REF, NOW))
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Rejected):
        LINKS.read(base64.urlsafe_b64encode(raw).decode(), NOW)


@given(st.text(max_size=60))
def test_given_any_text_as_a_token_it_leads_nowhere(token: str) -> None:
    with pytest.raises(Rejected):
        LINKS.read(token, NOW)
