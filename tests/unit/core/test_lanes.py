"""Lanes against a model: per key one after the other, and nothing left behind."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gearmesh.core.lanes import Lanes

KEYS = st.sampled_from("abcd")


class LanesAgainstAModel(RuleBasedStateMachine):
    """The model: for each key all items that were offered, and how many of them were started and finished."""

    def __init__(self) -> None:
        super().__init__()
        self.lanes: Lanes[str, int] = Lanes()
        self.offered: dict[str, list[int]] = defaultdict(list)
        self.started: dict[str, list[int]] = defaultdict(list)
        self.finished: dict[str, int] = defaultdict(int)
        self.number = 0

    def in_work(self, key: str) -> bool:
        """Whether the owner works on an item of this key."""
        return len(self.started[key]) > self.finished[key]

    @rule(key=KEYS)
    def offer(self, key: str) -> None:
        self.number += 1
        idle = not self.in_work(key)
        self.offered[key].append(self.number)
        start = self.lanes.offer(key, self.number)
        assert start == idle
        if start:
            self.started[key].append(self.number)

    @precondition(lambda self: any(self.in_work(key) for key in "abcd"))
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from([key for key in "abcd" if self.in_work(key)]))
        self.finished[key] += 1
        following = self.lanes.done(key)
        if following is not None:
            self.started[key].append(following)
        assert (following is None) == (self.finished[key] == len(self.offered[key]))

    @rule(key=KEYS)
    def finish_where_nothing_is_in_work(self, key: str) -> None:
        if not self.in_work(key):
            with pytest.raises(KeyError):
                self.lanes.done(key)

    @rule()
    def clear(self) -> None:
        unfinished = sum(len(items) - self.finished[key] for key, items in self.offered.items())
        assert self.lanes.clear() == unfinished
        self.offered.clear()
        self.started.clear()
        self.finished.clear()

    @invariant()
    def items_start_in_the_order_they_were_offered(self) -> None:
        for key, started in self.started.items():
            assert started == self.offered[key][: len(started)]

    @invariant()
    def at_most_one_item_of_a_key_is_in_work(self) -> None:
        assert all(len(started) - self.finished[key] in {0, 1} for key, started in self.started.items())

    @invariant()
    def it_counts_what_is_not_finished(self) -> None:
        unfinished = {key: len(items) - self.finished[key] for key, items in self.offered.items()}
        assert len(self.lanes) == sum(unfinished.values())
        assert self.lanes.busy == sum(count > 0 for count in unfinished.values())

    @invariant()
    def it_tells_where_something_is_in_work_and_how_much_waits_behind_it(self) -> None:
        for key in "abcd":
            unfinished = len(self.offered[key]) - self.finished[key]
            assert self.lanes.is_busy(key) == (unfinished > 0)
            assert self.lanes.behind(key) == max(0, unfinished - 1)

    @invariant()
    def an_idle_lane_costs_nothing(self) -> None:
        kept = self.lanes._waiting
        assert set(kept) == {key for key in "abcd" if self.in_work(key)}


TestLanes = LanesAgainstAModel.TestCase


def test_given_one_key_in_work_another_starts_at_once() -> None:
    lanes: Lanes[str, int] = Lanes()
    assert lanes.offer("slow", 1)
    assert not lanes.offer("slow", 2)
    assert lanes.offer("quick", 3)
    assert lanes.done("quick") is None
    assert lanes.done("slow") == 2


def test_given_three_of_one_key_it_is_busy_until_the_last_is_done_and_tells_how_many_wait() -> None:
    lanes: Lanes[str, int] = Lanes()
    assert (lanes.is_busy("ada"), lanes.behind("ada")) == (False, 0)
    for number in range(3):
        lanes.offer("ada", number)
    seen = []
    while lanes.is_busy("ada"):
        seen.append(lanes.behind("ada"))
        lanes.done("ada")
    assert seen == [2, 1, 0]
    assert not lanes.is_busy("ben")
