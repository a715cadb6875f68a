"""Limits and their units."""

from __future__ import annotations

import pytest

from gearmesh.model.capabilities import Limit, Unit


@pytest.mark.parametrize(
    ("text", "unit", "size"),
    [
        pytest.param("", "characters", 0, id="nothing has no characters"),
        pytest.param("Grüße", "characters", 5, id="an umlaut is one character"),
        pytest.param("Grüße", "bytes", 7, id="and two bytes, as is an sz"),
        pytest.param("👍", "characters", 1, id="an emoji is one character"),
        pytest.param("👍", "bytes", 4, id="and four bytes"),
        pytest.param("👍", "utf16", 2, id="and two units of UTF-16"),
        pytest.param("Grüße", "utf16", 5, id="an umlaut is one unit of UTF-16"),
        pytest.param("👩‍👩‍👧", "characters", 5, id="a family is three people and two joiners"),
    ],
)
def test_a_text_is_measured_in_the_limits_unit(text: str, unit: Unit, size: int) -> None:
    assert Limit(1000, unit, "a network's documentation").measure(text) == size
