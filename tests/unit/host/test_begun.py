"""What is about to be sent, written down in waves in a real nats-server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from gearmesh.bus.connection import Connection
from gearmesh.bus.publisher import Publisher
from gearmesh.errors import BusError, BusRefused
from gearmesh.host import begun
from gearmesh.host.begun import Begins
from gearmesh.model.content import Text
from gearmesh.model.delivery import Delivery
from gearmesh.wire.subjects import Subjects

APP = "messenger"
BUCKET = "KV_gm-sends"
AT = 1_800_000_000_000

New = Callable[[], Begins]


def delivery(number: int, thread: str = "") -> Delivery:
    """A message to a thread, its own unless another one is named."""
    user = thread or f"user{number}"
    return Delivery(f"e{number}:{APP}:0", user, user, Text("hello"))


@pytest.fixture
def new(connection: Connection, publisher: Publisher) -> New:
    """Makes what a process knows, or what the one after it does."""
    return lambda: Begins(connection, publisher, Subjects(), APP)


@pytest.fixture
def begins(new: New) -> Begins:
    """What one process knows."""
    return new()


async def waves(connection: Connection) -> int:
    """How many messages were stored so far."""
    return (await connection.js.stream_info(BUCKET)).state.last_seq


async def known(begins: Begins, *deliveries: Delivery) -> list[bool]:
    """Of which of these nobody here knows what became of them."""
    return [await begins.at(one) is not None for one in deliveries]


async def test_given_many_that_begin_at_the_same_moment_then_one_message_names_them_all(
    connection: Connection, begins: Begins, new: New
) -> None:
    together = [delivery(number) for number in range(100)]
    await asyncio.gather(*(begins.begin(one, AT) for one in together))
    assert await waves(connection) == 1
    assert all(await known(new(), *together))


async def test_given_more_than_a_message_holds_then_all_of_them_are_known(
    connection: Connection, begins: Begins, new: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(begun, "MOST", 10)
    together = [delivery(number) for number in range(25)]
    await asyncio.gather(*(begins.begin(one, AT) for one in together))
    assert await waves(connection) == 3
    assert all(await known(new(), *together))


async def test_given_one_that_is_long_on_its_way_then_it_is_known_however_many_come_after_it(
    begins: Begins, new: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(begun, "ROUND", 8)
    begins, slow = new(), delivery(0)
    await begins.begin(slow, AT)
    for number in range(1, 30):
        await begins.begin(delivery(number), AT)
        begins.over(f"user{number}", f"e{number}")
    assert await new().at(slow) == AT


async def test_given_what_a_predecessor_began_then_it_outlives_the_successors_messages_and_those_of_the_next_one(
    new: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(begun, "ROUND", 8)
    first, second = new(), new()
    for number in range(20):
        await first.begin(delivery(number), AT)
    for number in range(100, 120):
        await second.begin(delivery(number), AT)
        second.over(f"user{number}", f"e{number}")
    assert all(await known(new(), *map(delivery, range(20))))


async def test_given_some_that_are_over_then_whoever_comes_after_the_next_wave_does_not_wonder_about_them(
    begins: Begins, new: New
) -> None:
    for number in range(4):
        await begins.begin(delivery(number), AT)
        begins.over(f"user{number}", f"e{number}:")
    assert await known(new(), *map(delivery, range(4))) == [False, False, False, True]


async def test_given_one_that_is_not_over_then_whoever_comes_knows_everything_since_then(
    begins: Begins, new: New
) -> None:
    for number in range(4):
        await begins.begin(delivery(number), AT)
        if number != 1:
            begins.over(f"user{number}", f"e{number}:")
    assert await known(new(), *map(delivery, range(4))) == [False, True, True, True]


async def test_given_one_that_was_clearly_not_sent_then_nobody_takes_it_for_begun(begins: Begins, new: New) -> None:
    again = delivery(1, "ada")
    await begins.begin(again, AT)
    await begins.begin(again, AT)
    await begins.clear(again)
    assert await known(begins, again) == [False]
    assert await known(new(), again) == [False]
    await begins.begin(again, AT)
    assert await known(new(), again) == [True]


async def test_given_one_that_was_cleared_then_that_is_known_as_long_as_it_is_named(
    new: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(begun, "ROUND", 8)
    begins, cleared = new(), delivery(0)
    await begins.begin(cleared, AT)
    await begins.clear(cleared)
    for number in range(1, 20):
        assert await known(new(), cleared) == [False]
        await begins.begin(delivery(number), AT)
        begins.over(f"user{number}", f"e{number}")


async def test_given_nats_refuses_a_wave_then_everybody_in_it_learns_so_and_what_was_known_before_is_still_known(
    begins: Begins, monkeypatch: pytest.MonkeyPatch, publisher: Publisher
) -> None:
    before, after = delivery(1, "ada"), delivery(2, "ada")
    await begins.begin(before, AT)
    send = publisher.send

    async def refused(*arguments: object) -> None:
        await arguments[-1](BusRefused("insufficient resources"))  # type: ignore[operator]

    monkeypatch.setattr(publisher, "send", refused)
    results = await asyncio.gather(begins.begin(after, AT), begins.begin(delivery(3), AT), return_exceptions=True)
    assert [type(result) for result in results] == [BusRefused, BusRefused]
    assert isinstance(results[0], BusError)
    monkeypatch.setattr(publisher, "send", send)
    begins.leave_all()
    assert await known(begins, before, after, delivery(3)) == [True, False, False]


async def test_given_one_who_gives_up_waiting_then_the_others_of_the_wave_go_on(begins: Begins) -> None:
    async def waits(number: int) -> None:
        await begins.begin(delivery(number), AT)

    impatient, patient = asyncio.create_task(waits(0)), asyncio.create_task(waits(1))
    while not begins._wave:
        await asyncio.sleep(0)
    impatient.cancel()
    await patient
    assert impatient.cancelled()


async def test_given_what_cannot_be_read_then_the_rest_is(begins: Begins, new: New, publisher: Publisher) -> None:
    await begins.begin(delivery(1), AT)
    await publisher.publish(f"$KV.gm-sends.begun.{APP}.wave.7", b"\xc1 no wave")
    assert await known(new(), delivery(1)) == [True]


async def test_given_somebody_else_was_at_work_meanwhile_then_what_they_began_is_known(
    begins: Begins, new: New
) -> None:
    mine, theirs = delivery(1, "ada"), delivery(2, "ada")
    await begins.begin(mine, AT)
    await new().begin(theirs, AT)
    assert await known(begins, mine, theirs) == [False, False]
    begins.forget()
    assert await known(begins, mine, theirs) == [True, True]


async def test_given_several_of_one_thread_at_once_then_each_is_known_until_it_is_over(
    begins: Begins, new: New
) -> None:
    together = [delivery(number, "ada") for number in range(3)]
    await asyncio.gather(*(begins.begin(one, AT) for one in together))
    begins.over("ada", "e1:")
    assert await known(new(), *together) == [True, True, True]
    await begins.begin(delivery(9), AT)
    assert [await begins.at(one) for one in together] == [None, None, None]
    begins.leave_all()
    assert await known(begins, *together) == [True, False, True]


async def test_given_a_turn_that_ended_before_it_was_known_then_it_is_in_doubt_until_it_was_found_out(
    begins: Begins, new: New
) -> None:
    left, other = delivery(1, "ada"), delivery(2, "ada")
    await begins.begin(left, AT)
    await begins.begin(other, AT)
    begins.leave(left)
    begins.leave(delivery(3))  # never begun
    assert await known(begins, left, other, delivery(3)) == [True, False, False]
    begins.settle(left)
    assert await known(begins, left) == [False]
    assert await known(new(), left) == [True]  # it is not written down


async def test_given_what_was_begun_long_ago_then_further_waves_do_not_name_it(
    new: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(begun, "ROUND", 8)
    begins, old = new(), delivery(0)
    await begins.begin(old, AT)
    for number in range(1, 10):
        await begins.begin(delivery(number), AT + begun.NAMED_FOR + number)
        begins.over(f"user{number}", f"e{number}")
    assert await known(new(), old) == [False]
