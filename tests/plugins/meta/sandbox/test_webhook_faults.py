"""Misfortunes of webhooks that the network repairs by itself: nothing is lost, but it comes late, twice or shuffled."""

from __future__ import annotations

import pytest

from gearmesh_meta.sandbox.faults import FaultOrder

from .harness import ADA, BEN, CLEO, Delivery, Start, World


def typed(deliveries: list[Delivery]) -> list[list[str]]:
    """The texts that people typed, webhook by webhook; echoes and the like are left out."""
    return [
        [
            entry["messaging"][0]["message"]["text"]
            for entry in delivery.payload["entry"]
            if "text" in entry["messaging"][0].get("message", {})
        ]
        for delivery in deliveries
    ]


async def counted(world: World) -> dict[str, int]:
    _, state = await world.call("GET", "/sandbox/state")
    return dict(state["webhooks"])


async def test_given_an_attempt_that_never_leaves_when_typing_then_it_comes_after_the_pause_and_once(
    world: World,
) -> None:
    before, received = await counted(world), len(world.business.deliveries)
    await world.fault("lose_webhook", user=ADA, count=2)
    await world.type("whatsapp", ADA, text="hello")
    await world.settled()
    assert len(world.business.deliveries) == received + 1
    assert world.business.parts("whatsapp")[-1]["text"]["body"] == "hello"
    after = await counted(world)
    assert after["sent"] - before["sent"] == 1
    assert after["retried"] - before["retried"] == 2
    assert after["lost"] == 0


async def test_given_an_attempt_that_never_leaves_when_more_is_typed_then_the_order_is_kept(world: World) -> None:
    await world.fault("lose_webhook", user=BEN, probability=0.5, seed=3)
    received = len(world.business.deliveries)
    for number in range(20):
        await world.type("messenger", BEN, text=str(number))
    await world.settled()
    came = [text for texts in typed(world.business.deliveries[received:]) for text in texts]
    assert came == [str(number) for number in range(20)]


async def test_given_a_lost_answer_when_typing_then_the_same_bytes_come_again(world: World) -> None:
    received = len(world.business.deliveries)
    await world.fault("lose_answer", network="instagram", count=1)
    message = await world.type("instagram", CLEO, text="hello")
    await world.settled()
    first, second = world.business.deliveries[received:]
    assert first.body == second.body
    assert [(shown["id"], shown["status"]) for shown in await world.shown("instagram", CLEO)] == [
        (message["id"], "delivered")
    ]


async def test_given_a_late_double_when_more_is_typed_then_the_old_bytes_come_after_the_new(world: World) -> None:
    received = len(world.business.deliveries)
    await world.fault("late_double", user=ADA, count=1, seconds=0.2)
    await world.type("whatsapp", ADA, text="old")
    await world.settled()
    await world.type("whatsapp", ADA, text="new")
    await world.settled()
    assert (await counted(world))["late"] == 1
    # The double is refused, and that is nobody's business.
    world.business.statuses = [500]
    await world.business.until(lambda business: len(business.deliveries) == received + 3)
    old, new, double = world.business.deliveries[received:]
    assert old.body == double.body != new.body
    await world.type("whatsapp", ADA, text="newer")
    await world.settled()
    assert len(world.business.deliveries) == received + 4
    assert (await counted(world))["late"] == 0


async def test_given_a_late_double_that_is_due_when_the_sandbox_ends_then_it_does_not_wait(world: World) -> None:
    await world.fault("late_double", seconds=3600)
    await world.type("whatsapp", ADA, text="hello")
    await world.settled()
    assert (await counted(world))["late"] == 1


@pytest.mark.parametrize(
    ("order", "seconds"),
    [
        (FaultOrder("late_double"), 5),
        (FaultOrder("timeout"), 30),
        (FaultOrder("timeout", seconds=1), 1),
        (FaultOrder("late_double", seconds=0), 0),
    ],
)
def test_given_a_kind_with_a_pause_when_none_is_ordered_then_it_has_its_own(order: FaultOrder, seconds: float) -> None:
    assert order.pause == seconds


