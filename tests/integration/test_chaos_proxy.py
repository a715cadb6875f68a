"""The load balancer of a campaign: webhooks find a daemon that is there, and connections can be cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from tests.chaos import proxy
from tests.chaos.proxy import Proxy

from .ports import free_port

Answer = Callable[[bytes], Awaitable[bytes]]


@asynccontextmanager
async def serving(port: int, answer: Answer) -> AsyncIterator[None]:
    """Somebody who answers each line."""

    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(await answer(line))
        except ConnectionError:
            pass  # it was cut
        finally:
            writer.transport.abort()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


def named(name: bytes) -> Answer:
    """Answers with a name."""

    async def answer(line: bytes) -> bytes:
        return name + b" " + line

    return answer


async def ask(port: int, line: bytes = b"hello\n") -> bytes:
    """What comes back on a connection of its own; nothing when it is cut."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(line)
        return await reader.readline()
    except ConnectionError:
        return b""
    finally:
        writer.transport.abort()


async def test_given_two_daemons_then_both_are_asked() -> None:
    ports = (free_port(), free_port())
    async with serving(ports[0], named(b"a")), serving(ports[1], named(b"b")), Proxy(ports) as balancer:
        answers = {await ask(balancer.port) for _ in range(4)}

    assert answers == {b"a hello\n", b"b hello\n"}


async def test_given_one_daemon_is_gone_then_the_other_one_is_asked() -> None:
    ports = (free_port(), free_port())
    async with serving(ports[1], named(b"b")), Proxy(ports) as balancer:
        assert {await ask(balancer.port) for _ in range(4)} == {b"b hello\n"}


async def test_given_both_are_gone_then_the_connection_is_cut() -> None:
    async with Proxy((free_port(), free_port())) as balancer:
        assert await ask(balancer.port) == b""


async def test_given_a_question_when_connections_are_cut_then_it_gets_no_answer_and_the_next_one_does() -> None:
    port, asked = free_port(), asyncio.Event()

    async def never(line: bytes) -> bytes:
        if line != b"wait\n":
            return line
        asked.set()
        await asyncio.Event().wait()
        return b""

    async with serving(port, never), Proxy((port,)) as balancer:
        asking = asyncio.create_task(ask(balancer.port, b"wait\n"))
        await asked.wait()

        assert balancer.cut() == 1

        assert await asking == b""
        assert await ask(balancer.port) == b"hello\n"


async def test_given_a_daemon_that_is_silent_then_the_connection_is_cut_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port = free_port()
    monkeypatch.setattr(proxy, "PATIENCE", 0.1)

    async def never(line: bytes) -> bytes:
        await asyncio.Event().wait()
        return b""

    async with serving(port, never), Proxy((port,)) as balancer:
        assert await ask(balancer.port) == b""
