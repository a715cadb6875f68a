"""A sandbox and a daemon as processes of their own, which can be killed without each other and without the test."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp

from .configuration import example
from .patience import eventually
from .phones import Phones
from .ports import free_port
from .processes import Program
from .town import signed

SIGN_WITHIN: Final = 30.0
"""Seconds: the sign of a message comes behind all that waits for its reader's network to tell us. After a kill that is
told fifty at a time, a second and a half for each as order cannot be relied on: with a few hundred messages, 16 s."""
UP_WITHIN: Final = 30.0


class FarTown:
    """People with phones; `sandbox` and `daemon` are programs, both listening when the town is given out."""

    def __init__(self, http: aiohttp.ClientSession, folder: Path, sandbox: Program, graph_url: str, port: int) -> None:
        self.http = http
        self.phones = Phones(http, graph_url)
        self.sandbox = sandbox
        self.url = f"http://127.0.0.1:{port}"
        self.data = folder / "data"
        self._configuration = folder / "gearmesh.toml"
        self._example = example(graph_url=graph_url, port=port)
        self.configure()
        arguments = ("run", str(self._configuration), "--data", str(self.data))
        self.daemon = Program(folder, "gearmesh", *arguments, name="daemon")

    def configure(self, *, drain: float = 5.0, sign_within: float = SIGN_WITHIN) -> None:
        """Choose how many seconds the daemon takes for draining, and waits for a sign, from its next start on."""
        text = re.sub(r"(?m)^drain = .*$", f"drain = {drain}", self._example)
        text = re.sub(r"(?m)^any_account = .*$", f"unclear_wait = {sign_within}", text)
        self._configuration.write_text(text, encoding="utf-8")

    @property
    def nats_pid(self) -> int:
        """The process id of the daemon's own nats-server."""
        return int((self.data / "nats" / "nats-server.pid").read_text())

    async def start(self) -> None:
        """Start the daemon on the town's data, and wait until its apps are connected."""
        await self.daemon.start()
        await self.is_ready()

    async def is_ready(self) -> None:
        """Wait until `/readyz` says so."""

        async def look() -> int:
            assert self.daemon.runs, self.daemon.stderr[-3000:]
            try:
                return (await self.get("/readyz"))[0]
            except aiohttp.ClientConnectionError:
                return 0

        await eventually(look, lambda status: status == 200, awaited="/readyz to say 200", within=UP_WITHIN)

    async def get(self, path: str) -> tuple[int, str]:
        """What the daemon answers to a GET: status and body."""
        async with self.http.get(f"{self.url}{path}") as response:
            return response.status, await response.text()

    async def webhook(self, app: str, body: bytes) -> int:
        """Post a webhook, rightly signed, and return the status."""
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signed(body)}
        async with self.http.post(f"{self.url}/webhooks/{app}", data=body, headers=headers) as response:
            await response.read()
            return response.status


@asynccontextmanager
async def far_town_of(folder: Path) -> AsyncIterator[FarTown]:
    """A town whose daemon does not run yet."""
    port, graph_port = free_port(), free_port()
    graph_url = f"http://127.0.0.1:{graph_port}"
    arguments = ("--port", str(graph_port), "--webhooks", f"http://127.0.0.1:{port}")
    sandbox = Program(folder, "gearmesh_meta.sandbox", *arguments, name="sandbox")
    async with aiohttp.ClientSession() as http, sandbox:
        await sandbox.says("sandbox on")
        town = FarTown(http, folder, sandbox, graph_url, port)
        try:
            yield town
        finally:
            await town.daemon.kill()
