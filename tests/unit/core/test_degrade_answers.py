"""Votes in answers to a poll that was shown in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearmesh.core.degrade import vote_in
from gearmesh.model.content import Poll

ONE = Poll("Where to?", ("Pizza", "Pasta", "Sushi"))
SEVERAL = Poll("Where to?", ("Pizza", "Pasta", "Sushi"), several=True)


@pytest.mark.parametrize(
    ("text", "poll", "chosen"),
    [
        pytest.param("2", ONE, ("Pasta",), id="a number"),
        pytest.param(" 2. ", ONE, ("Pasta",), id="as it stands in the list"),
        pytest.param("#2", ONE, ("Pasta",), id="with a number sign"),
        pytest.param("2️⃣", ONE, ("Pasta",), id="as an emoji"),
        pytest.param("２", ONE, ("Pasta",), id="in full width"),
        pytest.param("pizza", ONE, ("Pizza",), id="an option's own words"),
        pytest.param("1, 3", SEVERAL, ("Pizza", "Sushi"), id="several"),
        pytest.param("3 and 1", SEVERAL, ("Sushi", "Pizza"), id="in the order in which they were said"),
        pytest.param("1 1", SEVERAL, ("Pizza",), id="one said twice"),
        pytest.param("1, 3", ONE, None, id="several, where one may be chosen"),
        pytest.param("0", ONE, None, id="none of the list"),
        pytest.param("4", ONE, None, id="more than there are"),
        pytest.param("99999999999", ONE, None, id="far more"),
        pytest.param("at 2 I can't", ONE, None, id="words"),
        pytest.param("", ONE, None, id="nothing"),
        pytest.param(", and", SEVERAL, None, id="nothing between"),
    ],
)
def test_a_number_or_an_option_is_a_vote(text: str, poll: Poll, chosen: tuple[str, ...] | None) -> None:
    assert vote_in(text, poll) == chosen


def test_given_options_that_are_numbers_their_own_words_count() -> None:
    assert vote_in("3", Poll("How many?", ("3", "2", "1"))) == ("3",)


@given(
    st.text(max_size=20) | st.text("0123456789 ,.", max_size=8),
    st.lists(st.text(max_size=5), max_size=5),
    st.booleans(),
)
def test_given_any_answer_a_vote_is_one_of_the_options(text: str, options: list[str], several: bool) -> None:
    chosen = vote_in(text, Poll("?", tuple(options), several))
    assert chosen is None or (chosen and set(chosen) <= set(options) and (several or len(chosen) == 1))
