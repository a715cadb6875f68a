"""Limits of the sandbox's own: off unless asked for, by network, by account and by person."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from .harness import ADA, BEN, CLEO, Start, World


@dataclass
class Stopwatch:
    """Seconds that go by when a test says so."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


async def refused(world: World) -> dict[str, int]:
    _, state = await world.call("GET", "/sandbox/state")
    return dict(state["refused_by_limits"])


async def outcomes(world: World, network: str, user: str, count: int) -> list[tuple[int, Any, Any]]:
    """Status, code and subcode of so many sends at once."""

    async def send(number: int) -> tuple[int, Any]:
        if network == "whatsapp":
            return await world.whatsapp(to=user, type="text", text={"body": str(number)})
        return await world.page(user, {"text": str(number)})

    answers = await asyncio.gather(*(send(number) for number in range(count)))
    errors = [(status, answer.get("error", {})) for status, answer in answers]
    return [(status, error.get("code"), error.get("error_subcode")) for status, error in errors]


async def test_given_no_limits_when_many_are_sent_at_once_then_all_are_taken(start: Start) -> None:
    world = await start(monotonic=Stopwatch())
    assert set(await outcomes(world, "whatsapp", ADA, 90)) == {(200, None, None)}
    assert await refused(world) == {"whatsapp": 0, "messenger": 0, "instagram": 0}


async def test_given_limits_when_a_burst_to_one_whatsapp_user_is_over_then_it_is_paid_back_and_others_are_free(
    start: Start,
) -> None:
    stopwatch = Stopwatch()
    world = await start(limits=True, monotonic=stopwatch)
    _, zoe = await world.call("POST", "/sandbox/phones", json={"network": "whatsapp", "handle": "zoe"})
    assert sorted(await outcomes(world, "whatsapp", ADA, 46)) == [(200, None, None)] * 45 + [(400, 131056, None)]
    assert len(await world.shown("whatsapp", ADA)) == 45
    assert await outcomes(world, "whatsapp", zoe["user"], 1) == [(200, None, None)]
    stopwatch.seconds += 269
    assert await outcomes(world, "whatsapp", ADA, 1) == [(400, 131056, None)]
    # The clock that windows follow is another one.
    world.clock.advance(3600)
    assert await outcomes(world, "whatsapp", ADA, 1) == [(400, 131056, None)]
    stopwatch.seconds += 1
    assert await outcomes(world, "whatsapp", ADA, 1) == [(200, None, None)]
    assert await refused(world) == {"whatsapp": 3, "messenger": 0, "instagram": 0}


async def test_given_limits_when_many_whatsapp_users_are_written_to_in_a_second_then_the_number_is_limited(
    start: Start,
) -> None:
    stopwatch = Stopwatch()
    world = await start(limits=True, monotonic=stopwatch)
    others = [
        (await world.call("POST", "/sandbox/phones", json={"network": "whatsapp", "handle": f"u{number}"}))[1]["user"]
        for number in range(2)
    ]
    assert set(await outcomes(world, "whatsapp", ADA, 40)) == {(200, None, None)}
    stopwatch.seconds += 0.25
    assert set(await outcomes(world, "whatsapp", others[0], 40)) == {(200, None, None)}
    # What the number refuses, the person does not pay for: there are 45 left.
    assert await outcomes(world, "whatsapp", others[1], 2) == [(400, 130429, None)] * 2
    stopwatch.seconds += 0.75
    assert set(await outcomes(world, "whatsapp", others[1], 45)) == {(200, None, None)}
    assert await outcomes(world, "messenger", BEN, 1) == [(200, None, None)]
    assert (await refused(world))["whatsapp"] == 2


@pytest.mark.parametrize(
    ("network", "user", "most", "subcode"), [("messenger", BEN, 300, None), ("instagram", CLEO, 100, 2534040)]
)
async def test_given_limits_when_an_account_sends_more_in_a_second_then_it_is_refused_with_its_code(
    start: Start, network: str, user: str, most: int, subcode: int | None
) -> None:
    stopwatch = Stopwatch()
    world = await start(limits=True, monotonic=stopwatch)
    assert set(await outcomes(world, network, user, most)) == {(200, None, None)}
    assert await outcomes(world, network, user, 2) == [(400, 613, subcode)] * 2
    stopwatch.seconds += 1
    assert await outcomes(world, network, user, 1) == [(200, None, None)]
    assert await refused(world) == {"whatsapp": 0, "messenger": 0, "instagram": 0, network: 2}


async def test_given_limits_when_read_marks_and_actions_are_sent_then_they_do_not_count(start: Start) -> None:
    world = await start(limits=True, monotonic=Stopwatch())
    typed = await world.type("whatsapp", ADA, text="hello")
    mark = {"status": "read", "message_id": typed["id"], "typing_indicator": {"type": "text"}}
    for _ in range(50):
        assert (await world.whatsapp(**mark))[0] == 200
    assert set(await outcomes(world, "whatsapp", ADA, 45)) == {(200, None, None)}
    assert (await world.whatsapp(**mark))[0] == 200
    for _ in range(5):
        assert (await world.page(CLEO, sender_action="typing_on"))[0] == 200
    assert set(await outcomes(world, "instagram", CLEO, 100)) == {(200, None, None)}
    assert (await world.page(CLEO, sender_action="mark_seen"))[0] == 200


async def test_given_a_send_that_a_fault_strikes_before_when_limited_then_it_is_not_counted(start: Start) -> None:
    world = await start(limits=True, monotonic=Stopwatch())
    await world.fault("error", count=5)
    assert {status for status, _, _ in await outcomes(world, "whatsapp", ADA, 5)} == {500}
    assert set(await outcomes(world, "whatsapp", ADA, 45)) == {(200, None, None)}
