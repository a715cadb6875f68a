"""What a repeated webhook, a turn that ends and a plugin that is broken must not do."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from gearmesh import MessageReceived, Text
from gearmesh.config import parse
from gearmesh.daemon import Daemon
from gearmesh.errors import PluginInvalid, Retry
from gearmesh.plugins import Registry
from gearmesh.testing import FakeNetwork, NatsServer, bridge_for

from .patience import eventually


class Two:
    """Two networks in one daemon."""

    def __init__(self) -> None:
        self.north, self.south = FakeNetwork("north"), FakeNetwork("south")
        self.north.add("ada", "Ada")
        for user in ("ben", "bob"):
            self.south.add(user, user.capitalize())

    def daemon(self, nats: NatsServer, data: Path, *broken: str) -> Daemon:
        names = ("north", "south")
        tables = {
            "broker": {"drain": 1.0},
            "nats": {"url": [nats.url]},
            "web": {"port": 0},
            "apps": {name: {"bridge": name} for name in (*names, *broken)},
        }
        bridges = {network.name: bridge_for(network) for network in (self.north, self.south)}
        problems = [PluginInvalid(name, "cannot be imported: no pigeons today") for name in broken]
        registry = Registry(bridges=dict(bridges), problems=problems, available=(*names, *broken))
        return Daemon(parse(tables, lambda wanted: registry), data)

    async def sees(self, user: str, text: str) -> None:
        await self.south.until(
            lambda: any(text in shown.text for shown in self.south.shown(user)),
            within=20,
            awaited=f"{text!r} on {user}'s side, who sees {self.south.shown(user)}",
        )


async def test_given_a_message_that_comes_again_then_the_conversation_is_not_the_old_one_again(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    """A repeat that moved the focus back would send the next words to the wrong person."""
    two = Two()
    async with two.daemon(nats_server, tmp_path) as daemon:
        first = await two.north.type("ada", "@south:bob see you")
        await two.sees("bob", "see you")
        await two.north.type("ada", "@south:ben my password is")
        await two.sees("ben", "my password is")

        again = MessageReceived(first, "ada", "ada", 1_700_000_000_000, Text("@south:bob see you"))
        await daemon.apps["north"].ingress.receive([again])
        await two.north.type("ada", "hunter2")

        await two.sees("ben", "hunter2")
        assert len(two.south.shown("bob")) == 1


async def test_given_a_leg_that_waits_when_nats_is_killed_then_it_goes_on_and_the_app_is_not_stopped(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    two = Two()
    async with two.daemon(nats_server, tmp_path) as daemon:
        await two.north.type("ada", "@south:ben opened")
        await two.sees("ben", "opened")
        two.south.fail(Retry("not now", after=5.0))
        await two.north.type("ada", "waits")
        await eventually(
            lambda: _queued(daemon), lambda queued: queued > 0, awaited="the message to wait for another attempt"
        )

        nats_server.kill()
        await nats_server.start()

        await two.sees("ben", "waits")
        await two.north.type("ada", "goes on")
        await two.sees("ben", "goes on")
        assert daemon.apps["south"].status.status == "connected"
        assert [shown.text.rpartition("\n")[2] for shown in two.south.shown("ben")] == ["opened", "waits", "goes on"]


async def test_given_a_plugin_that_cannot_be_imported_then_the_other_apps_run_and_its_own_is_shown_as_failed(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    two = Two()
    async with two.daemon(nats_server, tmp_path, "pigeon") as daemon, aiohttp.ClientSession() as session:
        await two.north.type("ada", "@south:ben hello")
        await two.sees("ben", "hello")

        async with session.get(f"{daemon.url}/readyz") as answer:
            assert answer.status == 503
            state = await answer.json()
        async with session.post(f"{daemon.url}/webhooks/pigeon", data=b"{}") as answer:
            assert answer.status == 503

    assert state["apps"]["pigeon"]["status"] == "failed"
    assert "no pigeons today" in state["apps"]["pigeon"]["detail"]
    assert state["apps"]["south"]["status"] == "connected"


async def _queued(daemon: Daemon) -> int:
    return daemon.apps["south"].egress.queued
