"""What happens after a failed send."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearmesh.core.retry import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    LONGEST_SILENCE,
    Again,
    Bury,
    Expire,
    Fail,
    Hold,
    Seek,
    StopApp,
    Verdict,
    after_failure,
    backoff,
)
from gearmesh.errors import RateLimited, Rejected, Retry, SendFailed, Unauthorized, Unclear, WindowClosed

RANDOM = st.floats(0, 1, exclude_max=True)
SOUGHT: dict[str, Any] = {"sought": True}
PARK: dict[str, Any] = {"on_unclear": "park"}
ATTEMPTS = st.integers(1, 10_000)
ERRORS: dict[str, SendFailed] = {
    "retry": Retry("busy"),
    "retry after": Retry("busy", after=7.0),
    "perhaps": Retry("an error after all was read", perhaps=True),
    "perhaps after": Retry("an error after all was read", after=7.0, perhaps=True),
    "limited": RateLimited("too fast", scope="recipient"),
    "limited after": RateLimited("too fast", scope="recipient", after=90.0),
    "limited app": RateLimited("too fast", scope="app", after=3.0),
    "unclear": Unclear("no answer"),
    "window": WindowClosed("24 hours are over"),
    "rejected": Rejected("no such user"),
    "unauthorized": Unauthorized("token expired"),
    "unknown": SendFailed("a class of a later contract"),
}


def verdict(error: SendFailed, **changes: Any) -> Verdict:
    """The decision for a young leg at its first failure, with changes."""
    facts: dict[str, Any] = {"attempt": 1, "age": 0.0, "max_age": 3600.0, "on_unclear": "resend", "random": 0.0}
    return after_failure(error, **(facts | changes))


@pytest.mark.parametrize(
    ("error", "changes", "expected"),
    [
        pytest.param("retry", {}, Again(0.25, "unreachable"), id="a passing failure: again"),
        pytest.param("retry", {"attempt": 4}, Again(2.0, "unreachable"), id="the fourth in a row: again, after longer"),
        pytest.param("retry after", {}, Again(7.0, "unreachable"), id="the network named a time: not before that"),
        pytest.param("retry after", {"attempt": 9}, Again(30.0, "unreachable"), id="our own pause is longer: that one"),
        pytest.param("retry", {"age": 3600.0}, Expire("unreachable"), id="a passing failure for too long: over"),
        pytest.param("perhaps", {}, Seek(), id="it may have been done all the same: a sign is looked for first"),
        pytest.param("perhaps", {"age": 3600.0}, Seek(), id="it may have been done, too old: a sign all the same"),
        pytest.param("perhaps", SOUGHT, Again(0.25, "unreachable"), id="it was not done, as far as is shown: again"),
        pytest.param("perhaps after", SOUGHT, Again(7.0, "unreachable"), id="not done, with a time: not before that"),
        pytest.param("perhaps", SOUGHT | PARK, Again(0.25, "unreachable"), id="not done, park: the network said so"),
        pytest.param("perhaps", SOUGHT | {"age": 3600.0}, Expire("unreachable"), id="not done until too old: over"),
        pytest.param("limited", {}, Again(1.0, "rate_limit"), id="too fast for a recipient: again"),
        pytest.param("limited", {"attempt": 4}, Again(64.0, "rate_limit"), id="the fourth in a row: 4^3 seconds"),
        pytest.param("limited after", {}, Again(90.0, "rate_limit"), id="too fast, with a time: after it"),
        pytest.param(
            "limited after", {"attempt": 9}, Again(90.0, "rate_limit"), id="the ninth in a row, with a time: after it"
        ),
        pytest.param("limited app", {}, Again(3.0, "rate_limit", True), id="too fast for the app: nothing else either"),
        pytest.param("limited after", {"age": 3511.0}, Expire("rate_limit"), id="too fast until it is too old: over"),
        pytest.param("unclear", {}, Seek(), id="unclear: a sign is looked for first"),
        pytest.param("unclear", {"age": 3600.0}, Seek(), id="unclear, too old: a sign all the same"),
        pytest.param("unclear", {"on_unclear": "park"}, Seek(), id="unclear, park: a sign first, too"),
        pytest.param("unclear", SOUGHT, Again(0.25, "unclear"), id="unclear without a sign, resend: again"),
        pytest.param(
            "unclear", SOUGHT | {"age": 3600.0}, Expire("unclear"), id="unclear without a sign, too old: over"
        ),
        pytest.param("unclear", SOUGHT | PARK, Bury("unclear"), id="unclear without a sign, park: a dead letter"),
        pytest.param("window", {}, Hold("window_closed"), id="the window is closed: it waits"),
        pytest.param("window", {"age": 3600.0}, Expire("window_closed"), id="the window stayed closed: over"),
        pytest.param("rejected", {}, Fail("rejected"), id="never: failed"),
        pytest.param("rejected", SOUGHT | PARK, Fail("rejected"), id="never, also after a sign was sought: failed"),
        pytest.param("unauthorized", {}, StopApp(), id="the token does not work: the app stops"),
        pytest.param("unauthorized", {"age": 1e9}, StopApp(), id="and however old the leg is, it stays"),
        pytest.param("unknown", {}, Seek(), id="a failure that says nothing of itself: as unclear"),
        pytest.param("unknown", SOUGHT, Again(0.25, "unclear"), id="and without a sign: as unclear"),
    ],
)
def test_after_a_failure_what_happens_is_what_the_table_says(
    error: str, changes: dict[str, Any], expected: Verdict
) -> None:
    assert verdict(ERRORS[error], **changes) == expected


@given(
    st.sampled_from(sorted(ERRORS)),
    ATTEMPTS,
    st.floats(0, 1e6),
    st.floats(0.001, 1e6),
    st.sampled_from(["resend", "park"]),
    RANDOM,
    st.booleans(),
)
def test_given_any_failure_nothing_waits_until_the_leg_is_too_old(
    error: str, attempt: int, age: float, max_age: float, on_unclear: str, random: float, sought: bool
) -> None:
    facts = {"attempt": attempt, "age": age, "max_age": max_age, "on_unclear": on_unclear, "random": random}
    decision = verdict(ERRORS[error], **facts, sought=sought)
    if isinstance(decision, Again):
        assert decision.pause > 0
        assert age + decision.pause <= max_age
    if isinstance(decision, Hold):
        assert age < max_age


@given(st.sampled_from(sorted(ERRORS)), ATTEMPTS, RANDOM, st.booleans())
def test_given_any_failure_of_a_leg_at_its_age_it_is_never_tried_again(
    error: str, attempt: int, random: float, sought: bool
) -> None:
    decision = verdict(ERRORS[error], attempt=attempt, age=3600.0, max_age=3600.0, random=random, sought=sought)
    assert not isinstance(decision, Again | Hold)


@given(st.sampled_from(sorted(ERRORS)), ATTEMPTS, st.floats(0, 1e6), st.sampled_from(["resend", "park"]), RANDOM)
def test_given_a_sign_that_was_sought_in_vain_none_is_sought_again(
    error: str, attempt: int, age: float, on_unclear: str, random: float
) -> None:
    facts = {"attempt": attempt, "age": age, "on_unclear": on_unclear, "random": random}
    assert not isinstance(verdict(ERRORS[error], **facts, sought=True), Seek)


@given(st.floats(0, 3000), st.sampled_from(["recipient", "app"]), ATTEMPTS, RANDOM)
def test_given_the_time_that_the_network_names_it_is_never_undercut_and_passed_by_a_quarter_at_most(
    after: float, scope: Literal["recipient", "app"], attempt: int, random: float
) -> None:
    decision = verdict(RateLimited("too fast", scope=scope, after=after), attempt=attempt, random=random, max_age=1e6)
    assert isinstance(decision, Again)
    assert after <= decision.pause <= 1.25 * after


@given(ATTEMPTS, RANDOM)
def test_given_a_recipient_to_whom_we_wrote_too_fast_the_silence_is_fourfold_each_time_and_never_less(
    attempt: int, random: float
) -> None:
    decision = verdict(ERRORS["limited"], attempt=attempt, random=random, max_age=1e6)
    assert isinstance(decision, Again)
    assert not decision.whole_app
    least = min(LONGEST_SILENCE, 4.0 ** min(attempt - 1, 60))
    assert least <= decision.pause <= 2 * least


@given(ATTEMPTS, RANDOM)
def test_pauses_are_between_half_and_all_of_the_doubled_time_and_never_over_the_longest(
    attempt: int, random: float
) -> None:
    full = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(attempt - 1, 60))
    assert full / 2 <= backoff(attempt, random) <= full


@given(st.integers(1, 100), RANDOM)
def test_pauses_never_shrink_with_further_failures(attempt: int, random: float) -> None:
    assert backoff(attempt + 1, random) >= backoff(attempt, random)


def test_pauses_double_until_they_are_long_enough() -> None:
    assert [backoff(attempt, 0.0) for attempt in range(1, 10)] == [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30]
    assert [backoff(attempt, 0.0, first=2, longest=5) for attempt in range(1, 5)] == [1, 2, 2.5, 2.5]
    assert [backoff(attempt, 0.0, first=2, longest=99, growth=4) for attempt in range(1, 5)] == [1, 4, 16, 49.5]


def test_pauses_are_spread_so_that_not_all_come_back_at_once() -> None:
    assert len({backoff(5, number / 100) for number in range(100)}) == 100
