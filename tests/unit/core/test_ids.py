"""Ids that come out the same whenever the same thing is seen again."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from gearmesh.core.ids import envelope_id, raw_id

KEY = bytes(range(32))
WORDS = st.text(max_size=20).filter(lambda text: "\0" not in text)
PARTS = st.tuples(WORDS, WORDS, WORDS, WORDS)


@given(PARTS)
def test_given_the_same_native_message_twice_the_envelope_is_the_same(parts: tuple[str, str, str, str]) -> None:
    assert envelope_id(KEY, *parts) == envelope_id(KEY, *parts)
    assert len(envelope_id(KEY, *parts)) == 16


@given(PARTS, PARTS)
def test_given_two_native_messages_their_envelopes_differ(
    one: tuple[str, str, str, str], other: tuple[str, str, str, str]
) -> None:
    assume(one != other)
    assert envelope_id(KEY, *one) != envelope_id(KEY, *other)


@given(PARTS)
def test_given_another_key_nobody_can_foresee_the_id(parts: tuple[str, str, str, str]) -> None:
    assert envelope_id(KEY, *parts) != envelope_id(bytes(32), *parts)


@given(st.binary(max_size=50), st.binary(max_size=50))
def test_raw_input_is_named_by_what_is_in_it(one: bytes, other: bytes) -> None:
    assert (raw_id(one) == raw_id(other)) == (one == other)
    assert len(raw_id(one)) == 32
