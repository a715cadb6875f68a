"""A process that runs no app serves the files of all: whoever is at work on an app stores them when it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gearmesh import MediaRef
from gearmesh.config import parse
from gearmesh.daemon import Daemon
from gearmesh.errors import BusUnavailable, FileTooLarge, FileUnusable
from gearmesh.host.door import ask_for_file
from gearmesh.plugins import Registry
from gearmesh.testing import FakeBridge, FakeNetwork, NatsServer, bridge_for
from gearmesh.wire.subjects import Subjects

from .patience import until
from .samples import picture


class Blind(FakeBridge):
    """The bridge in the process that only routes: it has no connection, and must not be asked."""

    async def media(self, ref: MediaRef) -> AsyncIterator[bytes]:
        if ref.app:
            raise AssertionError("the wrong bridge was asked")
        yield b""


def daemon(nats: NatsServer, folder: Path, network: FakeNetwork, kind: type[FakeBridge], **more: Any) -> Daemon:
    """One on this NATS."""
    bridge = bridge_for(network, kind)
    registry = Registry(bridges={network.name: bridge}, available=(network.name,))
    tables: dict[str, Any] = {
        "nats": {"url": [nats.url]},
        "web": {"port": 0, "public_url": "https://gearmesh.example"},
        "media": {"max_size": 500_000},
        "apps": {network.name: {"bridge": network.name}},
    }
    return Daemon(parse(tables, lambda wanted: registry), folder, **more)


async def test_given_a_process_that_only_routes_then_it_has_files_stored_by_the_one_at_work(
    server: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(ref: MediaRef) -> None:
        raise RuntimeError("a bug")

    network = FakeNetwork("north")
    data = picture(tmp_path / "a.png", "PNG").read_bytes()[:100_000]
    network.files |= {"paper": b"%PDF-1.4\n" + data, "huge": bytes(600_000)}
    async with (
        daemon(server, tmp_path / "one", network, FakeBridge) as at_work,
        daemon(server, tmp_path / "two", network, Blind, only={"router"}) as router,
        aiohttp.ClientSession() as http,
    ):
        door = at_work.apps["north"].door
        await until(lambda: door.is_open, awaited="the app to be at work")
        shared = at_work.apps["north"].app.shared
        links, now = shared.media_links, shared.clock.seconds()

        async def served(source: str) -> tuple[int, bytes]:
            token = links.link(MediaRef("north", source), now).partition("/media/")[2]
            async with http.get(f"{router.url}/media/{token}") as response:
                return response.status, await response.read()

        assert await served("paper") == (200, network.files["paper"])
        assert (await served("huge"))[0] == 413
        assert (await served("gone"))[0] == 502

        subjects = Subjects()
        with pytest.raises(FileTooLarge) as refused:
            await ask_for_file(router.connection, subjects, MediaRef("north", "huge"))
        assert refused.value.limit == 500_000
        with pytest.raises(FileUnusable, match="no file gone"):
            await ask_for_file(router.connection, subjects, MediaRef("north", "gone"))

        with monkeypatch.context() as broken:
            broken.setattr(shared.files, "fetch", fails)
            async with asyncio.timeout(10):
                with pytest.raises(BusUnavailable, match="cannot store"):
                    await ask_for_file(router.connection, subjects, MediaRef("north", "paper"))

        asked = asyncio.Event()
        with monkeypatch.context() as slow:

            async def waits(ref: MediaRef) -> None:
                asked.set()
                await asyncio.Event().wait()

            slow.setattr(shared.files, "fetch", waits)
            waiting = asyncio.create_task(ask_for_file(router.connection, subjects, MediaRef("north", "paper")))
            await asked.wait()
            await door.close()
            async with asyncio.timeout(10):
                with pytest.raises(BusUnavailable, match="cannot store"):
                    await waiting

        with pytest.raises(BusUnavailable):
            await ask_for_file(router.connection, subjects, MediaRef("north", "paper"))
        assert await served("paper") == (200, network.files["paper"])  # it is kept