async def shuffled(world: World, network: str, user: str, first: int, last: int) -> list[Delivery]:
    """Write the numbers from `first` to `last` with a reordering in force and let the first attempt fail.

    What comes then, held by the gate, in order of arrival.
    """
    received = len(world.business.deliveries)
    world.business.gate.clear()
    for number in range(first, last + 1):
        await world.type(network, user, text=str(number))
    await world.business.until(lambda business: len(business.deliveries) == received + 1)
    return await answered(world, [500], last + 1 - first)


async def answered(world: World, statuses: list[int], held: int) -> list[Delivery]:
    """Give what the gate holds these answers, in order of arrival; then so many others that it holds."""
    received = len(world.business.deliveries)
    world.business.statuses = statuses
    world.business.gate.set()
    world.business.gate.clear()
    await world.business.until(lambda business: len(business.deliveries) == received + held)
    assert world.business.at_once == held
    return world.business.deliveries[received:]


@pytest.mark.parametrize(("network", "user"), [("messenger", BEN), ("instagram", CLEO)])
async def test_given_a_lane_that_failed_when_reordered_then_its_events_are_under_way_together_in_another_order(
    start: Start, network: str, user: str
) -> None:
    world = await start(batch=4, in_flight=1)
    await world.settled()
    before = await counted(world)
    await world.fault("reorder_webhook", seed=1)
    # None has been answered, and all four are there.
    apart = await shuffled(world, network, user, 0, 3)
    order = [text for [text] in typed(apart)]
    assert sorted(order) == ["0", "1", "2", "3"]
    assert order != ["0", "1", "2", "3"]
    for number in (4, 5):
        await world.type(network, user, text=str(number))
    # Two are not taken; those come again, byte for byte, together and not in the order in which they were written.
    again = await answered(world, [200, 503, 200, 503], 2)
    assert {delivery.body for delivery in again} == {apart[1].body, apart[3].body}
    assert [text for [text] in typed(again)] == sorted((order[1], order[3]), reverse=True)
    assert (await counted(world))["waiting"] == 4
    shown = [message["status"] for message in await world.shown(network, user)]
    assert shown == ["delivered" if str(number) in (order[0], order[2]) else "sent" for number in range(6)]
    [last] = await answered(world, [503, 200], 1)
    assert last.body == again[0].body
    # Only when all of them are answered does the lane go on, in order and with as many as fit.
    [rest] = await answered(world, [200], 1)
    assert typed([rest]) == [["4", "5"]]
    world.business.gate.set()
    await world.settled()
    after = await counted(world)
    assert {key: after[key] - before[key] for key in ("sent", "answered", "retried", "lost", "events")} == {
        "sent": 9,
        "answered": 5,
        "retried": 4,
        "lost": 0,
        "events": 6,
    }
    [fault] = (await world.call("GET", "/sandbox/faults"))[1]
    assert fault["fired"] == 1
    assert [message["status"] for message in await world.shown(network, user)] == ["delivered"] * 6


async def test_given_events_apart_when_they_fail_again_and_again_then_their_pauses_stay_the_first(start: Start) -> None:
    world = await start(retry_first=0.01, retry_cap=60)
    await world.settled()
    await world.fault("reorder_webhook")
    await shuffled(world, "messenger", BEN, 0, 1)
    # Pauses that doubled would add up to more than an hour.
    world.business.statuses = [500] * 40
    world.business.gate.set()
    await world.settled()
    assert not world.business.statuses


