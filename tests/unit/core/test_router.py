"""Envelope in, legs out."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearmesh.core.router import Decision, Refusal, route
from gearmesh.model.address import Address
from gearmesh.model.envelope import MAX_HOPS, Header

NOW = 1_800_000_000_000
APPS = ("whatsapp", "messenger", "instagram", "native")
ADA, BEN, CLEO = Address("whatsapp", "ada"), Address("messenger", "ben"), Address("instagram", "cleo")
EVE = Address("whatsapp", "eve")
ADDRESSES = st.builds(Address, st.sampled_from([*APPS, "unknown"]), st.sampled_from("abcd"))
MEMBERS = st.lists(ADDRESSES, max_size=8).map(tuple)
HOPS = st.lists(st.sampled_from(["main/whatsapp", "other/whatsapp", "other/matrix"]), max_size=MAX_HOPS).map(tuple)
HEADERS = st.builds(
    Header,
    id=st.binary(min_size=16, max_size=16),
    kind=st.sampled_from(["event", "receipt", "story", "signal"]),
    sender=ADDRESSES,
    to=MEMBERS,
    conversation=st.text(min_size=1, max_size=8),
    at=st.integers(0, NOW),
    expires=st.none() | st.integers(NOW - 2, NOW + 2),
    hops=HOPS,
    seal=st.sampled_from(["none", "x-seal"]),
    extra=st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def header(**changes: Any) -> Header:
    """An envelope's header: Ada writes to Ben."""
    least = Header(bytes(range(16)), "event", ADA, (BEN,), "c", NOW - 1000)
    return msgspec.structs.replace(least, **changes)


def routed(given: Header, members: tuple[Address, ...] = ()) -> Decision:
    """What the router of the broker `main` decides."""
    return route(given, members, broker="main", apps=APPS, now=NOW)


@given(HEADERS, MEMBERS)
def test_given_any_envelope_nothing_goes_back_to_its_sender(envelope: Header, members: tuple[Address, ...]) -> None:
    for leg in routed(envelope, members).legs:
        assert envelope.sender not in leg.header.to


@given(HEADERS, MEMBERS)
def test_given_any_envelope_each_app_has_one_leg_or_one_refusal(envelope: Header, members: tuple[Address, ...]) -> None:
    decision = routed(envelope, members)
    apps = [leg.app for leg in decision.legs] + [refusal.app for refusal in decision.refused]
    assert len(apps) == len(set(apps))
    assert apps


@given(HEADERS, MEMBERS)
def test_given_any_envelope_that_is_routed_its_legs_have_exactly_the_others_of_apps_that_exist(
    envelope: Header, members: tuple[Address, ...]
) -> None:
    decision = routed(envelope, members)
    reached = [address for leg in decision.legs for address in leg.header.to]
    expected = {address for address in envelope.to or members if address != envelope.sender and address.app in APPS}
    assert len(reached) == len(set(reached))
    if any(refusal.reason == "loop" or refusal.state == "expired" for refusal in decision.refused):
        assert not reached
    else:
        assert set(reached) == expected
        assert all(address.app == leg.app for leg in decision.legs for address in leg.header.to)


@given(HEADERS, MEMBERS)
def test_given_any_envelope_only_recipients_and_hops_of_a_leg_differ_from_it(
    envelope: Header, members: tuple[Address, ...]
) -> None:
    for leg in routed(envelope, members).legs:
        assert leg.header.hops == (*envelope.hops, f"main/{envelope.sender.app}")
        assert msgspec.structs.replace(leg.header, to=envelope.to, hops=envelope.hops) == envelope


@given(HEADERS, MEMBERS)
def test_given_the_same_envelope_twice_the_decision_is_the_same(envelope: Header, members: tuple[Address, ...]) -> None:
    assert routed(envelope, members) == routed(envelope, members)
    legs = routed(envelope, members).legs
    assert [leg.id for leg in legs] == [f"{envelope.id.hex()}:{leg.app}" for leg in legs]


