"""Attempts that end before anything was sent: nobody else waits for them, and nobody sends in their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from gearmesh import Delivery, RateLimited
from gearmesh.errors import BusUnavailable
from gearmesh.host.evidence import Evidence
from gearmesh.host.turn import Turn
from gearmesh.testing import NatsServer

from .couple import Couple
from .patience import until

pytest_plugins = ["gearmesh.testing.fixtures"]


@pytest.fixture
def couple(nats_server: NatsServer, tmp_path: Path) -> Couple:
    return Couple(nats_server, tmp_path)


async def test_given_nats_fails_whoever_tries_the_ground_then_messages_go_on_afterwards(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = Evidence.begin
    attempts: list[str] = []

    async def fails_the_second_time(evidence: Evidence, delivery: Delivery) -> None:
        attempts.append(delivery.id)
        if len(attempts) == 2:
            raise BusUnavailable("nats starts again")
        await begin(evidence, delivery)

    monkeypatch.setattr(Evidence, "begin", fails_the_second_time)
    async with couple.running():
        couple.south.fail(RateLimited("wait, all of you", scope="app", after=0.1))
        await couple.comes("north", couple.written("n1", "@south:ben Hello"))
        await couple.sees("Hello")
    assert len(attempts) == 3


async def test_given_the_app_is_lost_while_an_attempt_is_written_down_then_nothing_is_sent(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = Evidence.begin
    begun: list[str] = []

    async def is_overtaken(evidence: Evidence, delivery: Delivery) -> None:
        await begin(evidence, delivery)
        begun.append(delivery.id)
        if len(begun) == 1:
            couple.daemon.apps["south"].egress.end()  # as when somebody else has taken over

    monkeypatch.setattr(Evidence, "begin", is_overtaken)
    async with couple.running():
        await couple.comes("north", couple.written("n1", "@south:ben Hello"))
        await until(lambda: begun, awaited="the attempt to be written down")
        await couple.sees("Hello")
        assert len(begun) == 2, "it went out although the turn had ended; only the next turn may send it"
        assert len(couple.south.shown("ben")) == 1


async def test_given_an_app_that_drains_when_its_consumer_begins_another_turn_then_what_waits_is_left_to_others(
    couple: Couple,
) -> None:
    async with couple.running():
        egress = couple.daemon.apps["south"].egress
        couple.south.fail(RateLimited("wait", scope="recipient", after=3600.0))
        await couple.comes("north", couple.written("n1", "@south:ben Hello"))
        await until(lambda: egress.queued, awaited="the leg to wait in its queue")

        assert await egress.drain(1.0)
        await egress.begin(Turn())

        assert egress.queued == 0
