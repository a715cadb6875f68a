"""From a signed WhatsApp webhook to the request that Instagram gets, through a daemon in a process of its own.

The Graph side answers at once, and Meta's limits are not kept to: what is measured is Gearmesh with its nats-server.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

PAIRS = 50
"""People on each side; each writes to one on the other."""
SECRET = "bench-secret"
FIRST_RATE = 200.0
STEP = 1.25
HELD_BELOW_MS = 500.0
"""A rate is held when everything arrives and 99 of 100 messages take less than this."""


class Measured:
    """The times of one run, in milliseconds."""

    def __init__(self, sent: int, times: list[float]) -> None:
        self.sent = sent
        self.times = sorted(times)

    def percentile(self, percent: float) -> float:
        """The time that so many percent of the messages stayed below."""
        return self.times[min(len(self.times) - 1, int(len(self.times) * percent / 100))]

    @property
    def held(self) -> bool:
        """Whether the rate was one that can go on for ever."""
        return len(self.times) == self.sent and self.percentile(99) < HELD_BELOW_MS


class Line:
    """A daemon between WhatsApp and Instagram, both played here."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._typed_at: dict[str, float] = {}
        self._times: dict[str, float] = {}
        self._number = 0
        self.webhook = ""

    async def run(self, rate: float, seconds: float) -> Measured:
        """Send at `rate` messages per second, evenly, for so long, and wait a moment for the last."""
        count = int(rate * seconds)
        started = time.perf_counter()
        first = self._number
        posts: list[asyncio.Task[None]] = []
        for number in range(count):
            pause = started + number / rate - time.perf_counter()
            if pause > 0:
                await asyncio.sleep(pause)
            posts.append(asyncio.create_task(self._post()))
        await asyncio.gather(*posts)
        last_call = time.perf_counter() + 5
        while len(self._times) < self._number and time.perf_counter() < last_call:
            await asyncio.sleep(0.01)
        return Measured(count, [self._times[key] for key in map(str, range(first, self._number)) if key in self._times])

    async def graph(self, request: web.Request) -> web.Response:
        """Meta's side: says yes, and looks at the clock."""
        if request.method == "GET":
            return web.json_response({"id": "1"})
        arrived = time.perf_counter()
        message = json.loads(await request.read())
        key = message.get("message", {}).get("text", "").rpartition("#")[2]
        typed = self._typed_at.pop(key, None)
        if typed is not None:
            self._times[key] = (arrived - typed) * 1000
        return web.json_response({"recipient_id": "1", "message_id": f"mid.{time.time_ns()}"})

    async def _post(self) -> None:
        number = self._number
        self._number += 1
        user = f"4915100{number % PAIRS:06d}"
        value = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "1", "phone_number_id": "1"},
            "contacts": [{"profile": {"name": f"Person {number % PAIRS}"}, "wa_id": user, "user_id": f"DE.{user}"}],
            "messages": [
                {
                    "from": user,
                    "id": f"wamid.{number}",
                    "timestamp": str(int(time.time())),
                    "type": "text",
                    "text": {"body": f"@p{number % PAIRS} " + "hello " * 10 + f"#{number}"},
                }
            ],
        }
        payload = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [_change(value)]}]}
        body = json.dumps(payload).encode()
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        self._typed_at[str(number)] = time.perf_counter()
        headers = {"X-Hub-Signature-256": f"sha256={signature}", "Content-Type": "application/json"}
        async with self._session.post(self.webhook, data=body, headers=headers) as answer:
            if answer.status != 200:
                raise RuntimeError(f"the webhook was answered {answer.status}: {await answer.text()}")


async def highest_rate(line: Line, seconds: float) -> float:
    """The highest rate that was held; each try is a quarter more than the last."""
    rate, held = FIRST_RATE, 0.0
    while (await line.run(rate, seconds / 2)).held:
        held = rate
        rate *= STEP
    return held


@asynccontextmanager
async def line(folder: Path) -> AsyncIterator[Line]:
    """A daemon that is up, and the line through it."""
    folder.mkdir(parents=True)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        line = Line(session)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", line.graph)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        config = folder / "bench.toml"
        config.write_text(_config(runner.addresses[0][1]))
        daemon = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "gearmesh", "run", str(config), "--data", str(folder / "data")),
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            url = await _url(daemon)
            await _ready(session, url)
            line.webhook = f"{url}/webhooks/whatsapp"
            yield line
        finally:
            daemon.send_signal(signal.SIGTERM)
            await daemon.communicate()
            await runner.cleanup()


async def _url(daemon: asyncio.subprocess.Process) -> str:
    assert daemon.stderr is not None
    log = b""
    async for entry in daemon.stderr:
        log += entry
        if b'"gearmesh is up"' in entry:
            url: str = json.loads(entry)["url"]
            return url
    raise RuntimeError(f"the daemon did not start:\n{log.decode()}")


async def _ready(session: aiohttp.ClientSession, url: str) -> None:
    """Wait until the apps are at work: before that a webhook is to come again."""
    while True:
        async with session.get(f"{url}/readyz") as answer:
            if answer.status == 200:
                return
        await asyncio.sleep(0.05)


def _config(graph_port: int) -> str:
    people = "\n".join(f'[people.p{number}]\naddresses = ["instagram:1784000{number:06d}"]' for number in range(PAIRS))
    common = f"""graph_url = "http://127.0.0.1:{graph_port}"
token = "plain:bench"
app_secret = "plain:{SECRET}"
verify_token = "plain:bench"
"""
    return f"""[broker]
log = "json"
[web]
port = 0
[apps.whatsapp]
bridge = "whatsapp"
phone_number_id = "1"
{common}
[apps.instagram]
bridge = "instagram"
instagram_id = "1"
rate = 0
recipient_every = 0
{common}
{people}
"""


def _change(value: dict[str, Any]) -> dict[str, Any]:
    return {"field": "messages", "value": value}
