"""A nats-server with all streams and buckets, for the parts of the host that keep something there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gearmesh.bus.connection import Access, Connection
from gearmesh.bus.publisher import Publisher
from gearmesh.bus.streams import ensure_all
from gearmesh.testing import FakeClock, NatsServer
from gearmesh.wire.subjects import Subjects


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[Connection]:
    """A connection to a server of this test's own."""
    async with NatsServer(tmp_path / "nats-server") as server:
        connection = await Connection.open(Access((server.url,)), "test")
        await ensure_all(connection, Subjects())
        yield connection
        await connection.close()


@pytest.fixture
async def publisher(connection: Connection) -> AsyncIterator[Publisher]:
    """What publishes over it."""
    async with Publisher(connection) as publisher:
        yield publisher


@pytest.fixture
def clock() -> FakeClock:
    """Time in the test's hands."""
    return FakeClock()
