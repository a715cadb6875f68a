"""SIGTERM while messages flow: the daemon drains, exits with 0 and loses nothing."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from .far_town import FarTown, far_town_of
from .patience import eventually
from .phones import ADA, BEN, CLEO
from .processes import is_gone
from .traffic import Traffic

EACH: Final = 100
"""Messages in each of the six directions."""
NO_SIGN_WITHIN: Final = 1.0
"""Seconds for which a sign is waited for where none can come: the network has not taken the message."""


@pytest.fixture
async def far_town(tmp_path: Path) -> AsyncIterator[FarTown]:
    """A town of processes where everything runs and everybody has opened the chat."""
    async with far_town_of(tmp_path) as town:
        await town.start()
        await town.phones.all_told()
        yield town


@pytest.mark.slow  # where messages come late, they are told fifty at a time, a second and a half for each
async def test_given_traffic_when_the_daemon_is_told_to_stop_then_it_ends_well_and_nothing_is_lost_or_doubled(
    far_town: FarTown,
) -> None:
    traffic = Traffic(far_town.phones)
    typing = asyncio.create_task(traffic.types(EACH))
    await traffic.reached(60)
    nats_server = far_town.nats_pid

    far_town.daemon.send(signal.SIGTERM)
    assert await far_town.daemon.ended() == 0
    assert await traffic.shown() < 6 * EACH, "the daemon was told to stop when all was over"
    await is_gone(nats_server)
    await far_town.start()
    await typing

    assert await traffic.doubled() == 0
    assert '"level": "error"' not in far_town.daemon.stderr
    assert "Traceback" not in far_town.daemon.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_given_a_message_on_its_way_when_told_to_stop_then_webhooks_are_refused_until_its_end_and_nothing_is_lost(
    far_town: FarTown, number: signal.Signals
) -> None:
    await far_town.phones.types(ADA, "@ben opened")
    await far_town.phones.sees(BEN, "opened")
    await far_town.phones.all_told()
    await far_town.phones.fault(kind="timeout", network="messenger", seconds=0.8, count=1)
    await far_town.phones.types(ADA, "@ben slowly")
    await eventually(
        lambda: far_town.phones.control("GET", "faults"),
        lambda faults: faults[0]["fired"] == 1,
        awaited="the message to be on its way",
    )

    far_town.daemon.send(number)
    status, _ = await eventually(
        lambda: far_town.get("/readyz"), lambda answer: json.loads(answer[1])["draining"], awaited="draining"
    )
    assert status == 503
    assert (await far_town.get("/healthz"))[0] == 200
    assert await far_town.webhook("whatsapp", b'{"object":"whatsapp_business_account","entry":[]}') == 503
    late = await far_town.phones.types(CLEO, "@ben too late")

    assert await far_town.daemon.ended() == 0
    assert await far_town.phones.texts(BEN) == ["opened"]
    far_town.configure(sign_within=NO_SIGN_WITHIN)
    await far_town.start()
    await far_town.phones.sees(BEN, "too late")
    await far_town.phones.status(CLEO, late, "delivered")
    await far_town.phones.sees(BEN, "slowly")
    assert len(await far_town.phones.texts(BEN)) == 3


async def test_given_a_network_that_does_not_answer_when_told_to_stop_then_it_is_not_waited_for_longer_than_configured(
    far_town: FarTown,
) -> None:
    far_town.configure(drain=1.0, sign_within=NO_SIGN_WITHIN)
    await far_town.daemon.kill()
    await far_town.start()
    fault = await far_town.phones.fault(kind="error", network="messenger", status=500)
    await far_town.phones.types(ADA, "@ben later")
    await eventually(
        lambda: far_town.phones.control("GET", "faults"),
        lambda faults: faults[0]["fired"] >= 1,
        awaited="the message to be refused",
    )

    far_town.daemon.send(signal.SIGTERM)
    assert await far_town.daemon.ended() == 0
    await far_town.phones.control("DELETE", f"faults/{fault}")
    assert await far_town.phones.texts(BEN) == []
    await far_town.start()

    await far_town.phones.sees(BEN, "later")
    assert len(await far_town.phones.texts(BEN)) == 1
