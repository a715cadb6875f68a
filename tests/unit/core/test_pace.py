"""How fast messages may go out: the app's stream, the recipients' debts, and the brake."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gearmesh.core import pace
from gearmesh.core.pace import FAILING, FAILURES, Brake, Debts, Stream
from gearmesh.model.capabilities import Rate

NOW = 1_800_000_000.0
"""Seconds since the epoch, as the clock says them: what a float cannot hold of them must not matter."""
PAIR = Rate(6.0, burst=45, within=6.0, source="WhatsApp Cloud API docs on rate limits, 2026")
PAUSES = st.lists(st.floats(0, 20) | st.just(0.0), min_size=1, max_size=300)
ROUNDING = 1e-5
"""Seconds, more than what is lost by counting from 1970."""


def most_within(times: Sequence[float], seconds: float) -> int:
    """The most of these times (in order) that are within any stretch that is shorter than `seconds`."""
    return max(bisect_left(times, time + seconds - ROUNDING) - number for number, time in enumerate(times))


def departures(stream: Stream, pauses: Sequence[float]) -> list[float]:
    """When messages leave that ask for their slots with these pauses in between."""
    now, found = NOW, []
    for pause in pauses:
        now += pause
        found.append(now + stream.slot(now))
    return found


@given(st.integers(1, 1000), PAUSES, st.floats(0.0001, 1))
@example(80, [0.0] * 200, 1.0)
@example(80, [0.0, 10.0] + [0.0] * 200, 1.0)
def test_given_any_arrivals_no_second_ever_holds_more_than_the_rate(
    per_second: int, pauses: list[float], scale: float
) -> None:
    times = departures(Stream(Rate(1 / per_second)), [pause * scale for pause in pauses])
    assert most_within(times, 1.0) <= per_second


@given(st.floats(0.11, 60), PAUSES)
def test_given_a_slow_rate_messages_leave_one_by_one_with_all_of_its_time_in_between(
    every: float, pauses: list[float]
) -> None:
    times = departures(Stream(Rate(every)), pauses)
    assert all(after - before >= every - ROUNDING for before, after in pairwise(times))


@given(st.floats(0.001, 10), PAUSES)
def test_slots_are_given_in_the_order_in_which_they_are_asked_for(every: float, pauses: list[float]) -> None:
    times = departures(Stream(Rate(every)), pauses)
    assert times == sorted(times)


def test_given_a_quiet_app_a_tenth_of_a_second_s_messages_goes_at_once_and_the_rest_in_a_steady_stream() -> None:
    times = departures(Stream(Rate(1 / 80)), [0.0] * 800)
    assert times[7] <= NOW + ROUNDING < times[8]
    assert times[-1] - NOW == pytest.approx((800 - 8) / 72, rel=0.001)


@given(st.integers(1, 500))
def test_given_a_message_now_and_then_none_waits(per_second: int) -> None:
    stream = Stream(Rate(1 / per_second))
    assert departures(stream, [2.0] * 20) == [NOW + 2.0 * number for number in range(1, 21)]


def sent(debts: Debts, thread: str, pauses: Sequence[float]) -> list[float]:
    """When messages to a thread leave that wait one after the other, with these pauses before them."""
    now, found = NOW, []
    for pause in pauses:
        now += pause
        now += debts.wait(thread, now)
        assert debts.wait(thread, now) == 0
        debts.sent(thread, now)
        found.append(now)
    return found


def test_given_whatsapps_figures_twenty_go_at_once_and_then_there_is_silence_for_two_minutes() -> None:
    debts = Debts(PAIR)
    times = sent(debts, "ada", [0.0] * 20)
    assert times == [NOW] * 20
    assert 120 <= debts.wait("ada", NOW + 6.0) + 6.0 < 121


def test_given_whatsapps_figures_not_more_than_forty_five_go_at_once() -> None:
    times = sent(Debts(PAIR), "ada", [0.0] * 46)
    assert times[44] == NOW
    assert times[45] - NOW >= 45 * 6.0


def test_given_whatsapps_figures_one_message_in_more_than_six_seconds_never_waits() -> None:
    pauses = [6.2] * 50
    assert sent(Debts(PAIR), "ada", pauses) == pytest.approx([NOW + 6.2 * number for number in range(1, 51)])


@given(PAUSES, st.sampled_from([PAIR, Rate(6.0), Rate(0.5, burst=3, within=1.0), Rate(2.0, burst=5, within=30.0)]))
def test_given_any_long_run_no_burst_is_larger_and_no_silence_shorter_than_allowed(
    pauses: list[float], rate: Rate
) -> None:
    times = sent(Debts(rate), "ada", pauses)
    began, count = float("-inf"), 0
    for time in times:
        if time - began >= count * rate.every:
            began, count = time, 0  # as the network sees it, everything is paid for
        assert count < max(rate.burst, 1)
        assert count == 0 or time - began < rate.within
        count += 1


@given(PAUSES)
def test_given_any_long_run_it_is_in_the_end_one_message_for_each_of_the_rate_s_pauses(pauses: list[float]) -> None:
    times = sent(Debts(PAIR), "ada", pauses)
    for first in range(0, len(times), 7):
        for last in range(first, len(times), 11):
            allowed = PAIR.burst + (times[last] - times[first] + PAIR.within) / PAIR.every
            assert last - first + 1 <= allowed


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 3)), max_size=60))
def test_one_recipient_s_debt_is_nobody_else_s(sends: list[tuple[str, float]]) -> None:
    together, now = Debts(PAIR), NOW
    alone = {thread: Debts(PAIR) for thread in "abc"}
    for thread, pause in sends:
        now += pause
        assert together.wait(thread, now) == alone[thread].wait(thread, now)
        together.sent(thread, now)
        alone[thread].sent(thread, now)


def test_whoever_owes_nothing_any_more_is_forgotten_when_there_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "KEPT", 100)
    debts = Debts(PAIR)
    for number in range(10_000):
        debts.sent(f"thread {number}", NOW + number)
        assert len(debts) <= 100
    assert debts.wait("thread 9999", NOW + 9_999.5) == 0, "a burst is still allowed"
    for _ in range(44):
        debts.sent("thread 9999", NOW + 9_999.5)
    for number in range(10_000, 10_090):
        debts.sent(f"thread {number}", NOW + number)
    assert debts.wait("thread 9999", NOW + 10_090) > 0, "who owes something is not forgotten"


def failing(brake: Brake, threads: Sequence[str], now: float = NOW) -> list[bool]:
    """What the brake says to a failure of each of these threads in turn."""
    return [brake.failed(thread, now, 0.0) for thread in threads]


def test_given_many_failures_in_a_row_to_several_people_everybody_waits() -> None:
    brake = Brake()
    threads = [f"thread {number % FAILING}" for number in range(FAILURES)]
    assert failing(brake, threads) == [False] * (FAILURES - 1) + [True]
    assert brake.is_on
    assert brake.wait(NOW) == 0.25


def test_given_many_failures_to_few_people_it_is_theirs_and_nobody_else_waits() -> None:
    brake = Brake()
    assert failing(brake, ["a", "b"] * 50) == [False] * 100
    assert not brake.is_on
    assert brake.wait(NOW) == 0


def test_given_a_success_in_between_the_failures_are_counted_anew() -> None:
    brake = Brake()
    failing(brake, "abcdefg")
    brake.worked(NOW)
    assert failing(brake, "abcdefg") == [False] * 7
    assert failing(brake, "h") == [True]


def test_given_a_pause_that_is_over_one_tries_the_ground_and_the_others_wait_for_it() -> None:
    brake = Brake()
    brake.hold(NOW, 10.0)
    assert brake.wait(NOW + 4) == 6.0
    assert brake.wait(NOW + 10) == 0
    assert [brake.wait(NOW + 10 + number) for number in range(3)] == [None] * 3

    brake.worked(NOW + 14)

    assert not brake.is_on
    assert [brake.wait(NOW + 14)] * 3 == [0.0] * 3


def test_given_a_try_that_fails_the_pauses_grow_until_one_works() -> None:
    brake, now, pauses = Brake(), NOW, []
    failing(brake, "abcdefgh")
    for _ in range(9):
        pause = brake.wait(now)
        assert pause
        pauses.append(pause)
        now += pause
        assert brake.wait(now) == 0
        assert brake.failed("a", now, 0.0)
    assert pauses == pytest.approx([0.25, 0.5, 1, 2, 4, 8, 15, 15, 15], abs=ROUNDING)

    now += brake.wait(now) or 0
    assert brake.wait(now) == 0
    brake.worked(now)
    failing(brake, "abcdefgh", now)

    assert brake.wait(now) == pytest.approx(0.25, abs=ROUNDING)


def test_given_whoever_tried_has_sent_nothing_the_next_one_tries() -> None:
    brake = Brake()
    brake.hold(NOW, 1.0)
    assert brake.wait(NOW + 1) == 0
    brake.gave_up()
    assert brake.wait(NOW + 1) == 0
    assert brake.wait(NOW + 1) is None


def test_given_several_pauses_the_one_that_ends_last_counts() -> None:
    brake = Brake()
    brake.hold(NOW, 60.0)
    brake.hold(NOW, 5.0)
    assert brake.wait(NOW + 1) == 59.0


def test_given_many_that_were_on_their_way_when_the_network_failed_the_pause_is_that_of_one_failure() -> None:
    brake = Brake()
    failing(brake, "abcdefgh")
    assert failing(brake, [f"thread {number}" for number in range(100)]) == [False] * 100
    assert brake.wait(NOW) == 0.25


def test_given_something_that_was_on_its_way_when_the_pause_began_its_success_does_not_end_it() -> None:
    brake = Brake()
    brake.hold(NOW, 60.0)

    brake.worked(NOW + 0.1)

    assert brake.is_on
    assert brake.wait(NOW + 1) == 59.0
    assert brake.wait(NOW + 60) == 0
    assert brake.wait(NOW + 60) is None, "one tries the ground"
