"""JSON that does not keep to its documentation is read all the same."""

from __future__ import annotations

import base64
import hashlib

import pytest

from gearmesh_meta.fields import coordinates_link, flag, hex_digest, identifier, milliseconds, number

DIGEST = hashlib.sha256(b"x")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("m_1", "m_1"), (7, "7"), (" 7 ", "7"), (True, ""), (None, ""), (-1, ""), (1.5, ""), ([], ""), ("a\nb", "")],
)
def test_ids_come_as_text_or_number(value: object, expected: str) -> None:
    assert identifier(value) == expected


def test_an_endless_id_is_none() -> None:
    assert identifier("x" * 513) == identifier(10**5000) == ""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1749416383", 1749416383000),
        (1749416383, 1749416383000),
        (1458692752478, 1458692752478),
        ("1458692752478", 1458692752478),
        (1749416383.5, 1749416383500),
        (0, 5),
        (-1, 5),
        ("soon", 5),
        (None, 5),
        (True, 5),
        (10**20, 5),
        (float("nan"), 5),
    ],
)
def test_times_come_in_seconds_or_milliseconds(value: object, expected: int) -> None:
    assert milliseconds(value, 5) == expected


def test_booleans_come_as_text_too() -> None:
    assert [flag(value) for value in (True, "true", "True", "1", "false", False, None, 1)] == [True] * 4 + [False] * 4


def test_digests_come_in_base64_and_hex() -> None:
    assert hex_digest(base64.b64encode(DIGEST.digest()).decode()) == DIGEST.hexdigest()
    assert hex_digest(DIGEST.hexdigest().upper()) == DIGEST.hexdigest()
    assert [hex_digest(value) for value in ("", "SfInY0gG…=", "ä" * 44, "A" * 4000, None, 5)] == [""] * 6


def test_numbers_are_finite() -> None:
    assert [number(value) for value in ("1.5", 2, "inf", "nan", float("inf"), 10**400, True, "x", None)] == [
        1.5,
        2.0,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
    ]


def test_places_off_this_planet_have_no_link() -> None:
    assert coordinates_link(37.44221496582, "-122.16165924072") == "https://maps.google.com/?q=37.442215,-122.161659"
    assert coordinates_link(91, 0) == coordinates_link(0, 181) == coordinates_link(None, 0) == ""
