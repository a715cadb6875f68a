"""Spans of time as they are typed, and as they are shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearmesh.cli.durations import moment, seconds, span


@pytest.mark.parametrize(
    ("text", "expected"), [("90s", 90), ("15m", 900), ("2h", 7200), ("7d", 604_800), ("1h30m", 5400), ("0s", 0)]
)
def test_given_a_span_then_its_seconds(text: str, expected: int) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "5", "h", "2 h", "-1h", "1.5h", "2w", "2h!", "x2h", "２h"])
def test_given_another_text_then_it_is_refused_with_what_is_expected(text: str) -> None:
    with pytest.raises(ValueError, match="expected 90s, 15m, 2h or 7d"):
        seconds(text)


@given(st.integers(0, 10**9))
def test_given_any_length_then_what_is_shown_is_at_most_one_unit_less(length: int) -> None:
    shown = seconds(span(length))
    assert shown <= length < shown + {"s": 1, "m": 60, "h": 3600, "d": 86_400}[span(length)[-1]]


def test_given_a_time_then_it_is_shown_in_utc_to_the_millisecond() -> None:
    assert moment(1_790_000_000_123_999) == "2026-09-21 14:13:20.123"
