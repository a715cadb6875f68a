"""Conversations and the ids of DMs."""

from __future__ import annotations

import re

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from gearmesh.model.address import Address
from gearmesh.model.conversation import Conversation, Portal, dm, dm_id

ADDRESSES = st.builds(
    Address,
    st.text(st.sampled_from("abAB_-1"), min_size=1, max_size=6),
    st.text(min_size=1, max_size=12).filter(str.isprintable),
)


@given(ADDRESSES, ADDRESSES)
def test_whoever_starts_a_dm_its_id_is_the_same(one: Address, other: Address) -> None:
    assert dm_id(one, other) == dm_id(other, one)
    assert dm(one, other) == dm(other, one)


@given(ADDRESSES, ADDRESSES)
def test_the_id_of_a_dm_is_plain_enough_for_a_subject(one: Address, other: Address) -> None:
    assert re.fullmatch(r"[a-z2-7]{26}", dm_id(one, other))


@given(ADDRESSES, ADDRESSES, ADDRESSES, ADDRESSES)
def test_dms_of_different_people_never_share_an_id(a: Address, b: Address, c: Address, d: Address) -> None:
    assume({a, b} != {c, d})
    assert dm_id(a, b) != dm_id(c, d)


@given(ADDRESSES, ADDRESSES)
def test_in_a_dm_the_others_are_the_one_other(one: Address, other: Address) -> None:
    assume(one != other)
    assert dm(one, other).others(one) == (other,)
    assert dm(one, other).others(other) == (one,)


def test_in_a_group_the_others_keep_their_order() -> None:
    group = Conversation("g", "group", ("a:1", "b:2", "matrix:@c:d"))
    assert group.others(Address("b", "2")) == (Address("a", "1"), Address("matrix", "@c:d"))


def test_to_somebody_who_is_no_member_all_are_others() -> None:
    group = Conversation("g", "group", ("a:1", "b:2"))
    assert group.others(Address("c", "3")) == (Address("a", "1"), Address("b", "2"))


def test_a_portal_that_an_earlier_release_wrote_says_nothing_of_windows() -> None:
    written = msgspec.msgpack.encode({"focus": "c1", "heard": ["c1", "c2"]})
    portal = msgspec.msgpack.decode(written, type=Portal)
    assert portal == Portal("c1", ("c1", "c2"))
    assert (portal.last_inbound, portal.refused) == (0, "")
    assert msgspec.msgpack.encode(portal) == written, "what is not known takes no room"


def test_given_nobody_knows_when_they_wrote_they_have_not_been_invited_for_it() -> None:
    portal = Portal()
    assert portal.invited != portal.last_inbound
