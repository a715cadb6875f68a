"""A short campaign of faults.

It wants the machine for itself. Order is restored within the second or two for which late input is held back, and a
message in doubt is sent again after twenty: on a machine that is busy with something else, networks repeat too late.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.chaos.campaign import Options, campaign
from tests.chaos.faults import DEFAULT

pytestmark = [pytest.mark.slow, pytest.mark.alone]

SHORT_BLOWS = ("kill_daemon", "freeze_daemon", "kill_nats")
SHORT = Options(
    seed=3,
    seconds=42.0,
    messages=1_600,
    people=8,
    only=(*SHORT_BLOWS, *(kind for kind in DEFAULT if kind not in ("stop_daemon", "freeze_nats", "fill_stream"))),
)


async def test_given_kills_and_misbehaving_networks_when_people_write_then_nothing_is_lost_doubled_or_out_of_order(
    tmp_path: Path,
) -> None:
    result = await campaign(SHORT, tmp_path, print)
    print(result.line)

    assert result.line.startswith("lost 0, doubled 0, out of order 0, ")
    assert result.passed, result.unfinished
    assert result.verdict.typed >= 1_500
    assert sum(result.faults.values()) >= 30
    assert result.faults["kill_daemon"] >= 2
    assert result.faults["kill_nats"] >= 1
    assert result.faults["freeze_daemon"] >= 1
