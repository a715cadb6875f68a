"""Sizes and lengths of time in words."""

from __future__ import annotations

import pytest

from gearmesh.cli.sizes import lasting, sized


@pytest.mark.parametrize(
    ("size", "said"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (4_200_000, "4.2 MB"), (2_000_000_000, "2 GB")],
)
def test_bytes_are_said_in_the_largest_unit_of_which_there_is_one(size: int, said: str) -> None:
    assert sized(size) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (0.5, "0.5 s"),
        (90, "90 s"),
        (900, "15 min"),
        (7200, "2 h"),
        (24 * 3600, "24 h"),
        (7 * 24 * 3600, "7 d"),
    ],
)
def test_time_is_said_in_the_largest_unit_that_divides_it(seconds: float, said: str) -> None:
    assert lasting(seconds) == said
