"""The times of the hops, in a header."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearmesh.wire.times import HOP_NAMES, NAMED, TIMES, Times, passed


@given(st.lists(st.integers(0, 2**53), min_size=1, max_size=8))
def test_given_times_written_one_after_the_other_they_are_read_in_order(times: list[int]) -> None:
    header = ""
    for at in times:
        header = passed(header, at)
    assert Times.read({TIMES: header}).passed == tuple(times)


@pytest.mark.parametrize("text", ["", "x", "1,,2", "1.5", "1;2", ","])
def test_given_a_header_that_cannot_be_read_there_are_no_times(text: str) -> None:
    assert Times.read({TIMES: text}).passed == ()
    assert Times.read({}).passed == ()


def test_given_all_times_each_hop_has_its_name() -> None:
    times = Times((1, 2, 3)).until(4, 5, 6)
    assert dict(zip(NAMED[len(times)], times, strict=True)) == dict(zip(HOP_NAMES, range(1, 7), strict=True))


def test_given_a_client_that_wrote_no_time_the_names_start_at_the_log() -> None:
    assert NAMED[len(Times((2, 3)).until(4, 5, 6))] == HOP_NAMES[1:]


def test_given_more_times_than_hops_the_last_ones_count() -> None:
    assert Times((1, 2, 3, 4)).until(5, 6, 7) == (2, 3, 4, 5, 6, 7)
