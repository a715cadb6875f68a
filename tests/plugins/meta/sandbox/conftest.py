"""A sandbox and a business that receives its webhooks, both real servers on the loopback."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from gearmesh_meta.sandbox import Clock, Sandbox, Settings

from .harness import Business, Start, World


@pytest.fixture
async def business() -> AsyncIterator[Business]:
    business = Business()
    business.gate.set()
    # Meta's webhooks may be 3 MB; aiohttp alone would take 1 MB.
    app = web.Application(client_max_size=3_145_728)
    app.router.add_post("/webhooks/{network}", business.receive)
    app.router.add_get("/webhooks/{network}", business.verify)
    server = TestServer(app)
    await server.start_server()
    business.url = str(server.make_url("/webhooks/")) + "{network}"
    yield business
    business.gate.set()
    await server.close()


@pytest.fixture
async def start(business: Business) -> AsyncIterator[Start]:
    """Starts a sandbox with these settings, its webhooks going to the business and its limits by `monotonic`."""
    async with AsyncExitStack() as stack:

        async def start(monotonic: Callable[[], float] = time.monotonic, **settings: Any) -> World:
            clock = Clock()
            options: dict[str, Any] = {"webhooks": business.url, "retry_first": 0.01, "retry_cap": 0.05} | settings
            sandbox = Sandbox(Settings(**options), clock=clock, monotonic=monotonic)
            app = web.Application()
            sandbox.mount(app)
            server = TestServer(app)
            await server.start_server()
            stack.push_async_callback(server.close)
            session = await stack.enter_async_context(ClientSession())
            return World(business, str(server.make_url("")).rstrip("/"), session, clock)

        yield start


@pytest.fixture
async def world(start: Start) -> World:
    """A sandbox with the ordinary settings, whose seed phones have said hello."""
    world = await start()
    await world.settled()
    return world
