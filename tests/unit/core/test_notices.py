"""Lines from Gearmesh itself."""

from __future__ import annotations

from string import Template
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearmesh.core.notices import ENGLISH, SILENT, notice_of, words
from gearmesh.model.delivery import Reason, State

STATES: tuple[State, ...] = get_args(State)
REASONS: tuple[Reason, ...] = get_args(Reason)
SPOKEN: dict[Reason, str] = {
    "rate_limit": "rate_limit",
    "window_closed": "window_closed",
    "unsupported": "unsupported",
    "unclear": "unclear",
    "too_large": "too_large",
    "unreachable": "unreachable",
    # What is only told with the network's own words, or with what an operator finds in the dead letter.
    "": "rejected",
    "rejected": "rejected",
    "consent_pending": "rejected",
    "unauthorized": "rejected",
    "loop": "rejected",
    "unparsed": "rejected",
}
ARGS = st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=4)


def test_a_notice_is_put_into_words_with_its_arguments() -> None:
    assert words("yourself", {"who": "ada"}) == "@ada is you."


@pytest.mark.parametrize(
    ("key", "args", "line"),
    [
        (
            "too_large_file",
            {"name": "Ben", "network": "WhatsApp", "size": "120 MB", "limit": "100 MB"},
            "Your file to Ben was not delivered: it has 120 MB, and WhatsApp takes no more than 100 MB.",
        ),
        (
            "file_failed",
            {"name": "Ben", "detail": "it is cut off"},
            "Your file to Ben was not delivered: it is cut off",
        ),
        (
            "reaction_unknown",
            {},
            "What you reacted to is not known here any more, so your reaction was not passed on.",
        ),
        (
            "change_unknown",
            {},
            "The message that you changed is not known here any more, so the change was not passed on.",
        ),
    ],
)
def test_a_notice_about_a_file_or_a_change_says_what_became_of_it(key: str, args: dict[str, str], line: str) -> None:
    assert words(key, args) == line


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


def test_the_table_of_what_is_told_has_every_reason() -> None:
    assert set(SPOKEN) == set(REASONS)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("reason", REASONS)
def test_given_any_end_of_a_leg_its_sender_is_told_unless_nobody_waits_for_it_any_more(
    state: State, reason: Reason
) -> None:
    on_its_way = state in {"accepted", "parked", "sent", "delivered", "read"}
    over_by_itself = (state, reason) == ("expired", "")
    expected = "" if on_its_way or over_by_itself else SPOKEN[reason]
    assert notice_of(state, reason) == expected
    assert not expected or expected in ENGLISH


def test_every_state_is_an_end_or_silent() -> None:
    assert set(STATES) - SILENT == {"failed", "dead", "expired"}