async def test_given_events_apart_when_other_misfortunes_are_in_force_then_only_late_doubles_strike_them(
    start: Start,
) -> None:
    world = await start()
    await world.settled()
    received = len(world.business.deliveries)
    await world.fault("reorder_webhook")
    world.business.gate.clear()
    for number in range(4):
        await world.type("messenger", BEN, text=str(number))
    await world.business.until(lambda business: len(business.deliveries) == received + 1)
    for kind in ("drop_webhook", "lose_webhook", "lose_answer", "double_webhook", "late_double"):
        await world.fault(kind, seconds=0.01)
    apart = await answered(world, [500], 4)
    world.business.gate.set()
    await world.business.until(lambda business: len(business.deliveries) == received + 9)
    await world.settled()
    doubles = world.business.deliveries[received + 5 :]
    assert sorted(delivery.body for delivery in doubles) == sorted(delivery.body for delivery in apart)
    struck = {fault["kind"]: fault["fired"] for fault in (await world.call("GET", "/sandbox/faults"))[1]}
    assert struck == {
        "reorder_webhook": 1,
        "drop_webhook": 0,
        "lose_webhook": 0,
        "lose_answer": 0,
        "double_webhook": 0,
        "late_double": 4,
    }


async def test_given_the_same_seed_when_reordered_again_then_the_order_is_the_same(start: Start) -> None:
    async def order() -> list[str]:
        world = await start()
        await world.settled()
        await world.fault("reorder_webhook", network="messenger", seed=11)
        apart = await shuffled(world, "messenger", BEN, 0, 7)
        world.business.gate.set()
        await world.settled()
        return [text for [text] in typed(apart)]

    first = await order()
    assert first == await order()
    assert sorted(first) == [str(number) for number in range(8)]


async def test_given_lanes_in_good_order_when_a_reordering_is_in_force_then_it_strikes_none(world: World) -> None:
    await world.fault("reorder_webhook")
    received = len(world.business.deliveries)
    world.business.gate.clear()
    for number in range(5):
        await world.type("messenger", BEN, text=str(number))
    world.business.gate.set()
    await world.settled()
    # A lane of WhatsApp that failed, and one with a single event, which has no order to lose.
    world.business.statuses = [500]
    await world.type("messenger", BEN, text="5")
    await world.settled()
    world.business.gate.clear()
    world.business.statuses = [500]
    for number in range(3):
        await world.type("whatsapp", ADA, text=str(number))
    world.business.gate.set()
    await world.settled()
    came = [text for texts in typed_in(world, "messenger", received) for text in texts]
    assert came == ["0", "1", "2", "3", "4", "5", "5"]
    bodies = [part["text"]["body"] for part in world.business.parts("whatsapp") if part.get("type") == "text"]
    assert bodies == ["0", "0", "1", "2"]
    [fault] = (await world.call("GET", "/sandbox/faults"))[1]
    assert fault["fired"] == 0


def typed_in(world: World, network: str, received: int) -> list[list[str]]:
    return typed([delivery for delivery in world.business.deliveries[received:] if delivery.network == network])


async def test_given_all_misfortunes_at_once_when_people_write_then_everything_still_arrives(start: Start) -> None:
    world = await start(batch=3)
    await world.settled()
    received = len(world.business.deliveries)
    await world.fault("reorder_webhook", seed=0)
    for seed, kind in enumerate(("lose_webhook", "lose_answer", "double_webhook", "late_double")):
        await world.fault(kind, probability=0.3, seed=seed, seconds=0.01)
    for number in range(40):
        for network, user in (("whatsapp", ADA), ("messenger", BEN), ("instagram", CLEO)):
            await world.type(network, user, text=str(number))
    await world.settled()
    everything = {str(number) for number in range(40)}
    for network, user in (("messenger", BEN), ("instagram", CLEO)):
        came = [text for texts in typed_in(world, network, received) for text in texts]
        assert set(came) == everything
        assert list(dict.fromkeys(came)) != sorted(everything, key=int)
        assert {message["status"] for message in await world.shown(network, user)} == {"delivered"}
    bodies = [part["text"]["body"] for part in world.business.parts("whatsapp") if part.get("type") == "text"]
    assert list(dict.fromkeys(bodies)) == sorted(everything, key=int)
