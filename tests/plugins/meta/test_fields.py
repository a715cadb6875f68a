"""JSON that does not keep to its documentation is read all the same."""

from __future__ import annotations

import base64
import hashlib

import pytest

from gearmesh_meta.fields import (
    coordinates,
    flag,
    hex_digest,
    identifier,
    integer,
    milliseconds,
    number,
    phone_number,
    web_address,
)

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


def test_places_off_this_planet_are_none() -> None:
    assert coordinates(37.44221496582, "-122.16165924072") == (37.44221496582, -122.16165924072)
    assert coordinates(91, 0) is coordinates(0, 181) is coordinates(None, 0) is None


def test_counts_are_whole_and_bounded() -> None:
    assert [integer(value) for value in (2, "2", 2.9, -1, 10**12, None, True, "x")] == [2, 2, 2, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("+49 (151) 123-45678", "4915112345678"),
        (4915112345678, "4915112345678"),
        ("US.1", "US.1"),
        ("PHONE NUMBER", "PHONE NUMBER"),
        (None, ""),
    ],
)
def test_phone_numbers_come_in_digits(value: object, expected: str) -> None:
    assert phone_number(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" https://a.example/x?y ", "https://a.example/x?y"),
        ("HTTP://a.example", "HTTP://a.example"),
        ("javascript:alert(1)", ""),
        ("https:///etc/passwd", ""),
        ("https://a.example/ b", ""),
        ("https://", ""),
        ("https://a.example/" + "x" * 9000, ""),
        (None, ""),
    ],
)
def test_only_addresses_on_the_web_are_links(value: object, expected: str) -> None:
    assert web_address(value) == expected
