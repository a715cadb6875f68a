"""What strangers wrote, on the terminal of somebody who can do everything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearmesh.cli.visible import readable, visible


@given(st.text())
def test_given_any_text_then_nothing_in_it_moves_a_terminals_cursor(text: str) -> None:
    assert all(character.isprintable() or character == "\n" for character in visible(text))


@given(st.binary())
def test_given_any_bytes_then_what_is_shown_is_printable(raw: bytes) -> None:
    assert all(character.isprintable() or character == "\n" for character in readable(raw))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"a":[1,"\xc3\xbc"]}', '{\n  "a": [\n    1,\n    "ü"\n  ]\n}'),
        (b'"\\u009b31m"', '"\\x9b31m"'),
        (b"hello\x1b[2J\nworld", "hello\\x1b[2J\nworld"),
        (b"\xff\x00A", "000000  ff 00 41                                         ..A"),
        (b"", ""),
    ],
    ids=["JSON", "a control character in JSON", "text", "no text", "nothing"],
)
def test_given_bytes_then_a_person_can_read_them(raw: bytes, expected: str) -> None:
    assert readable(raw) == expected


def test_given_many_bytes_then_the_first_are_shown_and_how_many_are_not() -> None:
    assert readable(b"\xff" * 1000).splitlines()[-1] == "… 488 bytes more; --raw writes them all"
