"""Late input is put into order, and nothing else is held up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gearmesh.core.ordering import DISTURBED_FOR, LATE_AFTER, Dated, Ordering, dated
from gearmesh.model.content import Text
from gearmesh.model.events import ChatOpened, Event, MessageReceived, ReadUpTo, Unparsed

NOW = 1_800_000_000_000
MOST = 5


def items(*times: int) -> list[Dated[str]]:
    """Something that happened so many milliseconds before `NOW`, named after that."""
    return [Dated(NOW - ago, f"{ago} ago") for ago in times]


@pytest.mark.parametrize("ago", [0, 1, LATE_AFTER, -5_000])
def test_given_a_quiet_time_when_something_comes_in_time_then_it_is_taken_at_once(ago: int) -> None:
    ordering: Ordering[str] = Ordering()

    assert ordering.offer("ada", items(ago), NOW) == [f"{ago} ago"]
    assert len(ordering) == 0


def test_given_a_quiet_time_when_several_come_at_once_then_they_stay_as_they_came() -> None:
    assert Ordering[str]().offer("ada", items(0, 1_000, 500), NOW) == ["0 ago", "1000 ago", "500 ago"]


def test_given_something_late_then_it_is_held_and_released_by_its_time() -> None:
    ordering: Ordering[str] = Ordering()

    assert ordering.offer("ada", items(LATE_AFTER + 1), NOW) is None
    assert ordering.offer("ada", items(90_000, 0), NOW + 100) is None
    assert len(ordering) == 3

    assert ordering.release("ada") == ["90000 ago", f"{LATE_AFTER + 1} ago", "0 ago"]
    assert ordering.release("ada") == []
    assert len(ordering) == 0


def test_given_several_of_one_time_then_they_are_released_in_the_order_in_which_they_came() -> None:
    ordering: Ordering[str] = Ordering()
    for name in "abc":
        assert ordering.offer("ada", [Dated(NOW - 9_000, name)], NOW) is None

    assert ordering.release("ada") == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("after", "held"), [(0, True), (DISTURBED_FOR - 1, True), (DISTURBED_FOR, False), (DISTURBED_FOR + 1, False)]
)
def test_given_a_disturbance_then_everybodys_input_is_held_until_it_is_over(after: int, held: bool) -> None:
    ordering: Ordering[str] = Ordering()
    ordering.disturb(NOW)

    taken = ordering.offer("ben", [Dated(NOW + after, "x")], NOW + after)

    assert taken == (None if held else ["x"])
    assert ordering.is_disturbed(NOW + after) is held


def test_given_something_late_then_the_time_that_follows_is_disturbed() -> None:
    ordering: Ordering[str] = Ordering()
    ordering.offer("ada", items(60_000), NOW)

    assert ordering.offer("ben", [Dated(NOW + 9_000, "x")], NOW + 9_000) is None


def test_given_an_older_disturbance_that_is_told_later_then_it_does_not_shorten_the_newer_one() -> None:
    ordering: Ordering[str] = Ordering()
    ordering.disturb(NOW)
    ordering.disturb(NOW - 5_000)

    assert ordering.is_disturbed(NOW + DISTURBED_FOR - 1)


def test_given_something_held_when_the_disturbance_ends_then_what_comes_does_not_overtake_it() -> None:
    ordering: Ordering[str] = Ordering()
    ordering.offer("ada", items(60_000), NOW)
    later = NOW + DISTURBED_FOR + 1

    assert ordering.offer("ada", [Dated(later, "new")], later) is None
    assert ordering.offer("ben", [Dated(later, "other")], later) == ["other"]
    assert ordering.release("ada") == ["60000 ago", "new"]


def test_given_as_much_as_can_be_held_when_more_comes_then_it_is_taken_at_once_behind_its_threads_older_ones() -> None:
    ordering: Ordering[str] = Ordering(most=2)
    ordering.offer("ada", items(5_000), NOW)
    ordering.offer("ben", items(5_000), NOW)

    assert ordering.offer("ada", items(3_000), NOW) == ["5000 ago", "3000 ago"]
    assert ordering.offer("cleo", items(4_000), NOW) is None
    assert ordering.offer("dora", items(9_000), NOW) == ["9000 ago"]
    assert len(ordering) == 2


def test_given_events_of_all_kinds_then_each_has_its_own_time_and_what_has_none_stays_with_the_one_before_it() -> None:
    message = MessageReceived("m", "ada", "ada", 3_000, Text("hello"))
    opened, read = ChatOpened("ada", "ada", 1_000), ReadUpTo("ada", "ada", 2_000, 1_500)
    unknown = Unparsed(b"?", "?", "ada", "ada", "poll")
    events: list[Event] = [unknown, message, unknown, opened, read]

    assert [one.at for one in dated(events, 9_000)] == [9_000, 3_000, 3_000, 1_000, 2_000]
    assert [one.item for one in dated(events, 9_000)] == events


@given(st.lists(st.integers(0, LATE_AFTER), max_size=20))
def test_given_no_disturbance_and_nothing_late_then_nothing_is_ever_held(times: list[int]) -> None:
    ordering: Ordering[int] = Ordering()
    for number, ago in enumerate(times):
        now = NOW + number * 1_000
        assert ordering.offer("ada", [Dated(now - ago, number)], now) == [number]


class OrderingAgainstAModel(RuleBasedStateMachine):
    """The model: per thread, what was offered and has not come out."""

    def __init__(self) -> None:
        super().__init__()
        self.ordering: Ordering[tuple[int, int]] = Ordering(most=MOST)
        self.inside: dict[str, list[tuple[int, int]]] = {}
        self.number = 0
        self.now = NOW

    @rule(thread=st.sampled_from("ab"), agos=st.lists(st.integers(0, 4_000), min_size=1, max_size=3))
    def offer(self, thread: str, agos: list[int]) -> None:
        new = []
        for ago in agos:
            self.number += 1
            new.append((self.now - ago, self.number))
        inside = self.inside.setdefault(thread, [])
        was_empty = not inside
        taken = self.ordering.offer(thread, [Dated(at, (at, number)) for at, number in new], self.now)
        inside += new
        if taken is None:
            return
        quiet = was_empty and not self.ordering.is_disturbed(self.now)
        assert taken == (new if quiet else sorted(inside))
        inside.clear()

    @rule(thread=st.sampled_from("ab"))
    def release(self, thread: str) -> None:
        assert self.ordering.release(thread) == sorted(self.inside.pop(thread, []))

    @rule(millis=st.integers(0, 12_000))
    def wait(self, millis: int) -> None:
        self.now += millis

    @rule()
    def disturb(self) -> None:
        self.ordering.disturb(self.now)

    @invariant()
    def nothing_is_lost_and_no_more_is_held_than_may_be(self) -> None:
        assert len(self.ordering) == sum(map(len, self.inside.values())) <= MOST


TestOrderingAgainstAModel = OrderingAgainstAModel.TestCase
