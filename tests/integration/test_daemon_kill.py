"""The daemon or its nats-server dies in the middle of traffic: nothing is lost."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from .far_town import FarTown, far_town_of
from .processes import is_gone
from .traffic import Traffic

pytestmark = pytest.mark.slow

EACH: Final = 150
"""Messages in each of the six directions: 900 together."""


@pytest.fixture
async def far_town(tmp_path: Path) -> AsyncIterator[FarTown]:
    """A town of processes where everything runs and everybody has opened the chat."""
    async with far_town_of(tmp_path) as town:
        await town.start()
        await town.phones.all_told()
        yield town


async def test_given_traffic_when_the_daemon_is_killed_and_restarted_then_nothing_is_lost_or_doubled(
    far_town: FarTown,
) -> None:
    traffic = Traffic(far_town.phones)
    typing = asyncio.create_task(traffic.types(EACH))
    await traffic.reached(EACH)

    await far_town.daemon.kill()
    arrived = await traffic.shown()
    await far_town.start()
    await typing

    assert await traffic.doubled() == 0
    assert arrived < 6 * EACH, "the daemon was killed when all was over"


async def test_given_traffic_when_nats_server_is_killed_and_the_daemon_restarted_then_nothing_is_lost_or_doubled(
    far_town: FarTown,
) -> None:
    traffic = Traffic(far_town.phones)
    typing = asyncio.create_task(traffic.types(EACH))
    await traffic.reached(EACH)

    os.kill(far_town.nats_pid, signal.SIGKILL)
    await far_town.daemon.says("nats-server died and is started again")
    await traffic.reached(EACH + EACH // 2)
    far_town.daemon.send(signal.SIGTERM)
    assert await far_town.daemon.ended() == 0
    assert await traffic.shown() < 6 * EACH, "the daemon was told to stop when all was over"
    await far_town.start()
    await typing

    assert await traffic.doubled() == 0


async def test_given_a_killed_daemon_then_its_nats_server_ends_with_it(far_town: FarTown) -> None:
    nats_server = far_town.nats_pid

    await far_town.daemon.kill()

    await is_gone(nats_server)
