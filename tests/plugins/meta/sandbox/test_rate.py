"""The arithmetic of limits: bursts, and what they cost afterwards."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearmesh_meta.sandbox.rate import Meter, Rate

PAIR = Rate(6.0, 45, 6.0)
SECOND = Rate(1 / 80, 80, 1.0)
SINGLE = Rate(2.0, 1, 0.0)


def waits(rate: Rate, times: list[float]) -> list[float]:
    """What each of these has to wait; whatever has nothing to wait for is taken."""
    meter = Meter(rate)
    found = []
    for now in times:
        wait = meter.wait(now)
        if wait == 0:
            meter.take(now)
        found.append(round(wait, 6))
    return found


@pytest.mark.parametrize(
    ("rate", "times", "expected"),
    [
        # One every six seconds goes on for ever; an earlier one is borrowed, and paid for later.
        (PAIR, [0, 6, 12, 18], [0, 0, 0, 0]),
        (PAIR, [0, 5.5, 6, 11.9, 12], [0, 0, 6, 0.1, 0]),
        # Two at once, then nothing until both are paid for, though nobody asked in between.
        (PAIR, [0, 0, 7, 12, 12], [0, 0, 5, 0, 0]),
        # Twenty borrowed are two minutes (the example of Meta's documentation).
        (PAIR, [0] * 20 + [6, 119, 120], [0] * 20 + [114, 1, 0]),
        # The forty-sixth of a burst comes too much, and so does one after its six seconds.
        (PAIR, [0] * 46, [0] * 45 + [270]),
        (PAIR, [0, 1, 5.9, 6.1], [0, 0, 0, 11.9]),
        # What was refused is not paid for.
        (PAIR, [0, 0, 7, 8, 9, 12], [0, 0, 5, 4, 3, 0]),
        # Whoever was silent for long has not saved anything up.
        (PAIR, [0, 1000] + [1000] * 45, [0, 0] + [0] * 44 + [270]),
        (SECOND, [0.0] * 81 + [0.999, 1.0], [0] * 80 + [1.0, 0.001, 0]),
        (SECOND, [10.0, 10.5] + [10.5] * 80, [0, 0] + [0] * 79 + [1.0]),
        (SINGLE, [0, 1, 2, 3.5, 4], [0, 1, 0, 0.5, 0]),
    ],
)
def test_given_a_rate_when_they_come_at_these_times_then_each_waits_so_long(
    rate: Rate, times: list[float], expected: list[float]
) -> None:
    assert waits(rate, times) == expected


@given(
    st.sampled_from([PAIR, SECOND, SINGLE, Rate(0.5, 7, 2.0)]),
    st.lists(st.floats(0, 20, allow_nan=False), min_size=1, max_size=120),
)
def test_given_any_stream_when_measured_then_never_more_are_taken_than_the_rate_and_one_burst_allow(
    rate: Rate, gaps: list[float]
) -> None:
    meter, now = Meter(rate), 0.0
    taken: list[float] = []
    for gap in gaps:
        now += gap * rate.every
        if meter.wait(now) == 0:
            meter.take(now)
            taken.append(now)
    for first, start in enumerate(taken):
        for count, end in enumerate(taken[first:], start=1):
            assert count <= 2 * rate.burst + (end - start) / rate.every + 1e-6


@given(st.integers(1, 44), st.floats(0, 5.9))
def test_given_a_wait_when_it_is_over_then_one_more_is_taken(burst: int, after: float) -> None:
    meter = Meter(PAIR)
    for _ in range(burst + 1):
        meter.take(0.0)
    wait = meter.wait(6.0 + after)
    assert wait > 0
    assert meter.wait(6.0 + after + wait + 1e-9) == 0
