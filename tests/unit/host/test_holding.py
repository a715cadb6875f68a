"""Callers whose events are held wait until those are stored, and no longer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from gearmesh.core.ordering import DISTURBED_FOR, HELD_AT_MOST, HELD_FOR, MOST_HELD
from gearmesh.errors import BusUnavailable
from gearmesh.host.holding import Arrival, Holding
from gearmesh.model.content import Text
from gearmesh.model.events import Event, MessageReceived
from gearmesh.testing import FakeClock

WINDOW = HELD_FOR / 1000


class Intake:
    """What stands behind the holder: it notes what is taken in, and fails at the messages that `fails` names."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.holding = Holding(self.clock, self._take)
        self.taken: list[list[str]] = []
        self.held: list[bool] = []
        self.fails: set[str] = set()
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    def event(self, name: str, ago: float = 0.0, thread: str = "ada") -> Event:
        """A message that was written so many seconds ago."""
        return MessageReceived(name, thread, thread, self.clock.millis() - round(ago * 1000), Text(name))

    def call(self, *events: Event) -> asyncio.Task[None]:
        """Give events of one thread, as a caller of its own."""
        return asyncio.create_task(self.holding.take(events[0].thread, events, self.clock.micros()))

    async def _take(self, arrivals: Sequence[Arrival], held: bool) -> None:
        names: list[str] = []
        self.taken.append(names)
        self.held.append(held)
        await self.may_go_on.wait()
        for arrival in arrivals:
            assert isinstance(arrival.event, MessageReceived)
            if arrival.event.native_id in self.fails:
                raise BusUnavailable("nats is away")
            names.append(arrival.event.native_id)
            arrival.stored = True


@pytest.fixture
async def intake() -> Intake:
    return Intake()


async def test_given_a_quiet_time_then_nothing_is_delayed_by_even_a_turn_of_the_loop(intake: Intake) -> None:
    caller = intake.holding.take("ada", [intake.event("one")], 0)

    with pytest.raises(StopIteration):
        caller.send(None)

    assert (intake.taken, intake.held) == ([["one"]], [False])


async def test_given_late_events_in_any_order_then_they_are_taken_by_their_time_and_each_caller_is_answered(
    intake: Intake,
) -> None:
    calls = [intake.call(intake.event(f"{ago} ago", ago)) for ago in (5, 9, 3, 7)]
    await intake.clock.until_asleep()
    await intake.clock.advance(WINDOW - 0.01)
    assert (intake.taken, len(intake.holding)) == ([], 4)
    assert not any(call.done() for call in calls)

    await intake.clock.advance(0.01)
    await asyncio.gather(*calls)

    assert (intake.taken, intake.held) == ([["9 ago", "7 ago", "5 ago", "3 ago"]], [True])


async def test_given_a_held_event_then_each_further_one_of_its_thread_prolongs_the_window(intake: Intake) -> None:
    intake.call(intake.event("first", 9))
    await intake.clock.until_asleep()
    await intake.clock.advance(WINDOW / 2)
    second = intake.call(intake.event("second", 8))
    other = intake.call(intake.event("other", 8, thread="ben"))
    await intake.clock.until_asleep(2)

    await intake.clock.advance(WINDOW / 2)
    assert intake.taken == []
    await intake.clock.until_asleep()
    await intake.clock.advance(WINDOW / 2)

    await second
    await other
    assert sorted(intake.taken) == [["first", "second"], ["other"]]


async def test_given_events_that_do_not_stop_then_they_are_taken_in_all_the_same_before_their_network_gives_up(
    intake: Intake,
) -> None:
    calls = [intake.call(intake.event("0", 9))]
    await intake.clock.until_asleep()
    for number in range(1, 6):
        await intake.clock.advance(HELD_AT_MOST / 1000 / 5)
        calls.append(intake.call(intake.event(str(number), 9)))
        await intake.clock.until_asleep()

    await calls[0]
    assert intake.taken[0][0] == "0"


async def test_given_events_of_one_call_among_others_then_it_is_answered_when_all_of_its_own_are_stored(
    intake: Intake,
) -> None:
    intake.fails = {"third"}
    both = intake.call(intake.event("first", 9), intake.event("third", 7))
    alone = intake.call(intake.event("second", 8))
    behind = intake.call(intake.event("fourth", 6))
    await intake.clock.until_asleep()
    await intake.clock.advance(WINDOW)

    await alone
    for refused in (both, behind):
        with pytest.raises(BusUnavailable, match="nats is away"):
            await refused
    assert intake.taken == [["first", "second"]]


async def test_given_a_disturbance_then_input_in_time_is_held_too_until_it_is_over(intake: Intake) -> None:
    intake.holding.disturb()
    held = intake.call(intake.event("held"))
    await intake.clock.until_asleep()
    await intake.clock.advance(WINDOW)
    await held

    await intake.clock.advance(DISTURBED_FOR / 1000 - WINDOW)
    await intake.holding.take("ada", [intake.event("quiet")], 0)

    assert intake.held == [True, False]


async def test_given_what_is_just_being_taken_in_when_more_of_the_thread_is_late_then_it_has_a_window_of_its_own(
    intake: Intake,
) -> None:
    intake.may_go_on.clear()
    first = intake.call(intake.event("first", 9))
    await intake.clock.until_asleep()
    await intake.clock.advance(WINDOW)
    second = intake.call(intake.event("second", 8))
    await intake.clock.until_asleep()
    assert not first.done()
    intake.may_go_on.set()
    await first

    await intake.clock.advance(WINDOW)
    await second

    assert intake.taken == [["first"], ["second"]]


async def test_given_more_than_can_be_held_then_it_is_taken_in_at_once_with_what_is_held_of_its_thread(
    intake: Intake,
) -> None:
    events = [intake.event(f"{number}", 9 - number / 1000) for number in range(MOST_HELD)]
    crowd = intake.call(*events)
    await intake.clock.until_asleep()

    await intake.holding.take("ada", [intake.event("one more", 99)], 0)
    await crowd

    assert intake.taken == [["one more", *(str(number) for number in range(MOST_HELD))]]
    assert len(intake.holding) == 0
    await intake.clock.advance(WINDOW / 2)
    later = intake.call(intake.event("later", 3))
    await intake.clock.until_asleep()
    await intake.clock.advance(WINDOW - 0.01)
    assert len(intake.holding) == 1, "the window of those that were taken early is not its own"
    await intake.clock.advance(0.01)
    await later


async def test_given_as_much_as_can_be_held_of_others_then_what_is_late_is_taken_in_at_once(intake: Intake) -> None:
    crowd = intake.call(*(intake.event(f"{number}", 9) for number in range(MOST_HELD)))
    await intake.clock.until_asleep()

    await intake.holding.take("ben", [intake.event("late", 9, thread="ben")], 0)

    assert intake.taken == [["late"]]
    assert not crowd.done()
    await intake.clock.advance(WINDOW)
    await crowd


async def test_given_held_events_when_the_host_ends_then_their_callers_are_refused_and_nobody_waits(
    intake: Intake,
) -> None:
    intake.may_go_on.clear()
    being_taken = intake.call(intake.event("first", 9))
    await intake.clock.until_asleep()
    await intake.clock.advance(WINDOW)
    held = intake.call(intake.event("second", 8))
    await asyncio.sleep(0)

    await intake.holding.close()

    for refused in (being_taken, held):
        with pytest.raises(BusUnavailable, match="ending"):
            await refused
    assert len(intake.holding) == 0
