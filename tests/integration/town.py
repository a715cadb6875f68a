"""A sandbox and a daemon that know each other, in the test's own process: real HTTP, real nats-server."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec
from aiohttp import web

from gearmesh.config import parse
from gearmesh.daemon import Daemon
from gearmesh.model.delivery import LedgerEntry
from gearmesh_meta.sandbox import Settings, build_app

from .configuration import tables
from .metrics import samples
from .patience import eventually
from .phones import Phone, Phones
from .ports import free_port
from .streams import everything, with_headers

SETTINGS: Final = Settings()
SIGN_WITHIN: Final = 2.0
"""Seconds: in one process a sign of a message comes at once, or never."""


class Town:
    """People with phones, a sandbox that plays their networks, and a Gearmesh in between.

    `phones` is the sandbox's side. `start` and `stop` are for the daemon alone: the sandbox goes on.
    """

    def __init__(self, http: aiohttp.ClientSession, folder: Path, graph_url: str, port: int) -> None:
        self.http = http
        self.phones = Phones(http, graph_url)
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.folder = folder
        self.tables = tables(graph_url=graph_url, port=port)
        for app in self.tables["apps"].values():
            app["unclear_wait"] = SIGN_WITHIN
        self._daemon: Daemon | None = None

    @property
    def daemon(self) -> Daemon:
        """The running daemon."""
        assert self._daemon is not None, "the daemon does not run"
        return self._daemon

    async def start(self) -> None:
        """Start the daemon on the town's data, and wait until its apps are connected."""
        await self.start_without_waiting()
        await self.is_ready()

    async def start_without_waiting(self) -> None:
        """Start the daemon on the town's data; its apps may or may not connect."""
        self._daemon = await Daemon(parse(self.tables), self.folder / "data").__aenter__()

    async def stop(self) -> None:
        """Drain the daemon and end it."""
        daemon, self._daemon = self._daemon, None
        if daemon:
            await daemon.__aexit__(None, None, None)

    async def is_ready(self) -> None:
        """Wait until `/readyz` says so."""
        await eventually(lambda: self.get("/readyz"), lambda answer: answer[0] == 200, awaited="/readyz to say 200")

    async def app_is(self, app: str, status: str) -> None:
        """Wait until an app is in this status."""
        await eventually(
            lambda: self.get("/readyz"),
            lambda answer: json.loads(answer[1])["apps"][app]["status"] == status,
            awaited=f"{app} to be {status}",
        )

    async def get(self, path: str) -> tuple[int, str]:
        """What the daemon answers to a GET: status and body."""
        async with self.http.get(f"{self.url}{path}") as response:
            return response.status, await response.text()

    async def webhook(self, app: str, body: bytes, signature: str | None = None, **more: Any) -> int:
        """Post a webhook, rightly signed unless a `signature` is given ("" leaves it out), and return the status."""
        headers = {"Content-Type": "application/json"}
        sent = signed(body) if signature is None else signature
        if sent:
            headers["X-Hub-Signature-256"] = sent
        async with self.http.post(
            f"{self.url}/webhooks/{app}", data=io.BytesIO(body), headers=headers, **more
        ) as response:
            await response.read()
            return response.status

    async def counted(self, name: str, at_least: float, **labels: str) -> float:
        """Wait until a counter of `/metrics` has reached a value, and return it."""

        async def look() -> float:
            return (await samples(self)).value(name, **labels)

        return await eventually(look, lambda value: value >= at_least, awaited=f"{name} {labels} to be {at_least}")

    async def ledger(self) -> list[LedgerEntry]:
        """All steps of all legs, oldest first."""
        decoder = msgspec.msgpack.Decoder(LedgerEntry)
        return [decoder.decode(data) for _, data in await everything(self.daemon.connection, "GM_LEDGER")]

    async def steps(self, to: str, count: int) -> list[str]:
        """The first `count` states of the messages to an address, waited for."""

        async def look() -> list[str]:
            return [entry.state for entry in await self.ledger() if entry.to == to and entry.kind == "event"]

        return await eventually(look, lambda states: len(states) >= count, awaited=f"{count} steps to {to}")

    async def stands(self, reader: Phone, state: str, reason: str, count: int) -> None:
        """Wait until the ledger says of so many messages to somebody that they have come to this."""

        async def look() -> list[tuple[str, str]]:
            last: dict[str, tuple[str, str]] = {}
            for entry in await self.ledger():
                if entry.to == f"{reader.network}:{reader.user}" and entry.kind == "event":
                    last[entry.envelope] = (entry.state, entry.reason)
            return list(last.values())

        await eventually(look, lambda all: all.count((state, reason)) >= count, awaited=f"{count} {state} ({reason})")

    async def dead_letters(self, count: int) -> list[tuple[str, dict[str, str], bytes]]:
        """The dead letters (subject, headers, bytes), oldest first; waits until there are `count`."""
        return await eventually(
            lambda: with_headers(self.daemon.connection, "GM_DEAD"),
            lambda letters: len(letters) >= count,
            awaited=f"{count} dead letters",
        )


def signed(body: bytes, secret: str = SETTINGS.app_secret) -> str:
    """The signature of a webhook's body, as its header has it."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


@asynccontextmanager
async def serving(settings: Settings, port: int = 0) -> AsyncIterator[str]:
    """A sandbox on a port of the loopback; yields its URL."""
    runner = web.AppRunner(build_app(settings), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        host, bound = runner.addresses[0][:2]
        yield f"http://{host}:{bound}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def town_of(folder: Path, **settings: Any) -> AsyncIterator[Town]:
    """A town whose daemon does not run yet. `settings` are the sandbox's; its retries come quickly."""
    port = free_port()
    chosen: dict[str, Any] = {"retry_first": 0.05, "retry_cap": 0.2, **settings}
    chosen["webhooks"] = f"http://127.0.0.1:{port}/webhooks/{{network}}"
    async with aiohttp.ClientSession() as http, serving(Settings(**chosen)) as graph_url:
        town = Town(http, folder, graph_url, port)
        try:
            yield town
        finally:
            await town.stop()
