"""Error codes of Meta, and what each means for a message."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gearmesh import RateLimited, Rejected, Retry, SendFailed, Unauthorized, WindowClosed
from gearmesh_meta.codes import ANYWHERE, CODES, SUBCODES, error_detail, failure_for, tells_no_profile

PUBLISHED = """
0 190 104 3 10 131005 4 80007 130429 131048 131056 131064 133016 368 131031 130497 1 2 131016 133004 131000 131057
33 100 131008 131009 135000 130403 130472 131049 131021 131026 131030 131037 131042 131044 131045 131063 134011 131047
131050 131051 131052 131053 131055 131060 131062 132000 132001 132005 132007 132012 132018 132015 132016 132068 132069
133000 133005 133006 133008 133009 133010 133015 134100 134101 134102 137000 200 210 299 551 613 2022 230 9000001
80001 80002 80006 80008 17 32
"""


def body(code: int, subcode: int | None = None, **more: Any) -> dict[str, Any]:
    return {"error": {"message": f"(#{code}) text", "code": code, "error_subcode": subcode, **more}}


def test_every_published_code_is_known() -> None:
    assert [code for code in map(int, re.findall(r"\d+", PUBLISHED)) if code not in CODES] == []


@pytest.mark.parametrize(
    ("code", "subcode", "expected"),
    [
        (0, None, Unauthorized),
        (190, 463, Unauthorized),
        (10, None, Unauthorized),
        (10, 2018065, Unauthorized),
        (299, None, Unauthorized),
        (368, None, Unauthorized),
        (131031, None, Unauthorized),
        (133010, None, Unauthorized),
        (200, 2534041, Unauthorized),
        (100, 2534013, Unauthorized),
        (10, 2018278, WindowClosed),
        (10, 2534022, WindowClosed),
        (131047, None, WindowClosed),
        (10, 2018108, Rejected),
        (100, None, Rejected),
        (100, 33, Rejected),
        (100, 2018001, Rejected),
        (100, 2534014, Rejected),
        (200, 1545041, Rejected),
        (551, 1545041, Rejected),
        (551, None, Rejected),
        (131026, None, Rejected),
        (131051, None, Rejected),
        (132001, None, Rejected),
        (230, None, Rejected),
        (9000001, None, Rejected),
        (100, 2018300, Rejected),
        (1, None, Retry),
        (2, None, Retry),
        (131000, None, Retry),
        (131016, None, Retry),
        (100, 2018008, Retry),
        (424242, None, Retry),
    ],
)
def test_a_code_leads_to_its_class(code: int, subcode: int | None, expected: type[SendFailed]) -> None:
    assert type(failure_for(400, body(code, subcode))) is expected


@pytest.mark.parametrize(
    ("code", "subcode", "scope"),
    [
        (131056, None, "recipient"),
        (130429, None, "app"),
        (131048, None, "app"),
        (4, None, "app"),
        (80007, None, "app"),
        (80006, None, "app"),
        (613, None, "app"),
        (613, 2018338, "app"),
    ],
)
def test_a_limit_says_for_whom_it_is(code: int, subcode: int | None, scope: str) -> None:
    failure = failure_for(400, body(code, subcode))

    assert isinstance(failure, RateLimited)
    assert failure.scope == scope


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
        (403, [], Rejected),
        (429, None, RateLimited),
    ],
)
def test_without_a_code_the_http_status_decides(status: int, answer: object, expected: type[SendFailed]) -> None:
    assert type(failure_for(status, answer)) is expected


def test_a_rejection_that_meta_calls_transient_is_tried_again() -> None:
    assert type(failure_for(400, body(100, is_transient=True))) is Retry


def test_the_code_is_named_with_its_subcode_but_not_on_whatsapp() -> None:
    assert failure_for(400, body(10, 2018278)).code == "10/2018278"
    assert failure_for(400, body(131056)).code == "131056"
    assert failure_for(400, body(130429, 2494055)).code == "130429"
    assert failure_for(500, None).code == ""


def test_the_pause_is_the_one_of_the_headers_else_the_one_of_the_table() -> None:
    spam = failure_for(400, body(131048))
    named = failure_for(400, body(131048), 7.0)

    assert isinstance(spam, RateLimited)
    assert spam.after == 3600
    assert isinstance(named, RateLimited)
    assert named.after == 7


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
