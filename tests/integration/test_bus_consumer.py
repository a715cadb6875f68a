"""The pinned consumer against a real nats-server: one at work, takeovers in order, and nothing lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from gearmesh.bus.connection import Access, Connection
from gearmesh.bus.consumer import ACK_WAIT, EXPIRES, PIN_TIMEOUT, SILENCE
from gearmesh.bus.lease import uptime
from gearmesh.errors import BusRefused, BusUnavailable, StreamDiffers
from gearmesh.testing import NatsServer

from .patience import until
from .work import Worker, all_acknowledged, make_log, write

Hire = Callable[..., Any]


@pytest.fixture
async def hire(server: NatsServer, connection: Connection) -> AsyncIterator[Hire]:
    """Starts a worker on the log with a connection of its own, as another process would have."""
    await make_log(connection)
    async with AsyncExitStack() as stack:

        async def hired(start: bool = True, **settings: Any) -> Worker:
            own = await Connection.open(Access((server.url,)), "worker")
            stack.push_async_callback(own.close)
            worker = Worker(own, **settings)
            stack.push_async_callback(worker.stop)
            if start:
                await worker.start()
            return worker

        yield hired


async def test_given_two_workers_on_one_consumer_then_only_one_is_given_anything(
    connection: Connection, hire: Hire
) -> None:
    first = await hire()
    await write(connection, range(1))
    await first.got(1)
    second = await hire()

    await write(connection, range(1, 300))

    await first.got(300)
    await all_acknowledged(connection)
    assert (first.given, second.given) == (list(range(300)), [])
    assert (first.consumer.active, second.consumer.active) == (True, False)
    assert (first.turns, second.turns) == ([True], [])


async def test_given_a_worker_that_dies_then_the_other_gets_all_that_was_not_acknowledged_in_order_before_the_new(
    connection: Connection, hire: Hire
) -> None:
    first = await hire(acks=lambda number: number < 100)
    await write(connection, range(200))
    await first.got(200)
    second = await hire()
    await first.stop()

    await write(connection, range(200, 300))

    # Two for the pin to be lost, one for the standby's next request.
    await second.got(200, within=5.0)
    assert second.given == list(range(100, 300))
    await all_acknowledged(connection)


async def test_given_a_worker_that_dies_when_nothing_newer_comes_then_what_it_left_is_taken_over_all_the_same(
    hire: Hire, connection: Connection
) -> None:
    first = await hire(acks=lambda number: number < 5)
    await write(connection, range(10))
    await first.got(10)
    second = await hire()

    await first.stop()

    await second.got(5, within=5.0)
    assert second.given == [5, 6, 7, 8, 9]
    await all_acknowledged(connection)


async def test_given_a_worker_that_dies_between_gaps_then_what_is_told_again_stays_in_order(
    connection: Connection, hire: Hire
) -> None:
    first = await hire(acks=lambda number: number % 2 == 0)
    await write(connection, range(100))
    await first.got(100)
    second = await hire()
    await first.stop()
    await write(connection, range(100, 120))

    await until(lambda: second.given[-1:] == [119], awaited="the newest message")

    assert second.given == sorted(set(second.given))
    assert set(range(1, 100, 2)) | set(range(100, 120)) <= set(second.given)


async def test_given_a_handler_that_fails_once_then_the_message_comes_again_before_anything_newer(
    connection: Connection, hire: Hire
) -> None:
    failures = iter([True])
    worker = await hire(fails=lambda number: number == 5 and next(failures, False))

    await write(connection, range(10))
    await all_acknowledged(connection)

    assert worker.given == [*range(6), *range(5, 10)]
    assert worker.turns == [True, False, True]


async def test_given_a_handler_that_always_fails_then_it_is_not_asked_in_a_hot_loop(
    connection: Connection, hire: Hire
) -> None:
    worker = await hire(fails=lambda number: True)
    await write(connection, range(1))

    await worker.got(3)

    # Three attempts, two pauses of a second between them: three turns were begun, none more.
    assert worker.turns in ([True, False] * 2 + [True], [True, False] * 3)


async def test_given_what_was_given_back_then_it_comes_again_and_the_old_turn_cannot_acknowledge(
    connection: Connection, hire: Hire
) -> None:
    worker = await hire(acks=lambda number: number != 1)
    await write(connection, range(3))
    await worker.got(3)
    old = worker.taken[1]

    old.give_back("its outbound log is full", pause=0.05)
    await worker.got(5)
    await old.ack()

    assert worker.given == [0, 1, 2, 1, 2]
    info = await connection.js.consumer_info("LOG", "worker")
    assert info.num_ack_pending == 1


async def test_given_something_from_before_the_turn_then_it_is_not_fresh_and_what_comes_later_is(
    connection: Connection, hire: Hire
) -> None:
    await write(connection, range(2))
    worker = await hire()
    await worker.got(2)

    await write(connection, range(2, 4))
    await worker.got(4)

    assert [taken.fresh for taken in worker.taken] == [False, False, True, True]
    assert [taken.seq for taken in worker.taken] == [1, 2, 3, 4]
    assert [taken.delivered for taken in worker.taken] == [1, 1, 1, 1]
    assert [taken.subject for taken in worker.taken] == ["log.a"] * 4


async def test_given_quiet_for_longer_than_a_request_lives_then_the_next_message_comes_at_once(
    connection: Connection, hire: Hire
) -> None:
    worker = await hire()
    await write(connection, range(1))
    await worker.got(1)
    loop = asyncio.get_running_loop()
    waits: list[float] = []
    for number in range(1, 7):
        # The pause itself is what is tested: requests run out in it, at another moment of their life each time.
        await asyncio.sleep(EXPIRES * (0.4 + number / 10))
        written = loop.time()
        await write(connection, range(number, number + 1))
        await worker.got(number + 1)
        waits.append(loop.time() - written)

    # A hole between two requests cost up to a whole request's life; a busy machine costs much less.
    assert max(waits) < EXPIRES / 2, waits
    assert worker.turns == [True]


async def test_given_three_seconds_of_quiet_then_the_turn_is_kept_and_the_next_message_comes_at_once(
    connection: Connection, hire: Hire
) -> None:
    worker = await hire()
    await write(connection, range(1))
    await worker.got(1)
    await asyncio.sleep(3)  # the quiet itself is what is tested: longer than the pin lives without a request

    await write(connection, range(1, 2))

    await worker.got(2, within=EXPIRES / 2)
    assert worker.turns == [True]


async def test_given_a_server_that_is_killed_and_started_again_then_work_goes_on_and_nothing_is_lost(
    server: NatsServer, connection: Connection, hire: Hire
) -> None:
    worker = await hire()
    await write(connection, range(100))
    await worker.got(100)
    server.kill()
    await until(lambda: worker.turns == [True, False], awaited="the turn to end")
    await server.start()
    await until(lambda: connection.is_up, awaited="the reconnect")

    await write(connection, range(100, 200))

    await until(lambda: worker.given[-1] == 199, awaited="the last message")
    await all_acknowledged(connection)
    once = list(dict.fromkeys(worker.given))
    assert once == list(range(200))


async def test_given_more_than_a_request_asks_for_then_all_of_it_comes_in_order(
    connection: Connection, hire: Hire
) -> None:
    worker = await hire(batch=8)
    await write(connection, range(500))

    await worker.got(500)

    assert worker.given == list(range(500))


async def test_given_more_unacknowledged_than_allowed_then_the_rest_waits_for_acknowledgements(
    connection: Connection, hire: Hire
) -> None:
    held: set[int] = set(range(10))
    worker = await hire(acks=lambda number: number not in held, max_ack_pending=10)
    await write(connection, range(20))
    await worker.got(10)
    assert worker.given == list(range(10))

    for taken in worker.taken[:10]:
        await taken.ack()

    await worker.got(20)
    assert worker.given == list(range(20))


async def test_given_a_consumer_that_is_deleted_then_the_worker_says_so_by_ending_its_turn(
    connection: Connection, hire: Hire
) -> None:
    worker = await hire()
    await write(connection, range(1))
    await worker.got(1)

    await connection.js.delete_consumer("LOG", "worker")
    await until(lambda: worker.turns == [True, False], awaited="the turn to end")
    await worker.consumer.ensure()
    await write(connection, range(1, 2))

    # A new consumer starts at the beginning of the log.
    await until(lambda: worker.given[-1] == 1, awaited="what was written after it")


async def test_given_a_worker_that_is_alone_then_it_works_at_once_without_standing_by(
    connection: Connection, hire: Hire
) -> None:
    await write(connection, range(3))
    worker = await hire(alone=True, start=False)
    client = worker.connection.client
    asked: list[dict[str, Any]] = []
    publish = client.publish

    async def noted(subject: str, payload: bytes = b"", *arguments: Any, **named: Any) -> None:
        if subject.startswith("$JS.API.CONSUMER.MSG.NEXT."):
            asked.append(json.loads(payload))
        await publish(subject, payload, *arguments, **named)

    client.publish = noted
    await worker.start()
    await worker.got(3)
    await write(connection, range(3, 300))
    await worker.got(300)

    assert worker.given == list(range(300))
    assert worker.turns == [True]
    assert [taken.delivered for taken in worker.taken] == [1] * 300, "nothing was dropped to learn the pin"
    assert "id" not in asked[0]
    assert all(request["id"] for request in asked[1:])
    await all_acknowledged(connection)


async def test_given_a_worker_that_is_alone_and_nothing_to_do_then_what_comes_later_comes_at_once(
    connection: Connection, hire: Hire
) -> None:
    worker = await hire(alone=True)
    await until(lambda: worker.turns == [True], awaited="its turn")
    await asyncio.sleep(EXPIRES * 1.5)  # the quiet itself is what is tested: the request for the pin runs out in it

    await write(connection, range(1))
    await worker.got(1, within=EXPIRES / 2)
    await write(connection, range(1, 50))
    await worker.got(50)
    assert worker.turns == [True]


async def test_given_a_worker_that_is_alone_then_it_takes_the_pin_from_a_dead_one_and_has_what_that_left_in_order(
    connection: Connection, hire: Hire
) -> None:
    dead = await hire(alone=True, acks=lambda number: number < 10 or number % 2 == 0)
    await write(connection, range(50))
    await dead.got(50)
    await dead.stop()
    await write(connection, range(50, 60))

    successor = await hire(alone=True)
    await until(lambda: successor.given[-1:] == [59], awaited="the newest message", within=PIN_TIMEOUT * 0.75)

    assert successor.given == sorted(set(successor.given))
    assert {*range(11, 50, 2), *range(50, 60)} <= set(successor.given)
    await all_acknowledged(connection)


async def test_given_a_worker_that_still_believes_it_is_at_work_then_the_one_that_is_alone_takes_its_pin(
    connection: Connection, hire: Hire
) -> None:
    slow = await hire(alone=True)
    await write(connection, range(5))
    await slow.got(5)

    successor = await hire(alone=True)
    await until(lambda: successor.turns == [True], awaited="its turn")
    slow.consumer._alone = False  # it has learnt that it is not: it stands by from now on
    await write(connection, range(5, 30))

    await until(lambda: 29 in successor.given or 29 in slow.given, awaited="the newest message")
    await until(lambda: slow.turns[-1:] == [False], awaited="its turn to end")
    assert set(range(5, 30)) <= {*slow.given, *successor.given}
    assert successor.given == sorted(successor.given)


async def test_given_a_predecessor_then_what_it_may_have_had_in_hand_is_not_fresh_and_what_comes_later_is(
    connection: Connection, hire: Hire
) -> None:
    dead = await hire(alone=True, acks=lambda number: number < 3, max_ack_pending=5, name="small")
    await write(connection, range(20))
    await dead.got(8)  # three are acknowledged, five in its hands, twelve still in the log
    await dead.stop()

    successor = await hire(alone=True, max_ack_pending=5, name="small")
    await successor.got(17)
    await write(connection, range(20, 22))
    await successor.got(19)

    assert successor.given == list(range(3, 22))
    assert [taken.fresh for taken in successor.taken] == [False] * 17 + [True] * 2


async def test_given_a_takeover_that_breaks_off_after_its_reset_then_the_next_one_has_all_that_was_in_hand(
    connection: Connection, hire: Hire, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = await hire(alone=True, acks=lambda number: number < 3)
    await write(connection, range(8))
    await dead.got(8)
    await dead.stop()
    successor = await hire(alone=True, start=False)
    stream_info, failures = successor.connection.js.stream_info, iter([True])

    async def fail_once(name: str) -> Any:
        if next(failures, False):
            raise TimeoutError
        return await stream_info(name)

    monkeypatch.setattr(successor.connection.js, "stream_info", fail_once)
    await successor.start()
    await successor.got(5)

    assert next(failures, None) is None, "it did break off"
    assert successor.given == [3, 4, 5, 6, 7]
    assert [taken.fresh for taken in successor.taken] == [False] * 5


async def test_given_work_that_is_handed_over_then_the_other_has_it_at_once_in_order_and_keeps_it(
    connection: Connection, hire: Hire
) -> None:
    first = await hire(acks=lambda number: number < 8)
    await write(connection, range(10))
    await first.got(10)
    second = await hire()

    await first.consumer.hand_over()
    await write(connection, range(10, 20))
    # Sooner than a pin times out: nothing but the handover can have brought it.
    await second.got(12, within=PIN_TIMEOUT * 0.75)
    await all_acknowledged(connection)

    assert second.given == list(range(8, 20))
    assert (first.given, first.turns) == (list(range(10)), [True, False])
    assert (first.consumer.active, second.consumer.active) == (False, True)


async def test_given_whoever_has_handed_over_then_what_nobody_else_does_is_left_until_it_is_wanted_again(
    connection: Connection, hire: Hire
) -> None:
    worker = await hire()
    await write(connection, range(1))
    await worker.got(1)
    await worker.consumer.hand_over()
    await write(connection, range(1, 3))
    await asyncio.sleep(EXPIRES * 1.5)  # the idleness itself is what is tested: a request would have had its answer
    assert worker.given == [0]

    worker.consumer.take_over()
    await worker.got(3)

    assert worker.given == [0, 1, 2]


async def test_given_one_that_stands_by_for_what_it_has_handed_over_then_it_does_so_no_more(
    connection: Connection, hire: Hire
) -> None:
    first = await hire()
    await write(connection, range(1))
    await first.got(1)
    second = await hire()
    await until(lambda: second.consumer._pinned is not None, awaited="the second one to stand by")

    await second.consumer.hand_over()
    await first.stop()
    await asyncio.sleep(PIN_TIMEOUT + EXPIRES)  # so long a standby would have waited to be pinned
    await write(connection, range(1, 2))
    third = await hire()
    await third.got(1)

    assert (second.given, second.turns) == ([], [])


async def test_given_a_dead_one_whose_work_is_taken_over_then_its_pin_is_not_waited_for(
    connection: Connection, hire: Hire
) -> None:
    first = await hire(acks=lambda number: number < 5)
    second = await hire(start=False)
    await second.consumer.hand_over()
    await second.start()
    await write(connection, range(10))
    await first.got(10)
    await first.stop()

    second.consumer.take_over()
    await second.got(5, within=PIN_TIMEOUT * 0.75)

    assert second.given == [5, 6, 7, 8, 9]
    await all_acknowledged(connection)


@pytest.mark.parametrize("noticed", [False, True])
async def test_given_a_handover_while_nats_is_away_then_it_holds_all_the_same(
    server: NatsServer, connection: Connection, hire: Hire, noticed: bool
) -> None:
    worker = await hire()
    await write(connection, range(1))
    await worker.got(1)
    server.kill()
    if noticed:
        await until(lambda: not worker.connection.is_up, awaited="the loss to be noticed")

    await worker.consumer.hand_over()

    await until(lambda: worker.turns == [True, False], awaited="the turn to end")
    assert not worker.consumer.wanted


async def test_given_a_process_that_stood_still_then_it_ends_its_turn_before_it_handles_anything(
    connection: Connection, hire: Hire, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = await hire(alone=True)
    await write(connection, range(2))
    await worker.got(2)

    stood = 0.0
    monkeypatch.setattr("gearmesh.bus.consumer.uptime", lambda: uptime() + stood)
    stood = PIN_TIMEOUT + 0.1
    await write(connection, range(2, 4))
    await worker.got(4)

    assert worker.turns == [True, False, True]
    assert worker.given == [0, 1, 2, 3]
    assert [taken.fresh for taken in worker.taken[2:]] == [False, False], "they belong to the second turn"
    await all_acknowledged(connection)


@pytest.mark.parametrize("which", ["CONSUMER.INFO", "STREAM.INFO", "CONSUMER.RESET"])
async def test_given_a_worker_that_is_told_to_stop_just_as_nats_answers_then_it_stops(
    connection: Connection, hire: Hire, which: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`asyncio.wait_for`, with which nats-py waits for answers, forgets such a cancellation before Python 3.12."""
    await write(connection, range(1))
    worker = await hire(start=False)
    client = worker.connection.client
    request = client.request
    stopped: list[asyncio.Task[None]] = []

    async def request_and_be_told(subject: str, *arguments: Any, **named: Any) -> Any:
        answer = await request(subject, *arguments, **named)
        if which in subject and not stopped:
            # What it leaves behind: a task that was cancelled and does not know it.
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
            stopped.append(task)
        return answer

    monkeypatch.setattr(client, "request", request_and_be_told)
    await worker.start()
    await until(lambda: stopped, awaited=f"an answer of {which}")

    done, _ = await asyncio.wait(stopped, timeout=5)

    assert done
    assert worker.given == []


