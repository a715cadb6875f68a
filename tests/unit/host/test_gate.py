"""The gate before every send: the app's rate, the recipients', and the brake."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from gearmesh.errors import RateLimited, Rejected, Retry, SendFailed, Unauthorized, Unclear, WindowClosed
from gearmesh.host.gate import LONGEST_LOOK, Gate
from gearmesh.host.turn import Turn
from gearmesh.model.capabilities import Capabilities, Limit, Rate
from gearmesh.testing import FakeClock

TEXT = Limit(1000, "characters", "test")
PLAIN = Capabilities(TEXT)
PACED = Capabilities(TEXT, app_rate=Rate(1.0), recipient_rate=Rate(6.0, burst=3, within=6.0))
LATER = 3600.0


class Crowd:
    """Many who want to pass a gate; `passed` has who did, and when (seconds since it began)."""

    def __init__(self, clock: FakeClock, gate: Gate) -> None:
        self.clock = clock
        self.gate = gate
        self.turn = Turn()
        self.began = clock.seconds()
        self.passed: list[tuple[str, float]] = []
        self.refused: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def come(self, *threads: str, within: float = LATER) -> None:
        """They stand before the gate, in this order."""
        for thread in threads:
            self._tasks.append(asyncio.create_task(self._pass(thread, self.clock.seconds() + within)))
        await self.clock.advance(0)

    async def _pass(self, thread: str, until: float) -> None:
        if await self.gate.passage(thread, self.turn, until):
            self.passed.append((thread, round(self.clock.seconds() - self.began, 3)))
        else:
            self.refused.append(thread)

    @property
    def who(self) -> list[str]:
        """Who has passed."""
        return [thread for thread, _ in self.passed]

    @property
    def times(self) -> list[float]:
        """When they passed."""
        return [when for _, when in self.passed]

    async def leave(self) -> None:
        """Nobody waits any more."""
        self.turn.end()
        await asyncio.gather(*self._tasks)


@pytest.fixture
async def crowd(clock: FakeClock) -> AsyncIterator[Crowd]:
    """Before a gate that knows no rates."""
    crowd = Crowd(clock, Gate(clock))
    yield crowd
    await crowd.leave()


@pytest.fixture
async def paced(clock: FakeClock) -> AsyncIterator[Crowd]:
    """Before a gate that lets one pass each second."""
    gate = Gate(clock)
    gate.debt("somebody", PACED)
    crowd = Crowd(clock, gate)
    yield crowd
    await crowd.leave()


def fail(gate: Gate, count: int = 8) -> None:
    """The network fails for so many people."""
    for number in range(count):
        gate.failed(f"failing {number}", Retry("busy"))


async def test_given_no_rates_then_everybody_passes_at_once(crowd: Crowd) -> None:
    assert crowd.gate.debt("ada", PLAIN) == 0
    await crowd.come(*"abcdefgh")
    assert crowd.passed == [(thread, 0.0) for thread in "abcdefgh"]


async def test_given_the_app_s_rate_then_they_pass_one_after_the_other_in_their_order(paced: Crowd) -> None:
    await paced.come(*"abcd")
    await paced.clock.advance(10)
    assert paced.passed == [("a", 0), ("b", 1), ("c", 2), ("d", 3)]


async def test_given_the_recipient_s_rate_then_a_burst_passes_and_the_debt_is_told(clock: FakeClock) -> None:
    gate, turn = Gate(clock), Turn()
    for _ in range(3):
        assert gate.debt("ada", PACED) == 0
        assert await gate.passage("ada", turn, clock.seconds() + LATER)
        await clock.advance(1)
    assert 15 <= gate.debt("ada", PACED) <= 15.2
    assert gate.debt("ben", PACED) == 0


async def test_given_the_operator_s_own_rates_then_they_count_instead_of_the_network_s(clock: FakeClock) -> None:
    gate, turn = Gate(clock, rate=2.0, recipient_every=0), Turn()
    for _ in range(5):
        assert gate.debt("ada", PACED) == 0
    assert await gate.passage("ada", turn, clock.seconds() + LATER)
    crowd = Crowd(clock, gate)
    await crowd.come(*"ab")
    await clock.advance(5)
    assert crowd.times == [0.5, 1.0]


async def test_given_rates_that_the_operator_turned_off_then_everybody_passes_at_once(clock: FakeClock) -> None:
    gate = Gate(clock, rate=0, recipient_every=0)
    crowd = Crowd(clock, gate)
    for _ in range(50):
        assert gate.debt("ada", PACED) == 0
        await crowd.come("ada")
    assert crowd.times == [0.0] * 50


async def test_given_a_network_that_fails_for_many_then_one_tries_and_the_others_follow_when_it_worked(
    crowd: Crowd,
) -> None:
    fail(crowd.gate)
    assert crowd.gate.is_closed
    await crowd.come(*"abc")
    assert crowd.passed == []

    await crowd.clock.advance(1)
    assert crowd.who == ["a"]
    await crowd.clock.advance(60)
    assert crowd.who == ["a"]

    crowd.gate.worked()
    await crowd.clock.advance(0)
    assert crowd.who == ["a", "b", "c"]
    assert not crowd.gate.is_closed


async def test_given_a_try_that_fails_then_the_next_one_tries_after_a_pause(crowd: Crowd) -> None:
    fail(crowd.gate)
    await crowd.come(*"abc")
    await crowd.clock.advance(1)

    crowd.gate.failed("a", Unclear("no answer"))
    await crowd.clock.advance(0)
    assert crowd.who == ["a"]
    await crowd.clock.advance(2)

    assert len(crowd.who) == 2


async def test_given_a_network_that_asks_everybody_to_wait_then_nobody_passes_before(crowd: Crowd) -> None:
    await crowd.come("early")
    crowd.gate.hold(30.0)
    await crowd.come(*"ab")
    crowd.gate.worked()  # the early one's answer: it says nothing of the pause
    await crowd.clock.advance(29.9)
    assert crowd.who == ["early"]
    await crowd.clock.advance(0.1)
    assert crowd.passed[1:] == [("a", 30.0)]


async def test_given_many_who_waited_for_the_brake_then_they_pass_no_faster_than_the_app_s_rate(paced: Crowd) -> None:
    paced.gate.hold(30.0)
    await paced.come(*"abcdef")
    await paced.clock.advance(30)
    assert paced.who == ["a"]

    paced.gate.worked()
    await paced.clock.advance(20)

    assert len(paced.who) == 6
    gaps = [after - before for before, after in pairwise(paced.times)]
    assert min(gaps) >= 0.999, paced.times


async def test_given_a_brake_that_comes_on_while_they_wait_for_their_slots_then_they_take_new_ones(
    paced: Crowd,
) -> None:
    await paced.come(*"abcdef")
    assert paced.who == ["a"]
    paced.gate.hold(30.0)
    await paced.clock.advance(29)
    assert paced.who == ["a"]

    await paced.clock.advance(2)
    paced.gate.worked()
    await paced.clock.advance(20)

    assert len(paced.who) == 6
    gaps = [after - before for before, after in pairwise(paced.times)]
    assert min(gaps) >= 0.999, paced.times


async def test_given_whoever_tries_leaves_without_sending_then_the_next_one_tries_at_once(crowd: Crowd) -> None:
    crowd.gate.hold(1.0)
    await crowd.come(*"abc")
    await crowd.clock.advance(1)
    assert crowd.who == ["a"]

    crowd.gate.left()
    await crowd.clock.advance(0)

    assert len(crowd.who) == 2


@pytest.mark.parametrize(
    "error",
    [RateLimited("too fast", scope="app"), Unauthorized("token expired")],
    ids=lambda error: type(error).__name__,
)
async def test_given_a_try_that_is_refused_for_everybody_and_nobody_says_for_how_long_then_the_next_one_tries(
    crowd: Crowd, error: SendFailed
) -> None:
    crowd.gate.hold(1.0)
    await crowd.come(*"ab")
    await crowd.clock.advance(1)
    assert crowd.who == ["a"]

    crowd.gate.failed("a", error)
    await crowd.clock.advance(LONGEST_LOOK)

    assert crowd.who == ["a", "b"]


@pytest.mark.parametrize(
    "error",
    [Rejected("no such user"), WindowClosed("24 hours"), RateLimited("too fast", scope="recipient")],
    ids=lambda error: type(error).__name__,
)
async def test_given_a_try_that_is_refused_for_its_own_sake_then_the_network_is_there(
    crowd: Crowd, error: SendFailed
) -> None:
    fail(crowd.gate)
    await crowd.come(*"abc")
    await crowd.clock.advance(1)

    crowd.gate.failed("a", error)
    await crowd.clock.advance(0)

    assert crowd.who == ["a", "b", "c"]


async def test_given_a_gate_that_stays_closed_then_nobody_waits_longer_than_they_may(crowd: Crowd) -> None:
    crowd.gate.hold(LATER)
    await crowd.come("impatient", within=20)
    await crowd.come("patient", within=LATER + 1)
    await crowd.clock.advance(20)
    assert crowd.refused == ["impatient"]
    await crowd.clock.advance(LATER)
    assert crowd.who == ["patient"]


async def test_given_a_turn_that_ends_then_nobody_passes_and_nobody_waits(crowd: Crowd) -> None:
    crowd.gate.hold(LATER)
    await crowd.come(*"abc")

    crowd.turn.end()
    await crowd.clock.advance(0)

    assert crowd.refused == ["a", "b", "c"]
    assert crowd.passed == []


async def test_given_a_turn_that_ends_while_somebody_tries_then_the_next_turn_is_not_held_up(clock: FakeClock) -> None:
    gate = Gate(clock)
    gate.debt("somebody", PACED)
    first = Crowd(clock, gate)
    await first.come("a")
    gate.hold(0.5)
    await first.come("b")
    await clock.advance(0.5)  # "b" may try, and waits for its slot
    await first.leave()
    assert first.refused == ["b"]

    second = Crowd(clock, gate)
    await second.come("c")
    await clock.advance(3)

    assert second.who == ["c"]
    await second.leave()
