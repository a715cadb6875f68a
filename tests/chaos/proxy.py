"""A load balancer for TCP: the address to which networks post, whichever daemon is there to answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Final

from tests.integration.ports import free_port

PATIENCE: Final = 5.0
"""Seconds without an answer after which a connection is cut: Messenger waits no longer (Messenger Platform)."""
HEALTH_EVERY: Final = 0.25
HEALTH_WITHIN: Final = 0.5
CHUNK: Final = 64 * 1024


class _Link:
    """One connection and what it leads to. `asked_at` is when something was passed on that has no answer yet."""

    def __init__(self, outer: asyncio.StreamWriter, inner: asyncio.StreamWriter, port: int) -> None:
        self.outer, self.inner, self.port = outer, inner, port
        self.asked_at: float | None = None

    def cut(self) -> None:
        self.outer.transport.abort()
        self.inner.transport.abort()


class Proxy:
    """Passes connections on to the ports in turn; to the next one where one is refused. Use as a context manager."""

    def __init__(self, ports: Sequence[int], *, looks_after: bool = False) -> None:
        """`looks_after`: what listens there is asked at `/healthz`, and gets nothing while it does not answer."""
        self._looks_after = ports if looks_after else ()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._ports = ports
        self._turn = 0
        self._silent: set[int] = set()
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self._watch = asyncio.gather(self._cut_silent(), *(self._look_after(port) for port in self._looks_after))
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
        answers, inner, port = opened
        link = _Link(writer, inner, port)
        self._links.add(link)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pump(reader, inner, link, asks=True))
                tasks.create_task(self._pump(answers, writer, link, asks=False))
        finally:
            self._links.discard(link)
            link.cut()
            await asyncio.gather(writer.wait_closed(), inner.wait_closed(), return_exceptions=True)

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, int] | None:
        self._turn += 1
        turn = [self._ports[(self._turn + place) % len(self._ports)] for place in range(len(self._ports))]
        for port in sorted(turn, key=lambda port: port in self._silent):
            with contextlib.suppress(OSError):
                return *await asyncio.open_connection("127.0.0.1", port), port
        return None

    async def _look_after(self, port: int) -> None:
        """Ask for its health again and again, as load balancers do: one that stands still gets nothing more."""
        while True:
            await asyncio.sleep(HEALTH_EVERY)
            if await _is_healthy(port):
                self._silent.discard(port)
                continue
            self._silent.add(port)
            for link in tuple(self._links):
                if link.port == port:
                    link.cut()

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


async def _is_healthy(port: int) -> bool:
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(HEALTH_WITHIN):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")
            return bool(await reader.read(1))
    except (OSError, TimeoutError):
        return False
    finally:
        if writer is not None:
            writer.transport.abort()
