"""Error codes of Meta, and what each means for a message."""

from __future__ import annotations

from typing import Any

import pytest

from gearmesh import RateLimited, Rejected, Retry, SendFailed, WindowClosed
from gearmesh_meta.codes import ANYWHERE, SUBCODES, error_detail, failure_for, tells_no_profile


def body(code: int, subcode: int | None = None, **more: Any) -> dict[str, Any]:
    return {"error": {"message": f"(#{code}) text", "code": code, "error_subcode": subcode, **more}}


def test_the_code_decides_whatever_the_http_status() -> None:
    assert {type(failure_for(status, body(131047))) for status in (200, 400, 403, 500)} == {WindowClosed}


@pytest.mark.parametrize(
    ("status", "answer", "expected"),
    [
        (500, None, Retry),
        (502, "<html>", Retry),
        (503, {"error": "busy"}, Retry),
        (408, None, Retry),
        (301, None, Retry),
        (404, None, Rejected),
        (400, {"error": {}}, Rejected),
        (None, {"error": {}}, Rejected),
        (403, [], Rejected),
        (429, None, RateLimited),
    ],
)
def test_without_a_code_the_http_status_decides(status: int | None, answer: object, expected: type[SendFailed]) -> None:
    assert type(failure_for(status, answer)) is expected


@pytest.mark.parametrize(("status", "code"), [(400, 424242), (500, 424242), (599, 131999), (None, 424242)])
def test_a_code_that_is_not_known_is_tried_again(status: int | None, code: int) -> None:
    assert type(failure_for(status, body(code))) is Retry


@pytest.mark.parametrize("code", [10, 200, 299])
def test_a_permission_error_with_a_subcode_that_is_not_known_never_stops_the_app(code: int) -> None:
    assert type(failure_for(403, body(code, 424242))) is Retry


def test_a_rejection_that_meta_calls_transient_is_tried_again() -> None:
    assert type(failure_for(400, body(100, is_transient=True))) is Retry


def test_the_code_is_named_with_its_subcode_but_not_on_whatsapp() -> None:
    assert failure_for(400, body(10, 2018278)).code == "10/2018278"
    assert failure_for(400, body(131056)).code == "131056"
    assert failure_for(400, body(130429, 2494055)).code == "130429"
    assert failure_for(500, None).code == ""


def pause_of(code: int, after: float | None = None, regained: float | None = None) -> float | None:
    failure = failure_for(400, body(code), after, regained)
    assert isinstance(failure, RateLimited | Retry)
    return failure.after


def test_the_pause_is_the_one_that_is_asked_for_else_the_one_of_the_table() -> None:
    assert pause_of(131048) == 3600
    assert pause_of(131048, 7.0) == 7
    assert pause_of(131056) is None
    assert pause_of(131056, 7.0) == pause_of(131000, 7.0) == 7


def test_the_time_until_the_app_may_call_again_counts_only_where_its_calls_are_refused() -> None:
    assert pause_of(80007, None, 60.0) == pause_of(80007, 7.0, 60.0) == pause_of(80007, 60.0, 7.0) == 60
    assert pause_of(131048, None, 60.0) == 3600
    assert pause_of(131056, None, 60.0) is None
    assert pause_of(131000, None, 60.0) is None


def test_the_message_holds_what_meta_said_in_detail() -> None:
    failure = failure_for(400, body(131026, error_data={"details": "Message undeliverable."}))

    assert "Message undeliverable." in str(failure)
    assert str(failure).endswith("[131026]")


@pytest.mark.parametrize(
    "answer", [None, 1, "x", [], {"error": []}, {"error": {"code": True}}, {"error": {"code": {}}}]
)
def test_any_answer_is_a_failure_and_raises_nothing(answer: object) -> None:
    assert isinstance(failure_for(418, answer), SendFailed)


def test_subcodes_are_known_in_either_place() -> None:
    assert tells_no_profile(failure_for(400, body(100, 2018218)))
    assert tells_no_profile(failure_for(400, body(2018247)))
    assert tells_no_profile(failure_for(403, body(230)))
    assert not tells_no_profile(failure_for(400, body(100, 33)))
    assert all(subcode > 10_000 or subcode == 33 for _, subcode in SUBCODES)
    assert all(code > 10_000 for code in ANYWHERE)


def test_an_error_of_a_webhook_is_told_in_one_line_with_its_code_first() -> None:
    error = {
        "code": 131047,
        "title": "Re-engagement message",
        "error_data": {"details": "More than 24 hours have passed."},
    }

    assert error_detail(error) == "131047 Re-engagement message: More than 24 hours have passed."
    assert error_detail({"code": 131047}) == "131047"
    assert error_detail({}) == ""
