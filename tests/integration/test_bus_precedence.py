"""Messages go before pieces of files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from gearmesh.bus.connection import Connection
from gearmesh.bus.precedence import Precedence


@asynccontextmanager
async def moving(connection: Connection) -> AsyncIterator[Callable[[], int]]:
    """Messages go, one after the other; gives how many have gone."""
    gone = 0

    async def go() -> None:
        nonlocal gone
        while True:
            await connection.client.publish("chat", b"hello")
            gone += 1
            await asyncio.sleep(0.001)

    task = asyncio.create_task(go())
    try:
        yield lambda: gone
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def turns(precedence: Precedence, taken: list[int], count: int) -> None:
    for number in range(count):
        async with precedence.turn():
            taken.append(number)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.001)


async def test_a_piece_waits_while_messages_are_on_their_way(connection: Connection) -> None:
    precedence, taken = Precedence(connection, gap=0.5, most=60.0), list[int]()
    async with moving(connection) as gone:
        await until(lambda: gone() > 0)
        carrying = asyncio.create_task(turns(precedence, taken, 1))
        await until(lambda: gone() > 700)
        assert not taken
    await asyncio.wait_for(carrying, 20)
    assert taken == [0]


async def test_files_go_on_however_much_is_written(connection: Connection) -> None:
    precedence, taken = Precedence(connection, gap=0.5, most=0.01), list[int]()
    async with moving(connection) as gone:
        await until(lambda: gone() > 0)
        await asyncio.wait_for(turns(precedence, taken, 2), 20)
        assert taken == [0, 1]


async def test_what_comes_counts_as_what_goes(connection: Connection) -> None:
    before = connection.moved
    subscription = await connection.client.subscribe("chat")
    await connection.client.publish("chat", b"hello")
    await subscription.next_msg(timeout=5)

    assert connection.moved == before + 2


async def test_one_piece_goes_at_a_time(connection: Connection) -> None:
    precedence, inside, most = Precedence(connection), 0, 0

    async def carry() -> None:
        nonlocal inside, most
        async with precedence.turn():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(carry() for _ in range(5)))
    assert most == 1


async def test_a_piece_that_fails_leaves_the_turn_to_the_next(connection: Connection) -> None:
    precedence, taken = Precedence(connection), list[int]()
    try:
        async with precedence.turn():
            raise OSError("no room")
    except OSError:
        pass
    await asyncio.wait_for(turns(precedence, taken, 1), 20)
    assert taken == [0]
