"""The times of the hops, in a header."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearmesh.wire.times import TIMES, passed, times_in


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
