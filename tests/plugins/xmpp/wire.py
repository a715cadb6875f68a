"""The wire between the bridge and its server, which can be cut, and on which what passes can be looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

CHUNK: Final = 64 * 1024
Look = Callable[[bytes], Awaitable[bool]]
"""Looks at what passes; False: the wire is cut instead."""


class Wire:
    """Use as an async context manager. `up`: towards the server, `down`: towards the bridge."""

    def __init__(self, port: int) -> None:
        self.up: Look | None = None
        self.down: Look | None = None
        self.port = 0
        self._to = port
        self._is_cut = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Wire:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Cut it; whoever connects is cut, too, until it is mended."""
        self._is_cut = True
        for writer in self._writers:
            writer.transport.abort()

    def mend(self) -> None:
        """Let connections through again."""
        self._is_cut = False

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        try:
            answers, inner = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, inner}
        try:
            await asyncio.gather(self._pump(reader, inner, up=True), self._pump(answers, writer, up=False))
        except OSError:
            pass
        finally:
            self._writers -= {writer, inner}
            writer.transport.abort()
            inner.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool) -> None:
        while data := await reader.read(CHUNK):
            look = self.up if up else self.down
            if look is not None and not await look(data):
                raise ConnectionAbortedError
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError
