"""Bodies: closed and opened by endpoints only."""

from __future__ import annotations

from typing import Any, get_args

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearmesh.errors import Malformed
from gearmesh.model.content import Content, Media, MediaKind, MediaRef, Notice, Receipt, ReceiptState, Sender, Text
from gearmesh.model.envelope import MAX_BYTES
from gearmesh.wire.body import UNSEALED, close_body, open_body

WORDS = st.text(max_size=20)
SIZES = st.integers(0, 2**53)
SENDERS = st.builds(Sender, WORDS, WORDS, WORDS, WORDS)
REFS = st.builds(MediaRef, WORDS, WORDS, WORDS, SIZES, WORDS, WORDS, SIZES, SIZES, st.floats(0, 1e6))
CONTENTS: st.SearchStrategy[Content] = st.one_of(
    st.builds(Text, st.text(), SENDERS, WORDS),
    st.builds(Media, st.sampled_from(get_args(MediaKind)), REFS, WORDS, SENDERS, WORDS),
    st.builds(Receipt, st.sampled_from(get_args(ReceiptState)), st.lists(WORDS, max_size=4).map(tuple), SENDERS),
    st.builds(Notice, WORDS, st.dictionaries(WORDS, WORDS, max_size=3), SENDERS),
)


@given(CONTENTS)
def test_given_any_content_it_comes_back_from_its_body(content: Content) -> None:
    assert open_body(UNSEALED, close_body(content)) == content


@given(CONTENTS, st.dictionaries(st.text(min_size=1, max_size=5).map(lambda key: f"later_{key}"), st.integers(0, 9)))
def test_given_keys_of_a_later_release_they_are_passed_over(content: Content, later: dict[str, int]) -> None:
    body = msgpack.packb(msgpack.unpackb(close_body(content)) | later)
    assert open_body(UNSEALED, body) == content


def test_what_is_at_its_default_takes_no_room() -> None:
    assert msgpack.unpackb(close_body(Text("hello"))) == {"type": "text", "text": "hello"}


@given(st.binary(max_size=100))
def test_given_any_bytes_as_a_body_they_are_content_or_malformed(data: bytes) -> None:
    assert_content_or_malformed(data)


@given(CONTENTS, st.integers(0), st.binary(min_size=1, max_size=3))
def test_given_a_body_with_bytes_changed_it_is_content_or_malformed(content: Content, at: int, change: bytes) -> None:
    raw = bytearray(close_body(content))
    at %= len(raw)
    raw[at : at + len(change)] = change
    assert_content_or_malformed(bytes(raw))


def assert_content_or_malformed(data: bytes) -> None:
    """Nothing else comes out, and what is read can be written and read again."""
    try:
        content = open_body(UNSEALED, data)
    except Malformed:
        return
    written = close_body(content)
    # Compared as bytes: a mutated duration may be a NaN, which equals nothing.
    assert close_body(open_body(UNSEALED, written)) == written


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"type": "hologram"}, id="a type of a later release"),
        pytest.param({"type": ["text"], "text": "x"}, id="a type that is a list"),
        pytest.param({"text": "x"}, id="no type"),
        pytest.param({"type": "text"}, id="a text without text"),
        pytest.param({"type": "text", "text": b"x"}, id="a text that is bytes"),
        pytest.param({"type": "media", "media": "image"}, id="a picture that is nowhere"),
        pytest.param({"type": "receipt", "state": "seen", "targets": []}, id="a state that is none"),
        pytest.param({"type": "notice", "key": "help", "args": {"a": 1}}, id="an argument that is no text"),
        pytest.param([], id="a list"),
        pytest.param({"type": "text", "text": "x", "deep": [[[[[[[[[1]]]]]]]]]}, id="nested too deep"),
    ],
)
def test_given_a_body_that_breaks_a_rule_it_is_malformed(value: Any) -> None:
    with pytest.raises(Malformed):
        open_body(UNSEALED, msgpack.packb(value))


def test_given_another_seal_the_body_stays_closed_and_the_error_names_it() -> None:
    with pytest.raises(Malformed, match="x-other"):
        open_body("x-other", close_body(Text("hello")))


def test_given_a_text_larger_than_an_envelope_it_is_not_closed() -> None:
    with pytest.raises(Malformed, match="at most"):
        close_body(Text("x" * (MAX_BYTES + 1)))


def test_given_half_of_a_surrogate_pair_the_body_is_not_closed_and_the_error_shows_it() -> None:
    with pytest.raises(Malformed, match="ud83d"):
        close_body(Text("hello \ud83d"))
