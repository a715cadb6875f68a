"""Addresses of other networks as JIDs and back: nothing is lost, whatever a server does to a JID."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slixmpp import JID

from gearmesh import InvalidAddress
from gearmesh_xmpp import names
from gearmesh_xmpp.names import escaped, ghost_of, meant_by, room_of, unescaped, user_of

COMPONENT = "bridge.example.org"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
APPS = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)


@pytest.mark.parametrize(
    ("address", "handle", "jid"),
    [
        ("whatsapp:4915112345678", "", "4915112345678%whatsapp@bridge.example.org"),
        ("whatsapp:4915112345678", "grace", "4915112345678%whatsapp@bridge.example.org"),
        ("matrix:@ada:example.org", "", r"\40ada\3aexample.org%matrix@bridge.example.org"),
        ("irc:Ada", "", "=41da%irc@bridge.example.org"),
        ("irc:a%b=c", "", "a%b=3dc%irc@bridge.example.org"),
        ("x:a b\\c/d'e\"f&g<h>i", "", r"a\20b\5cc\2fd\27e\22f\26g\3ch\3ei%x@bridge.example.org"),
        ("x: a ", "", "=20a=20%x@bridge.example.org"),
        ("x:é", "", "=c3=a9%x@bridge.example.org"),
        ("", "grace", "grace@bridge.example.org"),
        ("", "", ""),
        ("x:" + "Ä" * 400, "", ""),
    ],
)
def test_given_an_address_or_a_handle_then_there_is_one_jid_for_it(address: str, handle: str, jid: str) -> None:
    assert ghost_of(address, handle, COMPONENT) == jid
    if jid:
        assert meant_by(jid) == (address or handle)


@given(APPS, TEXTS)
def test_given_any_address_when_a_server_has_prepared_its_jid_then_it_is_the_same_address(app: str, user: str) -> None:
    ghost = ghost_of(f"{app}:{user}", "", COMPONENT)
    if not ghost:
        assert len(escaped(f"{user}%{app}")) > 1000
        return
    assert JID(ghost).full == ghost, "a server would change it"
    assert meant_by(JID(ghost.upper() if ghost.isascii() and "\\" not in ghost else ghost).full) == f"{app}:{user}"


@given(APPS, TEXTS, APPS, TEXTS)
def test_given_two_addresses_then_they_have_one_jid_only_if_they_are_one(
    app: str, user: str, other_app: str, other: str
) -> None:
    ours, theirs = (ghost_of(one, "", COMPONENT) for one in (f"{app}:{user}", f"{other_app}:{other}"))
    assert (ours == theirs) == ((app, user) == (other_app, other)) or not ours or not theirs


@given(st.text(max_size=100))
def test_given_anything_as_a_local_part_then_it_is_somebody_or_invalid(local: str) -> None:
    with contextlib.suppress(InvalidAddress):
        assert isinstance(meant_by(f"{local}@{COMPONENT}"), str)


@pytest.mark.parametrize("local", ["=ff=fe", "=ed=a0=80"])
def test_given_bytes_that_are_no_text_then_it_is_nobody(local: str) -> None:
    with pytest.raises(InvalidAddress):
        unescaped(local)


@pytest.mark.parametrize(
    ("text", "user"),
    [
        ("ada@example.org", "ada@example.org"),
        (" Ada@EXAMPLE.org/Phone ", "ada@example.org"),
        ("xmpp:ada@example.org", "ada@example.org"),
        (r"d\27artagnan@example.org", r"d\27artagnan@example.org"),
        ("talk@rooms.example.org?join/Ada L.", "talk@rooms.example.org?join/Ada L."),
    ],
)
def test_given_a_jid_as_people_type_it_then_it_is_its_canonical_form(text: str, user: str) -> None:
    assert user_of(text, COMPONENT) == user
    assert user_of(user, COMPONENT) == user


@pytest.mark.parametrize(
    "text",
    ["", "ada", "@x", "ada@", "a b@x.org", "a@b@c", f"ben@{COMPONENT}", "talk@rooms?join", "a@b?join/", "a\x00@b"],
)
def test_given_what_is_no_person_then_it_is_invalid(text: str) -> None:
    with pytest.raises(InvalidAddress):
        user_of(text, COMPONENT)


@pytest.mark.parametrize(
    "text", ["Talk@Rooms.example.org", "xmpp:talk@rooms.example.org?join", " talk@rooms.example.org "]
)
def test_given_a_room_as_an_operator_types_it_then_it_is_its_canonical_form(text: str) -> None:
    room = room_of(text)
    assert room == "talk@rooms.example.org?join"
    assert names.is_room(room)
    assert names.jid_of(room) == "talk@rooms.example.org"
    assert not names.is_room("talk@rooms.example.org?join/ada")
    assert names.jid_of("talk@rooms.example.org?join/ada") == "talk@rooms.example.org/ada"


@pytest.mark.parametrize("text", ["", "rooms.example.org", "talk@rooms/ada", "a b@rooms"])
def test_given_what_is_no_room_then_it_is_invalid(text: str) -> None:
    with pytest.raises(InvalidAddress):
        room_of(text)