async def test_given_a_consumer_with_other_settings_then_it_is_reported_and_not_changed(
    connection: Connection, hire: Hire
) -> None:
    await hire()

    with pytest.raises(StreamDiffers, match="consumer worker") as differs:
        await Worker(connection, max_ack_pending=7).consumer.ensure()

    assert differs.value.stream == "LOG (consumer worker)"
    info = await connection.js.consumer_info("LOG", "worker")
    assert info.config.max_ack_pending == 2000
    assert info.config.ack_wait == ACK_WAIT


async def test_given_no_such_stream_then_creating_the_consumer_says_so(connection: Connection) -> None:
    with pytest.raises(BusRefused, match="stream not found"):
        await Worker(connection).consumer.ensure()


async def test_given_a_server_that_is_away_then_creating_the_consumer_fails_in_time(
    server: NatsServer, connection: Connection
) -> None:
    server.kill()
    await until(lambda: not connection.is_up, awaited="the loss to be noticed")

    with pytest.raises(BusUnavailable, match="creating consumer worker"):
        await Worker(connection).consumer.ensure()

    assert SILENCE > EXPIRES  # a turn must outlive its quiet requests


async def test_given_nats_dies_while_a_part_is_left_to_others_then_whoever_shares_the_work_out_goes_on(
    server: NatsServer, connection: Connection, hire: Hire
) -> None:
    worker = await hire()
    await write(connection, range(1))
    await worker.got(1)
    server.kill()

    await worker.consumer.hand_over()

    assert not worker.consumer.wanted
