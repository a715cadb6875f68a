"""Each code and subcode that Meta publishes leads to the class that we read it as.

From Meta's error references: WhatsApp Cloud API (September 2026), Messenger Platform and Instagram (mid-2026), and the
Graph API's rate limits. The tables here are written out for themselves, so that a code which moves is seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from gearmesh import RateLimited, Rejected, Retry, SendFailed, Unauthorized, WindowClosed
from gearmesh_meta.codes import ANYWHERE, CODES, SUBCODES, failure_for

PERMISSIONS: Final = " ".join(map(str, {*range(200, 300)} - {230}))

WHATSAPP: Final = {
    "unauthorized": f"""
        0 190 104  3  10 131005 {PERMISSIONS}  368 131031
        131037 131042 131044 131045 134011  133000 133005 133006 133008 133009 133010 133015
    """,
    "app": "4 80007 130429 131048 131064 133016",
    "recipient": "131056",
    "retry": "1  2 131016 133004  131000  131057  131053",
    "window": "131047",
    "rejected": """
        130497  33 100 131008 131009 135000  130403  130472 131049  131021  131026  131030  131050  131051  131052
        131055  131060  131062  131063 134100 134101 134102  132000 132001 132005 132007 132012 132018
        132015 132016  132068 132069  137000
    """,
}
"""The codes of the WhatsApp Cloud API."""

SEND_API: Final = {
    "unauthorized": f"190  10 10/2018065 10/1893063  {PERMISSIONS} 200/2534041  100/2534013",
    "app": "4  613 613/2534040 613/2018338",
    "retry": "2  100/2018008 100/2018294  2022",
    "window": "10/2018278 10/2534022",
    "rejected": """
        10/2018108  551 551/1545041 200/1545041 200/2018028
        100 100/33 100/2018001 100/2534014 100/2534015 100/2534025 100/2534029 100/2534037
        100/2018014 100/2018047 100/2018074 100/2018109
        100/2018218 2018218  100/2018247 2018247  100/2018300 10/2018300 200/2018300 2018300  9000001  230
    """,
}
"""The codes of the Messenger Platform and of Instagram, with their subcodes."""

LIMITS: Final = {"app": "4 17 32 613 80001 80002 80006 80007 80008"}
"""The codes of the Graph API's rate limits."""

PUBLISHED: Final = [
    (code, verdict)
    for table in (WHATSAPP, SEND_API, LIMITS)
    for verdict, codes in table.items()
    for code in codes.split()
]
CLASSES: Final[dict[str, type[SendFailed]]] = {
    "unauthorized": Unauthorized,
    "app": RateLimited,
    "recipient": RateLimited,
    "retry": Retry,
    "window": WindowClosed,
    "rejected": Rejected,
}
STATUSES: Final = (400, 401, 403, 404, 429, 500, 503, 200, None)
"""Of HTTP, and none in a webhook: Meta advises to build on the code and not on them."""


def numbers(name: str) -> tuple[int, int]:
    """The code, and the subcode or 0."""
    code, _, subcode = name.partition("/")
    return int(code), int(subcode or 0)


def failures(name: str) -> Iterator[SendFailed]:
    code, subcode = numbers(name)
    error: dict[str, Any] = {"message": f"(#{code}) text", "code": code}
    if subcode:
        error["error_subcode"] = subcode
    for status in STATUSES:
        yield failure_for(status, {"error": error})


@pytest.mark.parametrize(("name", "verdict"), sorted(set(PUBLISHED)))
def test_a_published_code_leads_to_its_class_whatever_the_http_status(name: str, verdict: str) -> None:
    for failure in failures(name):
        assert type(failure) is CLASSES[verdict]
        assert failure.code == name
        if isinstance(failure, RateLimited):
            assert failure.scope == verdict


def test_a_published_code_has_one_class_on_all_networks() -> None:
    assert len(dict(PUBLISHED)) == len(set(PUBLISHED))


def test_the_tables_hold_each_published_code_and_no_other() -> None:
    published = {numbers(name) for name, _ in PUBLISHED}
    plain = {code for code, subcode in published if not subcode}
    with_subcode = {(code, subcode) for code, subcode in published if subcode and subcode not in ANYWHERE}

    assert plain == set(CODES) | set(ANYWHERE)
    assert with_subcode == set(SUBCODES)


@pytest.mark.parametrize("name", ["10/2018108", "10/2018300", "200/1545041", "200/2018028", "551", "551/1545041"])
def test_a_failure_of_one_person_never_stops_the_app(name: str) -> None:
    assert {type(failure) for failure in failures(name)} == {Rejected}


@pytest.mark.parametrize(
    ("name", "pause"), [("131048", 3600), ("131064", 3600), ("613/2018338", 3600), ("131056", None), ("130429", None)]
)
def test_a_limit_names_its_pause_only_where_meta_lets_one_know_it(name: str, pause: float | None) -> None:
    for failure in failures(name):
        assert isinstance(failure, RateLimited)
        assert failure.after == pause
