"""The work of an app's egress: nobody waits for another one's, and all of it comes to an end."""

from __future__ import annotations

import asyncio

import pytest

from gearmesh.host.on_the_way import OnTheWay

WITHIN = 10.0


class Network:
    """Works on numbers: odd ones wait until it is `there`. What failed is kept."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.done: list[int] = []
        self.failed: list[BaseException] = []
        self.tasks: set[asyncio.Task[None] | None] = set()
        self.there = asyncio.Event()
        self.way = OnTheWay(self.failed.append)

    async def send(self, number: int) -> None:
        """Send one."""
        self.begun.append(number)
        self.tasks.add(asyncio.current_task())
        if number % 2:
            await self.there.wait()
        self.done.append(number)

    def start(self, *numbers: int) -> None:
        """Send some at once."""
        self.way.start(self.way.each, self.send, numbers)


async def turns(count: int) -> None:
    """Let the event loop go round so many times."""
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.fixture
async def network() -> Network:
    """Nothing is on its way."""
    return Network()


async def test_given_work_that_comes_back_at_once_then_one_task_does_all_of_it(network: Network) -> None:
    network.start(*range(0, 100, 2))
    assert await network.way.finish(WITHIN)
    assert network.done == list(range(0, 100, 2))
    assert len(network.tasks) == 1


async def test_given_some_that_wait_then_nobody_waits_for_them_and_all_begin_in_order(network: Network) -> None:
    network.start(0, 1, 2, 3, 4, 5)
    await turns(4)
    assert network.begun == [0, 1, 2, 3, 4, 5]
    assert network.done == [0, 2, 4]
    network.there.set()
    assert await network.way.finish(WITHIN)
    assert network.done == [0, 2, 4, 1, 3, 5]


async def test_given_one_that_fails_then_that_is_told_and_those_behind_it_are_worked_on(network: Network) -> None:
    async def send(number: int) -> None:
        if number == 2:
            raise ValueError("odd")
        await network.send(number)

    network.way.start(network.way.each, send, (0, 2, 4))
    assert await network.way.finish(WITHIN)
    assert network.done == [0, 4]
    assert [str(error) for error in network.failed] == ["odd"]


@pytest.mark.parametrize("waits", [False, True])
async def test_given_one_that_cancels_its_own_task_then_those_behind_it_are_worked_on(
    network: Network, waits: bool
) -> None:
    async def send(number: int) -> None:
        if number == 2:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            if waits:
                await asyncio.sleep(0)
            return
        await asyncio.sleep(0)  # which would raise what was meant for somebody else
        await network.send(number)

    network.way.start(network.way.each, send, (2, 4, 6))
    await turns(6)
    assert await network.way.finish(WITHIN)
    assert network.done == [4, 6]
    assert [type(error) for error in network.failed] == [asyncio.CancelledError] * waits


async def test_given_what_is_handed_on_while_it_is_waited_for_then_that_is_waited_for_as_well(network: Network) -> None:
    network.start(1, 3)
    finishing = asyncio.create_task(network.way.finish(WITHIN))
    await turns(4)
    assert network.begun == [1, 3]
    network.there.set()
    assert await finishing
    assert network.done == [1, 3]


async def test_given_what_takes_too_long_then_it_is_cancelled_and_is_no_failure(network: Network) -> None:
    network.start(1, 2, 3)
    await turns(4)
    assert not await network.way.finish(0.01)
    network.there.set()
    await turns(4)
    assert network.done == [2]
    assert not network.failed
    assert await network.way.finish(WITHIN), "nothing is left"


async def test_given_an_end_in_the_very_moment_in_which_the_first_has_to_wait_then_nothing_goes_on_after_it(
    network: Network,
) -> None:
    network.start(1, 3)
    assert not await network.way.finish(0.0)
    network.there.set()
    await turns(4)
    assert (network.done, network.failed) == ([], [])
