"""A piece of the way between the bridge and its server that can be cut."""

from __future__ import annotations

import asyncio
from typing import Any


class Proxy:
    """Passes connections on to a port of the loopback. `deaf`: what we write does not reach the server any more, and
    what it says does not reach us, as where a cable is pulled."""

    def __init__(self, target: int) -> None:
        self._target = target
        self.port = 0
        self.deaf = False
        self.taken = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Proxy:
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()

    async def listen(self) -> None:
        """Take connections."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Cut all connections, and take no more."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.taken += 1
        inner_reader, inner = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers |= {writer, inner}
        pumps: tuple[asyncio.Future[Any], ...] = (
            asyncio.ensure_future(self._pump(reader, inner)),
            asyncio.ensure_future(self._pump(inner_reader, writer)),
        )
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for one in (writer, inner):
                self._writers.discard(one)
                one.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                if not self.deaf:
                    writer.write(data)
                    await writer.drain()
        except ConnectionError:
            return
