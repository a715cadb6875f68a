"""That a campaign of faults fails when what it looks for is missing, and ends when it is told to."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from tests.chaos.campaign import Options, campaign
from tests.chaos.cluster import ROOT

from .processes import Program, is_gone

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("sabotage", "faults"),
    [("dedupe", ("kill_daemon", "double_webhook")), ("reset", ("kill_daemon", "freeze_daemon"))],
    ids=["dedupe", "reset"],
)
async def test_given_daemons_without_what_keeps_them_right_then_the_campaign_says_that_they_are_wrong(
    tmp_path: Path, sabotage: str, faults: tuple[str, ...]
) -> None:
    # What is wrong is seen at once; they never get quiet.
    options = Options(seed=1, seconds=18.0, messages=650, people=6, only=faults, sabotage=sabotage, quiet_within=8.0)

    result = await campaign(options, tmp_path, print)
    print(result.line)

    assert not result.passed
    assert not result.verdict.clean


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
async def test_given_a_campaign_that_is_told_to_stop_then_it_fails_and_nothing_that_it_has_started_stays(
    tmp_path: Path, number: signal.Signals
) -> None:
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    arguments = ("tests.chaos", "--minutes", "2", "--people", "2", "--only", "cut_connections")
    async with Program(tmp_path, *arguments, env={"PYTHONPATH": path, "TMPDIR": str(tmp_path)}) as command:
        await command.says("seed 1")
        started = Path(f"/proc/{command.pid}/task/{command.pid}/children").read_text().split()

        command.send(number)

        assert await command.ended() == 1
        assert "interrupted" in command.stdout
    assert len(started) == 4
    await asyncio.gather(*(is_gone(int(pid)) for pid in started))
