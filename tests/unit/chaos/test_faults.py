"""The schedule of a campaign: the same from the same seed, and never more than can be survived."""

from __future__ import annotations

from itertools import pairwise

import pytest
from tests.chaos.faults import APART, BLOWS, CUT, DEFAULT, KINDS, ORDERS, RECOVERY, REFUSE, blows, order_kind, orders

USERS = (("whatsapp", "49151"), ("messenger", "71"), ("instagram", "178"))
SEEDS = range(30)


def test_given_the_same_seed_then_the_same_goes_wrong_and_another_seed_brings_something_else() -> None:
    assert list(blows(7, DEFAULT, 10, 300)) == list(blows(7, DEFAULT, 10, 300))
    assert list(orders(7, KINDS, 10, 300, USERS)) == list(orders(7, KINDS, 10, 300, USERS))
    assert list(blows(7, DEFAULT, 10, 300)) != list(blows(8, DEFAULT, 10, 300))
    assert list(orders(7, DEFAULT, 10, 300)) != list(orders(8, DEFAULT, 10, 300))


@pytest.mark.parametrize("seed", SEEDS)
def test_given_any_seed_then_two_blows_are_apart_and_each_is_undone_before_the_next_and_before_the_end(
    seed: int,
) -> None:
    dealt = list(blows(seed, DEFAULT, 10, 300))

    assert dealt[0].at >= 10
    assert all(blow.at + blow.seconds <= 300 for blow in dealt)
    for one, next_one in pairwise(dealt):
        assert next_one.at - one.at >= APART
        assert next_one.at >= one.at + one.seconds + RECOVERY


@pytest.mark.parametrize("seed", SEEDS)
def test_given_minutes_then_every_kind_comes(seed: int) -> None:
    assert {blow.kind for blow in blows(seed, DEFAULT, 10, 300)} == set(BLOWS)
    assert {order.kind for order in orders(seed, DEFAULT, 10, 300)} == {CUT, *ORDERS}


def test_given_only_some_kinds_then_no_others_come() -> None:
    assert {blow.kind for blow in blows(1, ("kill_nats",), 0, 100)} == {"kill_nats"}
    assert list(blows(1, ("limit",), 0, 100)) == []
    assert {order.kind for order in orders(1, ("limit", "kill_nats"), 0, 100)} == {"limit"}
    assert list(orders(1, ("kill_nats",), 0, 100)) == []


def test_given_no_names_then_what_cannot_keep_the_order_is_left_out() -> None:
    assert REFUSE not in DEFAULT
    refusals = list(orders(1, (REFUSE,), 0, 30, USERS))
    assert {(order.body["network"], order.body["user"]) for order in refusals} == {USERS[0]}


@pytest.mark.parametrize("kind", sorted(ORDERS))
def test_given_an_order_then_it_names_its_network_and_how_often_it_strikes(kind: str) -> None:
    for order in orders(1, (kind,), 0, 60):
        assert order.body["network"] in order_kind(kind).networks
        assert order.body["count"] >= 1
        assert order.body.items() >= order_kind(kind).body.items()
