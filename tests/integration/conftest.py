"""Towns, nats-servers and connections for the tests of bus and daemon."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gearmesh.bus.connection import Access, Connection
from gearmesh.testing import NatsServer

from .town import Town, town_of


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    """A running nats-server of this test's own."""
    async with NatsServer(tmp_path / "nats-server") as server:
        yield server


@pytest.fixture
async def connection(server: NatsServer) -> AsyncIterator[Connection]:
    """A connection to `server`."""
    connection = await Connection.open(Access((server.url,)), "test")
    yield connection
    await connection.close()


@pytest.fixture
async def quiet_town(tmp_path: Path) -> AsyncIterator[Town]:
    """A town whose daemon does not run yet."""
    async with town_of(tmp_path) as town:
        yield town


@pytest.fixture
async def town(quiet_town: Town) -> Town:
    """A town where everything runs and everybody has opened the chat."""
    await quiet_town.start()
    await quiet_town.phones.all_told()
    return quiet_town
