"""Long text in pieces."""

from __future__ import annotations

from itertools import accumulate

import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from gearmesh.core.split import split
from gearmesh.model.capabilities import Limit, Unit

FAMILY, FLAG, ACCENT, DEVANAGARI, HANGUL = "👩‍👩‍👧‍👦", "🇩🇪", "e\u0301", "क्षि", "각"
UNITS = st.sampled_from(["characters", "utf16", "bytes"])
LETTERS = [FAMILY, FLAG, "🇫", ACCENT, DEVANAGARI, HANGUL, "\u1112\u1161\u11ab", "a", "b.", "ß", "李", "👍🏽"]
SPACES = [
    " ",
    "  ",
    "\n",
    "\r\n",
    "\t",
    ". ",
    "! ",
    "\u3000",
    "\u2028",
    " \u0301",
    "\n\u0301",
    "\u0600 ",
    "\u200d",
    "\x1c",
]
CLUSTERS = st.sampled_from([*LETTERS, *SPACES])
TEXTS = st.lists(CLUSTERS, max_size=40).map("".join) | st.text(max_size=80)


def limit(value: int, unit: Unit = "characters") -> Limit:
    """A limit of no network in particular."""
    return Limit(value, unit, "test")


def graphemes(text: str) -> list[str]:
    """What a reader takes for one character (Unicode Standard Annex 29)."""
    return regex.findall(r"\X", text)


def without_space(text: str) -> str:
    """A text without its white space."""
    return "".join(character for character in text if not character.isspace())


def boundaries(text: str) -> set[int]:
    """The places in a text that are not inside a grapheme."""
    return {0, *accumulate(len(grapheme) for grapheme in graphemes(text))}


def places(text: str, pieces: tuple[str, ...]) -> list[tuple[int, int]]:
    """Where the pieces stand in a text: one after the other, with nothing but white space between them."""
    at = 0
    found: list[tuple[int, int]] = []
    for piece in pieces:
        while not text.startswith(piece, at):
            assert text[at].isspace(), f"{text[at]!r} was lost before {piece!r}"
            at += 1
        found.append((at, at + len(piece)))
        at += len(piece)
    assert not text[at:].strip(), f"{text[at:]!r} was lost at the end"
    return found


@given(TEXTS, st.integers(1, 50), UNITS)
def test_given_any_text_nothing_but_white_space_is_lost_and_no_piece_is_empty(
    text: str, value: int, unit: Unit
) -> None:
    pieces = split(text, limit(value, unit))
    assert without_space("".join(pieces)) == without_space(text)
    assert all(piece.strip() for piece in pieces)
    assert places(text, pieces) is not None


@given(TEXTS, st.integers(0, 40), UNITS)
@example("aaaa \u0301bbbb", 0, "characters")
@example("aaaa\r\nbbbb", 0, "characters")
@example("aaaaaa\u0600 bbbb", 5, "characters")
def test_given_room_for_its_largest_grapheme_every_piece_fits_and_no_grapheme_is_cut(
    text: str, more: int, unit: Unit
) -> None:
    measure = limit(0, unit).measure
    room = limit(max([measure(grapheme) for grapheme in graphemes(text)], default=1) + more, unit)
    pieces = split(text, room)
    assert all(room.measure(piece) <= room.value for piece in pieces)
    inside = [place for span in places(text, pieces) for place in span if place not in boundaries(text)]
    assert not inside


@given(TEXTS, UNITS)
def test_given_a_text_that_fits_it_stays_as_it_is(text: str, unit: Unit) -> None:
    room = limit(max(1, limit(0, unit).measure(text)), unit)
    assert split(text, room) == ((text,) if text.strip() else ())


@pytest.mark.parametrize(
    ("text", "value", "pieces"),
    [
        pytest.param("", 5, (), id="nothing"),
        pytest.param("   \n ", 2, (), id="white space alone"),
        pytest.param("hello", 5, ("hello",), id="just fits"),
        pytest.param("hello world", 5, ("hello", "world"), id="the break just behind what fits"),
        pytest.param("one two three", 8, ("one two", "three"), id="between words"),
        pytest.param(
            "One. Two three", 10, ("One. Two", "three"), id="a sentence's end in the first half does not count"
        ),
        pytest.param("One two. Three", 12, ("One two.", "Three"), id="at a sentence's end rather than between words"),
        pytest.param("One two\nthree. Four", 16, ("One two\nthree.", "Four"), id="a line's end in the first half"),
        pytest.param("One. Two\nthree f", 14, ("One. Two", "three f"), id="at a line's end rather than a sentence's"),
        pytest.param("One two\n\n  three", 9, ("One two", "three"), id="all the white space around a line's end goes"),
        pytest.param("hello      world", 5, ("hello", "world"), id="all the white space goes, however much there is"),
        pytest.param("abcdefgh", 3, ("abc", "def", "gh"), id="one long word"),
        pytest.param("你好。 你好吗", 5, ("你好。", "你好吗"), id="a sentence that ends as in Chinese"),
        pytest.param(FLAG * 3, 3, (FLAG, FLAG, FLAG), id="flags"),
        pytest.param(FAMILY * 2, 8, (FAMILY, FAMILY), id="families"),
        pytest.param(ACCENT * 3, 5, (ACCENT * 2, ACCENT), id="accents of their own"),
        pytest.param(DEVANAGARI * 2, 6, (DEVANAGARI, DEVANAGARI), id="conjuncts"),
    ],
)
def test_a_text_is_cut_where_it_hurts_least(text: str, value: int, pieces: tuple[str, ...]) -> None:
    assert split(text, limit(value)) == pieces


@pytest.mark.parametrize(
    ("unit", "value", "longest"),
    [
        pytest.param("characters", 10, 10, id="in characters"),
        pytest.param("bytes", 11, 10, id="in bytes, of which an accent has two"),
    ],
)
def test_given_one_grapheme_larger_than_the_limit_it_is_cut_between_its_code_points(
    unit: Unit, value: int, longest: int
) -> None:
    giant = "a" + "\u0301" * 99
    pieces = split(giant, limit(value, unit))
    assert "".join(pieces) == giant
    assert all(limit(value, unit).measure(piece) <= longest + 1 for piece in pieces)
    assert max(limit(value, unit).measure(piece) for piece in pieces) <= value


def test_given_one_character_larger_than_the_limit_it_is_sent_all_the_same() -> None:
    assert split("👍👍", limit(1, "bytes")) == ("👍", "👍")
