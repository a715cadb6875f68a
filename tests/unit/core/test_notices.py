"""Lines from Gearmesh itself."""

from __future__ import annotations

from string import Template

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearmesh.core.notices import ENGLISH, words

ARGS = st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=4)


def test_a_notice_is_put_into_words_with_its_arguments() -> None:
    assert words("yourself", {"who": "ada"}) == "@ada is you."


def test_given_a_key_of_a_later_release_it_shows_itself_with_its_arguments() -> None:
    assert words("later", {"who": "ada", "why": "because"}) == "Gearmesh: later (who: ada, why: because)"
    assert words("later", {}) == "Gearmesh: later"


@pytest.mark.parametrize("key", sorted(ENGLISH))
def test_given_an_argument_that_looks_like_a_place_for_one_it_is_shown_as_it_is(key: str) -> None:
    names = Template(ENGLISH[key]).get_identifiers()
    text = words(key, dict.fromkeys(names, "$name ${x} $$"))
    assert text.count("$name ${x} $$") == len(names)


@given(st.sampled_from([*sorted(ENGLISH), "later"]), ARGS)
def test_given_any_arguments_too_few_or_too_many_there_is_always_a_line(key: str, args: dict[str, str]) -> None:
    assert words(key, args).strip()
