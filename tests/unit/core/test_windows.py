"""Whether a person may be written to now."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearmesh.core.windows import Passage, passage
from gearmesh.model.capabilities import Window
from gearmesh.model.conversation import Portal

HOUR = 3600
NOW = 1_800_000_000_000
PLAIN = Window(24 * HOUR, source="WhatsApp Cloud API docs, 2026")
LATE = Window(24 * HOUR, 7 * 24 * HOUR, source="Messenger Platform docs, mid-2026")
REFUSED = st.sampled_from(["", "open", "late"])
Refused = Literal["", "open", "late"]


@pytest.mark.parametrize(
    ("window", "wrote", "refused", "expected"),
    [
        pytest.param(None, 9999, "late", "open", id="a network without a window: always"),
        pytest.param(PLAIN, 0, "", "open", id="they wrote just now"),
        pytest.param(PLAIN, 24, "", "open", id="they wrote a day ago, to the second"),
        pytest.param(PLAIN, 24.001, "", "closed", id="longer ago"),
        pytest.param(LATE, 24, "", "open", id="with a late window: a day ago is not late"),
        pytest.param(LATE, 24.001, "", "late", id="longer ago: only marked as late"),
        pytest.param(LATE, 7 * 24, "", "late", id="a week ago, to the second"),
        pytest.param(LATE, 7 * 24.001, "", "closed", id="longer than a week ago"),
        pytest.param(PLAIN, 1, "open", "closed", id="the network refused: not again until they write"),
        pytest.param(LATE, 1, "open", "late", id="the network refused an ordinary one: marked as late"),
        pytest.param(LATE, 1, "late", "closed", id="the network refused a late one, too"),
        pytest.param(LATE, 7 * 24.001, "open", "closed", id="refused, and too old for late"),
        pytest.param(PLAIN, None, "", "open", id="nobody knows when they wrote: try"),
        pytest.param(LATE, None, "", "open", id="nobody knows when they wrote, late window: try"),
        pytest.param(PLAIN, None, "open", "closed", id="nobody knows, and the network refused: wait"),
        pytest.param(LATE, None, "open", "late", id="nobody knows, refused: try as late"),
        pytest.param(LATE, None, "late", "closed", id="nobody knows, and refused as late"),
        pytest.param(PLAIN, -0.1, "", "open", id="a clock that is behind the network's"),
    ],
)
def test_how_a_message_may_go_is_what_the_table_says(
    window: Window | None, wrote: float | None, refused: Refused, expected: Passage
) -> None:
    last_inbound = 0 if wrote is None else NOW - round(wrote * HOUR * 1000)
    assert passage(window, Portal(last_inbound=last_inbound, refused=refused), NOW) == expected


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.integers(0, NOW), REFUSED)
def test_what_the_network_refused_is_not_tried_again(
    seconds: float, late: float, last_inbound: int, refused: Refused
) -> None:
    way = passage(Window(seconds, late), Portal(last_inbound=last_inbound, refused=refused), NOW)
    allowed: dict[Refused, set[Passage]] = {
        "": {"open", "late", "closed"},
        "open": {"late", "closed"},
        "late": {"closed"},
    }
    assert way in allowed[refused]
    assert way != "late" or late > 0
