"""Faults in Graph calls: before and after, by count and by chance. Those of webhooks stand with their delivery."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from .harness import ADA, BEN, CLEO, NUMBER, World


async def test_given_an_error_before_when_sending_then_it_fails_and_nothing_arrives(world: World) -> None:
    order = {"kind": "error", "network": "whatsapp", "status": 429, "code": 131056, "count": 1, "message": "slower"}
    status, fault = await world.call("POST", "/sandbox/faults", json=order)
    assert status == 201
    typed = await world.type("whatsapp", ADA, text="hello")
    assert (await world.whatsapp(status="read", message_id=typed["id"]))[0] == 200
    got, answer = await world.whatsapp(type="text", text={"body": "hello"})
    assert (got, answer["error"]["code"], answer["error"]["message"]) == (429, 131056, "slower")
    assert (await world.whatsapp(type="text", text={"body": "again"}))[0] == 200
    assert [message["text"] for message in await world.shown("whatsapp", ADA)] == ["hello", "again"]
    _, faults = await world.call("GET", "/sandbox/faults")
    assert [(found["id"], found["fired"]) for found in faults] == [(fault["id"], 1)]


async def test_given_an_error_after_when_sending_then_it_fails_and_yet_arrives(world: World) -> None:
    order = {"kind": "error", "when": "after", "count": 1, "code": 2, "subcode": 7, "user": BEN}
    await world.call("POST", "/sandbox/faults", json=order)
    assert (await world.page(CLEO, {"text": "hello"}))[0] == 200
    got, answer = await world.page(BEN, {"text": "hello"})
    assert (got, answer["error"]["code"], answer["error"]["error_subcode"]) == (500, 2, 7)
    assert [message["text"] for message in await world.shown("messenger", BEN)] == ["hello"]


@pytest.mark.parametrize(("when", "arrives"), [("before", 0), ("after", 1)])
async def test_given_a_timeout_when_sending_then_the_connection_is_cut_without_an_answer(
    world: World, when: str, arrives: int
) -> None:
    await world.call("POST", "/sandbox/faults", json={"kind": "timeout", "seconds": 0.05, "when": when, "count": 1})
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await world.page(CLEO, {"text": "hello"})
    assert len(await world.shown("instagram", CLEO)) == arrives
    _, calls = await world.call("GET", "/sandbox/calls?limit=1")
    assert calls[0]["status"] == 0


async def test_given_faults_on_any_call_when_a_profile_is_read_then_it_fails_too(world: World) -> None:
    order = {"kind": "error", "on": "any", "status": 401, "code": 190, "network": "messenger"}
    _, fault = await world.call("POST", "/sandbox/faults", json=order)
    assert (await world.graph("me"))[0] == 401
    assert (await world.graph(NUMBER))[0] == 200
    assert (await world.call("DELETE", f"/sandbox/faults/{fault['id']}")) == (204, None)
    assert (await world.call("DELETE", f"/sandbox/faults/{fault['id']}"))[0] == 404
    assert (await world.graph("me"))[0] == 200


async def test_given_a_chance_with_a_seed_when_sending_then_the_same_sends_fail_each_time(world: World) -> None:
    async def outcome() -> list[int]:
        await world.call("POST", "/sandbox/faults", json={"kind": "error", "probability": 0.5, "seed": 7})
        statuses = [(await world.page(BEN, {"text": str(number)}))[0] for number in range(12)]
        await world.call("DELETE", "/sandbox/faults")
        return statuses

    first = await outcome()
    assert first == await outcome()
    assert set(first) == {200, 500}


@pytest.mark.parametrize(
    "order",
    [
        {"kind": "flood"},
        {"kind": "error", "probability": 2},
        {"kind": "error", "count": 0},
        {"kind": "error", "status": 200},
        {"kind": "timeout", "seconds": -1},
        {"kind": "error", "nework": "whatsapp"},
    ],
)
async def test_given_a_fault_that_makes_no_sense_when_ordered_then_it_is_refused(
    world: World, order: dict[str, Any]
) -> None:
    status, answer = await world.call("POST", "/sandbox/faults", json=order)
    assert (status, list(answer)) == (400, ["error"])
