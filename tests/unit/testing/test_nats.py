"""The nats-server for tests."""

from __future__ import annotations

import os
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client

from gearmesh.errors import EmbeddedServerFailed
from gearmesh.testing import NatsServer


async def connect(server: NatsServer) -> Client:
    return await nats.connect(server.url, connect_timeout=5, allow_reconnect=False)


async def test_given_a_server_when_it_is_killed_and_started_then_port_and_data_are_the_same(
    nats_server: NatsServer,
) -> None:
    url, pid = nats_server.url, nats_server.pid
    client = await connect(nats_server)
    await client.jetstream().add_stream(name="KEPT", subjects=["kept.>"])
    await client.jetstream().publish("kept.1", b"still here")
    await client.close()

    nats_server.kill()
    assert nats_server.pid is None
    await nats_server.start()

    client = await connect(nats_server)
    message = await client.jetstream().get_msg("KEPT", 1)
    await client.close()
    assert (nats_server.url, message.data) == (url, b"still here")
    assert nats_server.pid != pid


async def test_given_it_was_stopped_then_it_is_gone_and_stopping_again_does_no_harm(tmp_path: Path) -> None:
    async with NatsServer(tmp_path) as server:
        pid = server.pid
        assert pid is not None
        await server.stop()
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        await server.stop()


async def test_given_it_runs_then_it_is_not_started_twice(nats_server: NatsServer) -> None:
    with pytest.raises(RuntimeError, match="already"):
        await nats_server.start()


async def test_given_a_port_that_is_taken_then_its_last_words_are_told(nats_server: NatsServer, tmp_path: Path) -> None:
    other = NatsServer(tmp_path / "other")
    await other.start()
    await other.stop()
    other._port = int(nats_server.url.rpartition(":")[2])

    with pytest.raises(EmbeddedServerFailed, match="address already in use"):
        await other.start()

    assert other.pid is None
