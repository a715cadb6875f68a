"""The times of the hops, in a header."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearmesh.wire.times import HOP_NAMES, TIMES, named, passed, times_in


@given(st.lists(st.integers(0, 2**53), min_size=1, max_size=8))
def test_given_times_written_one_after_the_other_they_are_read_in_order(times: list[int]) -> None:
    header = ""
    for at in times:
        header = passed(header, at)
    assert times_in({TIMES: header}) == tuple(times)


@pytest.mark.parametrize("text", ["", "x", "1,,2", "1.5", "1;2", ","])
def test_given_a_header_that_cannot_be_read_there_are_no_times(text: str) -> None:
    assert times_in({TIMES: text}) == ()
    assert times_in({}) == ()


def test_given_all_times_each_hop_has_its_name() -> None:
    assert named(1, 2, 3, 4, 5, 6) == (HOP_NAMES, (1, 2, 3, 4, 5, 6))


def test_given_a_client_that_wrote_no_time_the_names_start_at_the_log() -> None:
    assert named(2, 3, 4, 5, 6) == (HOP_NAMES[1:], (2, 3, 4, 5, 6))


def test_given_more_times_than_hops_the_last_ones_count() -> None:
    assert named(1, 2, 3, 4, 5, 6, 7) == (HOP_NAMES, (2, 3, 4, 5, 6, 7))


@pytest.mark.parametrize("text", ["-1", "9007199254740993", "1,2],[3", "1e3,2.5", "1," * 128 + "1"])
def test_given_times_that_are_none_there_are_none(text: str) -> None:
    assert times_in({TIMES: text}) == ()
