"""The processes of a campaign: a sandbox, a nats-server, two daemons on it, and a load balancer before them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
from tests.integration.patience import eventually
from tests.integration.phones import Phones
from tests.integration.ports import free_port
from tests.integration.processes import Program

from gearmesh.testing import NatsServer

from .configuration import configuration
from .proxy import Proxy

ROOT: Final = Path(__file__).parents[2]
UP_WITHIN: Final = 60.0
PEAK: Final = re.compile(r"VmHWM:\s+(\d+)")
LOOK_WITHIN: Final = aiohttp.ClientTimeout(total=1.0)


class Member:
    """One of the daemons. `meant_to_run` is whether nobody has ended it on purpose."""

    def __init__(self, name: str, program: Program, url: str, http: aiohttp.ClientSession) -> None:
        self.name = name
        self.program = program
        self.meant_to_run = False
        self.peak_kib = 0
        self._url = url
        self._http = http

    async def start(self) -> None:
        """Start it, and wait until it answers."""
        await self.program.start()
        self.meant_to_run = True
        await self.answers()

    async def kill(self) -> None:
        """End it at once."""
        self.meant_to_run = False
        self.measure()
        await self.program.kill()

    async def stop(self) -> None:
        """Tell it to finish and end, and wait for that."""
        self.meant_to_run = False
        self.measure()
        self.program.send(signal.SIGTERM)
        await self.program.ended()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it still runs."""
        with contextlib.suppress(ProcessLookupError):
            self.program.send(number)

    async def apps(self) -> dict[str, str]:
        """The status of each app as it says itself; empty while it does not answer."""
        try:
            async with self._http.get(f"{self._url}/readyz", timeout=LOOK_WITHIN) as answer:
                state: dict[str, Any] = await answer.json()
        except (aiohttp.ClientError, TimeoutError):
            return {}
        return {name: app["status"] for name, app in state["apps"].items()}

    async def answers(self) -> None:
        """Wait until it answers."""

        async def look() -> bool:
            return bool(await self.apps())

        await eventually(look, awaited=f"{self.name} to answer", within=UP_WITHIN)

    def measure(self) -> None:
        """Look at the most memory that the process has ever used, in KiB."""
        if self.program.runs:
            with contextlib.suppress(OSError):
                # One that has just died has a status without memory.
                peak = PEAK.search(Path(f"/proc/{self.program.pid}/status").read_text())
                self.peak_kib = max(self.peak_kib, int(peak[1]) if peak else 0)


class Cluster:
    """All of them, running."""

    def __init__(
        self,
        folder: Path,
        sandbox: Program,
        nats: NatsServer,
        proxy: Proxy,
        members: tuple[Member, ...],
        phones: Phones,
    ) -> None:
        self.folder = folder
        self.sandbox = sandbox
        self.nats = nats
        self.proxy = proxy
        self.members = members
        self.phones = phones
        self.ended_by_themselves: list[str] = []

    async def at_work(self, app: str) -> Member | None:
        """The daemon that has the app, where only one says so of itself."""
        states = [(member, (await member.apps()).get(app, "")) for member in self.members if member.program.runs]
        connected = [member for member, status in states if status == "connected"]
        return connected[0] if len(connected) == 1 else None

    async def watch_over(self) -> None:
        """Start daemons again that end without having been told to, as an init system does, until cancelled."""
        while True:
            await asyncio.sleep(0.5)
            for member in self.members:
                member.measure()
                if member.meant_to_run and not member.program.runs:
                    self.ended_by_themselves.append(f"{member.name}: {member.program.stderr[-300:]}")
                    await member.program.start()

    async def answers(self) -> None:
        """Wait until all daemons answer."""
        for member in self.members:
            await member.answers()


@asynccontextmanager
async def cluster_of(folder: Path, *, sabotage: str = "") -> AsyncIterator[Cluster]:
    """A cluster in `folder`, where its logs are, with everything up. It dies with the block.

    With `sabotage` the daemons run without what the module of that name takes out of them.
    """
    ports = (free_port(), free_port())
    graph_port = free_port()
    graph_url = f"http://127.0.0.1:{graph_port}"
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    program = ("tests.chaos.sabotage", sabotage) if sabotage else ("gearmesh",)
    async with contextlib.AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        nats = await stack.enter_async_context(NatsServer(folder / "nats"))
        proxy = await stack.enter_async_context(Proxy(ports, looks_after=True))
        sandbox = Program(
            folder,
            *("gearmesh_meta.sandbox", "--port", str(graph_port), "--webhooks", proxy.url),
            name="sandbox",
        )
        await stack.enter_async_context(sandbox)
        await sandbox.says("sandbox on")
        file = folder / "gearmesh.toml"
        text = configuration(graph_url=graph_url, nats_url=nats.url, public_url=proxy.url)
        file.write_text(text, encoding="utf-8")
        members = tuple(
            Member(
                f"daemon-{letter}",
                Program(
                    folder,
                    *(*program, "run", str(file), "--data", str(folder / f"data-{letter}"), "--port", str(port)),
                    name=f"daemon-{letter}",
                    env={"PYTHONPATH": path},
                ),
                f"http://127.0.0.1:{port}",
                http,
            )
            for letter, port in zip("ab", ports, strict=True)
        )
        for member in members:
            stack.push_async_callback(member.program.kill)
            await member.start()
        yield Cluster(folder, sandbox, nats, proxy, members, Phones(http, graph_url))