@given(HEADERS, MEMBERS)
def test_given_a_leg_that_comes_to_the_router_again_it_goes_no_further(
    envelope: Header, members: tuple[Address, ...]
) -> None:
    for leg in routed(envelope, members).legs:
        again = routed(leg.header)
        assert not again.legs
        assert [(refusal.state, refusal.reason) for refusal in again.refused] == [("dead", "loop")]


def test_given_recipients_in_the_header_the_members_do_not_count() -> None:
    (leg,) = routed(header(to=(BEN,)), (ADA, CLEO)).legs
    assert (leg.app, leg.header.to) == ("messenger", (BEN,))


def test_given_no_recipients_in_the_header_it_goes_to_all_other_members() -> None:
    decision = routed(header(to=()), (ADA, BEN, CLEO, EVE))
    assert [(leg.app, leg.header.to) for leg in decision.legs] == [
        ("messenger", (BEN,)),
        ("instagram", (CLEO,)),
        ("whatsapp", (EVE,)),
    ]


def test_given_several_recipients_on_one_app_they_share_a_leg_in_their_order_and_once_each() -> None:
    other = Address("messenger", "another")
    (leg,) = routed(header(to=(BEN, other, BEN, ADA))).legs
    assert leg.header.to == (BEN, other)


def test_given_a_header_key_of_a_later_release_every_leg_carries_it() -> None:
    decision = routed(header(to=(BEN, CLEO), extra={"later": [1]}))
    assert [leg.header.extra for leg in decision.legs] == [{"later": [1]}, {"later": [1]}]


@pytest.mark.parametrize(
    ("expires", "refused"),
    [
        pytest.param(None, False, id="never"),
        pytest.param(NOW + 1, False, id="in a moment"),
        pytest.param(NOW, True, id="now"),
        pytest.param(0, True, id="at the epoch"),
    ],
)
def test_an_envelope_whose_time_is_over_is_not_routed(expires: int | None, refused: bool) -> None:
    decision = routed(header(expires=expires))
    assert bool(decision.refused) == refused
    assert bool(decision.legs) != refused
    for refusal in decision.refused:
        assert (refusal.app, refusal.state) == ("whatsapp", "expired")


@pytest.mark.parametrize(
    ("hops", "refused"),
    [
        pytest.param(("other/whatsapp", "main/messenger"), False, id="elsewhere, and here from another app"),
        pytest.param(("main/whatsapp",), True, id="here, from this app"),
        pytest.param(("other/x", "main/whatsapp", "other/y"), True, id="here, in between"),
        pytest.param(tuple(f"b{number}/x" for number in range(MAX_HOPS - 1)), False, id="one hop below the most"),
        pytest.param(tuple(f"b{number}/x" for number in range(MAX_HOPS)), True, id="the most hops"),
    ],
)
def test_an_envelope_that_has_been_here_or_too_far_is_a_loop(hops: tuple[str, ...], refused: bool) -> None:
    decision = routed(header(hops=hops))
    assert bool(decision.legs) != refused
    assert [(refusal.state, refusal.reason) for refusal in decision.refused] == [("dead", "loop")] * refused


def test_given_a_recipient_on_an_app_that_does_not_exist_only_that_leg_is_refused() -> None:
    decision = routed(header(to=(Address("signal", "zoe"), BEN)))
    assert [leg.app for leg in decision.legs] == ["messenger"]
    assert decision.refused == (Refusal("signal", "dead", "unreachable", "no app is named signal"),)


@pytest.mark.parametrize(
    ("to", "members"),
    [
        pytest.param((), (), id="the conversation is not known"),
        pytest.param((), (ADA,), id="the sender is alone in it"),
        pytest.param((ADA,), (ADA, BEN), id="the sender writes to themselves"),
    ],
)
def test_given_nobody_else_the_sender_s_app_is_told_that_nobody_is_reached(
    to: tuple[Address, ...], members: tuple[Address, ...]
) -> None:
    decision = routed(header(to=to), members)
    assert not decision.legs
    assert [(refusal.app, refusal.state, refusal.reason) for refusal in decision.refused] == [
        ("whatsapp", "dead", "unreachable")
    ]
