"""Order, batches, retries: how webhooks travel."""

from __future__ import annotations

import asyncio

from .harness import ADA, BEN, CLEO, Business, Start, World


def texts(business: Business, network: str = "whatsapp") -> list[str]:
    return [part["text"]["body"] for part in business.parts(network) if part.get("type") == "text"]


async def test_given_a_business_that_fails_when_typing_then_the_same_bytes_come_again_until_200(world: World) -> None:
    before = len(world.business.deliveries)
    world.business.statuses = [500, 404, 204, 503]
    await world.type("whatsapp", ADA, text="hello")
    await world.settled()
    attempts = world.business.deliveries[before:]
    assert len(attempts) == 5
    assert len({attempt.body for attempt in attempts}) == 1
    assert [message["status"] for message in await world.shown("whatsapp", ADA)] == ["delivered"]
    _, state = await world.call("GET", "/sandbox/state")
    assert state["webhooks"]["retried"] == 4


async def test_given_an_unanswered_webhook_when_more_is_typed_then_it_comes_later_as_one_batch(
    world: World,
) -> None:
    before = len(world.business.deliveries)
    world.business.gate.clear()
    await world.type("whatsapp", ADA, text="0")
    await world.business.until(lambda business: len(business.deliveries) == before + 1)
    for number in range(1, 6):
        await world.type("whatsapp", ADA, text=str(number))
    assert len(world.business.deliveries) == before + 1
    assert [message["status"] for message in await world.shown("whatsapp", ADA)] == ["sent"] * 6
    world.business.gate.set()
    await world.settled()
    assert len(world.business.deliveries) == before + 2
    [change] = world.business.deliveries[-1].payload["entry"][0]["changes"]
    assert [message["text"]["body"] for message in change["value"]["messages"]] == ["1", "2", "3", "4", "5"]


async def test_given_a_batch_size_when_many_wait_then_no_webhook_carries_more(start: Start) -> None:
    world = await start(batch=2)
    await world.settled()
    before = len(world.business.deliveries)
    world.business.gate.clear()
    for number in range(5):
        await world.type("messenger", BEN, text=str(number))
    world.business.gate.set()
    await world.settled()
    sizes = [len(delivery.payload["entry"]) for delivery in world.business.deliveries[before:]]
    assert sum(sizes) == 5
    assert max(sizes) == 2
    entries = [entry for delivery in world.business.deliveries[before:] for entry in delivery.payload["entry"]]
    assert all(len(entry["messaging"]) == 1 for entry in entries)
    assert [entry["messaging"][0]["message"]["text"] for entry in entries] == ["0", "1", "2", "3", "4"]


async def test_given_statuses_and_messages_waiting_when_batched_then_changes_keep_the_order(world: World) -> None:
    before = len(world.business.deliveries)
    world.business.gate.clear()
    await world.type("whatsapp", ADA, text="first")
    await world.whatsapp_text("second")
    await world.type("whatsapp", ADA, text="third")
    world.business.gate.set()
    await world.settled()
    kinds = [
        part.get("status", part.get("type"))
        for delivery in world.business.deliveries[before:]
        for change in delivery.payload["entry"][0]["changes"]
        for part in change["value"].get("messages", change["value"].get("statuses"))
    ]
    assert kinds == ["text", "sent", "delivered", "read", "text"]


async def test_given_one_user_stuck_when_another_types_then_the_other_is_not_held_up(world: World) -> None:
    world.business.gate.clear()
    await world.type("whatsapp", ADA, text="stuck")
    await world.type("instagram", CLEO, text="free")
    status, _ = await world.call("GET", "/sandbox/state")
    assert status == 200
    await world.business.part("instagram", lambda part: part.get("message", {}).get("text") == "free")
    world.business.gate.set()


