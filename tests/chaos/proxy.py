"""A load balancer for TCP: the address to which networks post, whichever daemon is there to answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Final

from tests.integration.ports import free_port

PATIENCE: Final = 5.0
"""Seconds without an answer after which a connection is cut: Messenger waits no longer (Messenger Platform)."""
CHUNK: Final = 64 * 1024


class _Link:
    """One connection and what it leads to. `asked_at` is when something was passed on that has no answer yet."""

    def __init__(self, outer: asyncio.StreamWriter, inner: asyncio.StreamWriter) -> None:
        self.outer, self.inner = outer, inner
        self.asked_at: float | None = None

    def cut(self) -> None:
        self.outer.transport.abort()
        self.inner.transport.abort()


class Proxy:
    """Passes connections on to the ports in turn; to the next one where one is refused. Use as a context manager."""

    def __init__(self, ports: Sequence[int]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._ports = ports
        self._turn = 0
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self._watch = asyncio.create_task(self._cut_silent())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._watch.cancel()
        self._server.close()
        self.cut()
        await asyncio.gather(self._watch, *self._tasks, return_exceptions=True)

    def cut(self) -> int:
        """Cut all connections in the middle of whatever they carry; how many there were."""
        for link in self._links:
            link.cut()
        return len(self._links)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened = await self._open()
        if opened is None:
            writer.transport.abort()
            return
        answers, inner = opened
        link = _Link(writer, inner)
        self._links.add(link)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pump(reader, inner, link, asks=True))
                tasks.create_task(self._pump(answers, writer, link, asks=False))
        finally:
            self._links.discard(link)
            link.cut()
            await asyncio.gather(writer.wait_closed(), inner.wait_closed(), return_exceptions=True)

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        self._turn += 1
        for place in range(len(self._ports)):
            port = self._ports[(self._turn + place) % len(self._ports)]
            with contextlib.suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", port)
        return None

    async def _pump(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, link: _Link, *, asks: bool
    ) -> None:
        try:
            while data := await source.read(CHUNK):
                link.asked_at = asyncio.get_running_loop().time() if asks else None
                target.write(data)
                await target.drain()
        except OSError:
            pass  # one side is gone; so is the other now
        finally:
            target.close()  # once what it was given is on its way

    async def _cut_silent(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(0.5)
            for link in tuple(self._links):
                if link.asked_at is not None and loop.time() - link.asked_at > PATIENCE:
                    link.cut()
