"""Handles: what people may be called."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gearmesh.errors import InvalidAddress
from gearmesh.model.address import Address
from gearmesh.model.person import HANDLE, Profile, handle_from, parse_handle


@pytest.mark.parametrize(
    ("text", "handle"),
    [
        pytest.param("ada", "ada", id="as it is stored"),
        pytest.param("@ada", "ada", id="as people write it"),
        pytest.param("@Ada.Lovelace", "ada.lovelace", id="in any case"),
        pytest.param("a", "a", id="one letter"),
        pytest.param("0-_.0", "0-_.0", id="every kind of character"),
        pytest.param("a" * 64, "a" * 64, id="the longest"),
    ],
)
def test_a_handle_is_stored_in_lower_case_and_without_the_at_sign(text: str, handle: str) -> None:
    assert parse_handle(text) == handle


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("@", id="an at sign alone"),
        pytest.param("@@ada", id="two at signs"),
        pytest.param("a b", id="a space"),
        pytest.param("ädä", id="umlauts"),
        pytest.param(".ada", id="a dot in front"),
        pytest.param("ada-", id="a dash behind"),
        pytest.param("a" * 65, id="too long"),
        pytest.param("ada\n", id="a line end"),
    ],
)
def test_what_cannot_be_a_handle_is_refused(text: str) -> None:
    with pytest.raises(InvalidAddress):
        parse_handle(text)


@given(st.text(max_size=80), st.text(max_size=80), st.text(min_size=1, max_size=80))
@example("", "", "+49")
@example("---", "...", "___")
@example("x" * 47 + ".y", "", "1")
def test_whatever_a_profile_says_a_handle_comes_of_it_with_room_for_a_number(
    name: str, username: str, user: str
) -> None:
    handle = handle_from(Profile(name, username), Address("whatsapp", user))
    assert HANDLE.fullmatch(handle)
    assert HANDLE.fullmatch(f"{handle}-999")


@pytest.mark.parametrize(
    ("profile", "user", "handle"),
    [
        pytest.param(Profile("Ada Lovelace", "ada_l"), "49151", "ada_l", id="the username where there is one"),
        pytest.param(Profile("Ada  Lovelace!"), "49151", "ada-lovelace", id="else the name"),
        pytest.param(Profile(), "@ada:example.org", "ada-example.org", id="else the user id"),
        pytest.param(Profile("李", "李"), "李", "someone", id="else someone"),
        pytest.param(Profile("", "李"), "49151", "49151", id="a username that has nothing for a handle is passed over"),
    ],
)
def test_a_handle_is_made_of_the_best_that_is_known(profile: Profile, user: str, handle: str) -> None:
    assert handle_from(profile, Address("whatsapp", user)) == handle