async def test_given_a_bound_of_two_when_ten_users_write_then_no_more_than_two_are_in_flight(start: Start) -> None:
    world = await start(in_flight=2)
    await world.settled()
    users = []
    for number in range(10):
        _, phone = await world.call("POST", "/sandbox/phones", json={"network": "messenger", "handle": f"u{number}"})
        users.append(phone["user"])
    world.business.most_at_once = 0
    world.business.gate.clear()
    for user in users:
        await world.type("messenger", user, text="hello")
    await world.business.until(lambda business: business.at_once == 2)
    world.business.gate.set()
    await world.settled()
    assert world.business.most_at_once == 2


async def test_given_many_texts_when_the_business_fails_at_random_then_each_user_arrives_in_order(world: World) -> None:
    world.business.statuses = [500, 200, 503, 200, 200, 500, 500, 200] * 5
    for number in range(40):
        await world.type("whatsapp", ADA, text=str(number))
    await world.settled()
    seen = list(dict.fromkeys(texts(world.business)))
    assert seen == [str(number) for number in range(40)]


async def test_given_nobody_listens_when_a_phone_is_added_then_it_is_answered_after_the_first_attempt(
    start: Start, unused_tcp_port: int
) -> None:
    world = await start(webhooks=f"http://127.0.0.1:{unused_tcp_port}/{{network}}", retry_first=60, retry_cap=60)
    status, _ = await world.call("POST", "/sandbox/phones", json={"network": "whatsapp", "handle": "zoe"})
    assert status == 201
    _, state = await world.call("GET", "/sandbox/state")
    assert state["webhooks"]["answered"] == 0
    assert state["webhooks"]["waiting"] == 4


async def test_given_a_business_that_never_answers_when_the_time_is_over_then_the_webhook_is_sent_again(
    start: Start,
) -> None:
    world = await start(seed_phones=(), webhook_timeout=0.05)
    world.business.gate.clear()
    adding = asyncio.create_task(world.call("POST", "/sandbox/phones", json={"network": "messenger", "handle": "zoe"}))
    await world.business.until(lambda business: len(business.deliveries) == 2)
    world.business.gate.set()
    assert (await adding)[0] == 201
    await world.settled()


async def test_given_a_delay_when_sending_then_statuses_still_come_in_order(start: Start) -> None:
    world = await start(status_delay=0.01)
    await world.settled()
    ids = [await world.whatsapp_text(str(number)) for number in range(5)]
    await world.settled()
    statuses = [(part["id"], part["status"]) for part in world.business.parts("whatsapp") if "status" in part]
    assert statuses == [(wamid, status) for wamid in ids for status in ("sent", "delivered")]


async def test_given_drop_and_double_faults_when_typing_then_one_is_lost_and_one_comes_twice(world: World) -> None:
    await world.call("POST", "/sandbox/faults", json={"kind": "drop_webhook", "network": "whatsapp", "count": 1})
    await world.type("whatsapp", ADA, text="lost")
    await world.settled()
    await world.call("POST", "/sandbox/faults", json={"kind": "double_webhook", "count": 1, "user": ADA})
    await world.type("whatsapp", ADA, text="twice")
    await world.settled()
    assert texts(world.business) == ["twice", "twice"]
    assert [message["status"] for message in await world.shown("whatsapp", ADA)] == ["sent", "delivered"]
    _, faults = await world.call("GET", "/sandbox/faults")
    assert [fault["fired"] for fault in faults] == [1, 1]


async def test_given_waiting_texts_of_great_length_when_batched_then_no_webhook_exceeds_three_megabytes(
    world: World,
) -> None:
    before = len(world.business.deliveries)
    world.business.gate.clear()
    await world.type("whatsapp", ADA, text="first")
    for _ in range(20):
        await world.type("whatsapp", ADA, text="ä" * 65_000)
    world.business.gate.set()
    await world.settled()
    sizes = [len(delivery.body) for delivery in world.business.deliveries[before:]]
    assert max(sizes) <= 3_145_728
    assert max(sizes) > 1_048_576
    assert len(texts(world.business)) == 21
