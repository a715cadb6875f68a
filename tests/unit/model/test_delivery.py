"""The states of a leg: the table says what the drawing above it says."""

from __future__ import annotations

from typing import get_args

import pytest

from gearmesh.model.delivery import TRANSITIONS, State

STATES: tuple[State, ...] = get_args(State)
DRAWN: set[tuple[State, State]] = {
    ("accepted", "sent"),
    ("sent", "delivered"),
    ("delivered", "read"),
    ("sent", "read"),
    ("accepted", "parked"),
    ("parked", "sent"),
    ("parked", "parked"),
    ("accepted", "failed"),
    ("accepted", "dead"),
    ("accepted", "expired"),
    ("parked", "failed"),
    ("parked", "dead"),
    ("parked", "expired"),
    ("sent", "parked"),
    ("sent", "failed"),
    ("sent", "dead"),
    ("sent", "expired"),
    ("dead", "accepted"),
}
"""As in the module's docstring: `parked` is tried again, and an operator may replay what is `dead`."""


def reachable(start: State, without: frozenset[State] = frozenset()) -> set[State]:
    """The states that a leg in `start` can come to, not passing through those in `without`."""
    found: set[State] = set()
    waiting = [start]
    while waiting:
        for state in TRANSITIONS[waiting.pop()] - found - without:
            found.add(state)
            waiting.append(state)
    return found


def test_the_table_has_a_row_for_every_state_and_no_other() -> None:
    assert set(TRANSITIONS) == set(STATES)


def test_the_table_says_what_is_drawn() -> None:
    assert {(state, after) for state, following in TRANSITIONS.items() for after in following} == DRAWN


def test_given_a_leg_that_was_accepted_every_state_can_be_reached() -> None:
    assert reachable("accepted") == set(STATES)


@pytest.mark.parametrize("state", ["read", "failed", "expired"])
def test_nothing_follows_a_final_state(state: State) -> None:
    assert not TRANSITIONS[state]


def test_only_an_operator_brings_back_what_is_dead() -> None:
    assert TRANSITIONS["dead"] == {"accepted"}


@pytest.mark.parametrize("state", STATES)
def test_from_every_state_a_leg_can_come_to_an_end(state: State) -> None:
    ends = {state for state in STATES if not TRANSITIONS[state]} | {"dead"}
    assert state in ends or reachable(state) & ends


@pytest.mark.parametrize("state", [state for state in STATES if state not in {"parked", "dead"}])
def test_unless_it_is_parked_or_replayed_a_leg_never_comes_to_the_same_state_again(state: State) -> None:
    assert state not in reachable(state, without=frozenset({"dead", "parked"}))
