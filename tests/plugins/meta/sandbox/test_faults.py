"""Faults in Graph calls: before and after, by count and by chance. Those of webhooks stand with their delivery."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from gearmesh_meta.sandbox.faults import KINDS

from .harness import ADA, BEARER, BEN, CLEO, INSTAGRAM, NUMBER, PAGE, WABA, World


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


@pytest.mark.parametrize(("when", "arrives"), [("before", 0), ("after", 1)])
async def test_given_a_hang_up_when_sending_then_the_connection_is_cut_at_once(
    world: World, when: str, arrives: int
) -> None:
    await world.fault("hang_up", seconds=3600, when=when, count=1)
    async with asyncio.timeout(5):
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await world.whatsapp(type="text", text={"body": "hello"})
    assert len(await world.shown("whatsapp", ADA)) == arrives


async def test_given_a_refusal_when_sending_on_whatsapp_then_it_is_accepted_never_shown_and_fails_afterwards(
    world: World,
) -> None:
    await world.fault("refuse", count=2, when="after")
    assert (await world.page(BEN, {"text": "hello"}))[0] == 200
    wamid = await world.whatsapp_text("hello", biz_opaque_callback_data="leg-1")
    failed = await world.business.part("whatsapp", lambda part: part.get("status") == "failed")
    assert (failed["id"], failed["biz_opaque_callback_data"]) == (wamid, "leg-1")
    assert [error["code"] for error in failed["errors"]] == [131000]
    await world.call("DELETE", "/sandbox/faults")
    await world.fault("refuse", network="whatsapp", code=131026, message="not there", count=1)
    wamid = await world.whatsapp_text("again")
    failed = await world.business.part("whatsapp", lambda part: part["id"] == wamid)
    assert (failed["status"], failed["errors"][0]["code"]) == ("failed", 131026)
    assert failed["errors"][0]["error_data"] == {"details": "not there"}
    await world.whatsapp_text("third")
    assert [message["text"] for message in await world.shown("whatsapp", ADA)] == ["third"]
    assert [message["text"] for message in await world.shown("messenger", BEN)] == ["hello"]


@pytest.mark.parametrize(
    ("path", "body", "network", "account"),
    [
        (f"{NUMBER}/messages", {"messaging_product": "whatsapp", "to": ADA, "text": {"body": "x"}}, "whatsapp", WABA),
        ("me/messages", {"recipient": {"id": BEN}, "message": {"text": "x"}}, "messenger", PAGE),
        ("me/messages", {"recipient": {"id": CLEO}, "message": {"text": "x"}}, "instagram", INSTAGRAM),
    ],
)
async def test_given_waiting_times_when_an_error_is_answered_then_its_headers_say_them(
    world: World, path: str, body: dict[str, Any], network: str, account: str
) -> None:
    await world.fault("error", status=400, code=4, retry_after=2.5, regain=19, count=1)
    async with world.session.post(f"{world.base}/v25.0/{path}", json=body, headers=BEARER) as response:
        assert response.status == 400
        assert response.headers["Retry-After"] == "2.5"
        usage = json.loads(response.headers["X-Business-Use-Case-Usage"])
    assert list(usage) == [account]
    [use] = usage[account]
    assert (use["type"], use["estimated_time_to_regain_access"]) == (network, 19)
    assert {"call_count", "total_cputime", "total_time"} < set(use)
    async with world.session.post(f"{world.base}/v25.0/{path}", json=body, headers=BEARER) as response:
        assert response.status == 200
        assert not {"Retry-After", "X-Business-Use-Case-Usage"} & set(response.headers)


async def test_given_waiting_times_when_a_call_about_no_network_fails_then_they_are_counted_with_the_page(
    world: World,
) -> None:
    await world.fault("error", on="any", regain=1, count=1)
    async with world.session.get(f"{world.base}/v25.0/{BEN}", headers=BEARER) as response:
        usage = json.loads(response.headers["X-Business-Use-Case-Usage"])
    assert [use["type"] for use in usage[PAGE]] == ["pages"]


async def test_given_faults_on_any_call_when_a_profile_is_read_then_it_fails_too(world: World) -> None:
    order = {"kind": "error", "on": "any", "status": 401, "code": 190, "network": "messenger"}
    _, fault = await world.call("POST", "/sandbox/faults", json=order)
    assert (await world.graph("me"))[0] == 401
    assert (await world.graph(NUMBER))[0] == 200
    assert (await world.call("DELETE", f"/sandbox/faults/{fault['id']}")) == (204, None)
    assert (await world.call("DELETE", f"/sandbox/faults/{fault['id']}"))[0] == 404
    assert (await world.graph("me"))[0] == 200


async def test_given_faults_that_struck_when_they_are_lifted_then_their_strikes_are_still_counted(world: World) -> None:
    await world.fault("error", network="messenger", count=2)
    for _ in range(3):
        await world.page(BEN, {"text": "hello"})
    await world.fault("lose_answer", user=ADA, count=1)
    await world.type("whatsapp", ADA, text="hello")
    await world.settled()
    await world.call("DELETE", "/sandbox/faults")
    _, state = await world.call("GET", "/sandbox/state")
    assert state["faults"] == dict.fromkeys(KINDS, 0) | {"error": 2, "lose_answer": 1}


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
        {"kind": "refuse", "on": "any"},
        {"kind": "timeout", "retry_after": 1},
        {"kind": "refuse", "regain": 1},
        {"kind": "error", "retry_after": -1},
        {"kind": "error", "regain": -1},
    ],
)
async def test_given_a_fault_that_makes_no_sense_when_ordered_then_it_is_refused(
    world: World, order: dict[str, Any]
) -> None:
    status, answer = await world.call("POST", "/sandbox/faults", json=order)
    assert (status, list(answer)) == (400, ["error"])


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ({"kind": "reorder_webhook", "network": "whatsapp"}, "is for messenger and instagram"),
        ({"kind": "refuse", "network": "messenger"}, "is for whatsapp"),
        ({"kind": "refuse", "network": "instagram"}, "is for whatsapp"),
    ],
)
async def test_given_a_kind_that_a_network_does_not_know_when_ordered_for_it_then_the_error_says_for_which_it_is(
    world: World, order: dict[str, Any], said: str
) -> None:
    status, answer = await world.call("POST", "/sandbox/faults", json=order)
    assert status == 400
    assert said in answer["error"]
