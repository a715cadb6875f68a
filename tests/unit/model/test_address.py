"""Addresses: `app:user`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearmesh.errors import InvalidAddress
from gearmesh.model.address import MAX_USER_CHARS, SYSTEM_APP, Address

APPS = st.text(st.sampled_from("abzABZ019_-"), min_size=1, max_size=64)
USERS = st.text(min_size=1, max_size=MAX_USER_CHARS).filter(str.isprintable)


@given(APPS, USERS)
def test_given_any_address_its_text_is_read_as_the_same(app: str, user: str) -> None:
    address = Address(app, user)
    assert Address.parse(str(address)) == address


@given(st.text())
def test_given_any_text_it_is_an_address_or_refused_and_what_is_read_is_written_the_same(text: str) -> None:
    try:
        address = Address.parse(text)
    except InvalidAddress:
        return
    assert str(address) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("whatsapp:4915112345678", Address("whatsapp", "4915112345678"), id="a phone number"),
        pytest.param("matrix:@ada:example.org", Address("matrix", "@ada:example.org"), id="a user with a colon"),
        pytest.param("a:b c", Address("a", "b c"), id="a user with a space"),
        pytest.param("A-b_9:ü", Address("A-b_9", "ü"), id="an app with every kind of character"),
        pytest.param("a::", Address("a", ":"), id="a user that is a colon"),
    ],
)
def test_an_address_ends_its_app_at_the_first_colon(text: str, expected: Address) -> None:
    assert Address.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("ada", id="no colon"),
        pytest.param(":ada", id="no app"),
        pytest.param("whatsapp:", id="no user"),
        pytest.param("what sapp:1", id="an app with a space"),
        pytest.param("whätsapp:1", id="an app with an umlaut"),
        pytest.param("a" * 65 + ":1", id="an app too long"),
        pytest.param("a\n:1", id="an app with a line end behind it"),
        pytest.param("a:" + "1" * (MAX_USER_CHARS + 1), id="a user too long"),
        pytest.param("a:1\n", id="a user with a line end"),
        pytest.param("a:\x00", id="a zero byte"),
        pytest.param("a:\u200b", id="a character that nobody sees"),
        pytest.param("a:\ud83d", id="half of a surrogate pair"),
    ],
)
def test_given_a_text_that_is_no_address_the_error_carries_it(text: str) -> None:
    with pytest.raises(InvalidAddress) as raised:
        Address.parse(text)
    assert raised.value.text == text[:120]
    assert raised.value.expected in str(raised.value)


def test_only_gearmesh_itself_is_the_system() -> None:
    assert Address(SYSTEM_APP, "main").is_system
    assert not Address("whatsapp", SYSTEM_APP).is_system
