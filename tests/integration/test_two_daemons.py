"""Two daemons on one NATS: one at a time is at work on an app, and the other takes over without a loss or a double."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
from tests.chaos.cluster import Cluster, Member, cluster_of

from gearmesh.testing import NatsServer

from .configuration import example
from .patience import eventually
from .phones import ADA, BEN, CLEO, Phone, Phones
from .ports import free_port
from .processes import Program, run

TAKEN_OVER_WITHIN: Final = 5.0
APPS: Final = ("whatsapp", "messenger", "instagram")


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    """Two daemons behind one address, each app at work in one of them."""
    async with cluster_of(tmp_path) as cluster:
        for app in APPS:
            await at_work(cluster, app)
        await cluster.phones.all_told()
        yield cluster


async def at_work(cluster: Cluster, app: str) -> tuple[Member, Member]:
    """Who is at work on an app, and who stands by."""
    worker = await eventually(lambda: cluster.at_work(app), awaited=f"{app} to be at work in one of them")
    assert worker is not None
    return worker, next(member for member in cluster.members if member is not worker)


async def words_on(cluster: Cluster, phone: Phone) -> list[str]:
    """What people wrote to somebody, as their phone shows it."""
    return [text.rpartition("\n")[2] for text in await cluster.phones.texts(phone)]


async def test_given_two_daemons_then_one_is_at_work_on_each_app_the_other_stands_by_and_both_are_ready(
    cluster: Cluster,
) -> None:
    for app in APPS:
        worker, other = await at_work(cluster, app)
        assert (await worker.apps())[app] == "connected"
        await eventually(
            other.apps, lambda apps, app=app: apps.get(app) == "standby", awaited=f"the other to stand by for {app}"
        )

    await cluster.phones.types(ADA, "@cleo hello")
    await cluster.phones.sees(CLEO, "hello")


async def test_given_a_killed_daemon_when_somebody_writes_then_the_other_has_sent_it_within_five_seconds(
    cluster: Cluster,
) -> None:
    worker, _ = await at_work(cluster, "messenger")
    await cluster.phones.types(ADA, "@ben before")
    await cluster.phones.sees(BEN, "before")

    await worker.kill()
    killed = time.monotonic()
    await cluster.phones.types(ADA, "@ben after")
    await cluster.phones.sees(BEN, "after")

    assert time.monotonic() - killed < TAKEN_OVER_WITHIN
    assert await words_on(cluster, BEN) == ["before", "after"]


async def test_given_a_daemon_told_to_stop_then_the_other_takes_over_at_once_and_nothing_is_in_doubt(
    cluster: Cluster,
) -> None:
    worker, other = await at_work(cluster, "messenger")

    await worker.stop()
    await cluster.phones.types(ADA, "@ben after")
    await cluster.phones.sees(BEN, "after")

    assert '"clean": true' in other.program.stderr


async def test_given_a_paused_daemon_that_was_replaced_when_it_wakes_up_then_it_sends_nothing_more(
    cluster: Cluster,
) -> None:
    worker, other = await at_work(cluster, "messenger")
    count = 120

    async def write() -> None:
        for number in range(count):
            await cluster.phones.types(ADA, f"@ben {number}")

    writing = asyncio.create_task(write())
    await cluster.phones.counts(BEN, 5)
    worker.send(signal.SIGSTOP)

    async def taken_over() -> bool:
        return (await other.apps()).get("messenger") == "connected"

    await eventually(taken_over, awaited="the other one to take over")
    worker.send(signal.SIGCONT)
    await writing
    await cluster.phones.counts(BEN, count, within=60.0)

    await eventually(worker.apps, lambda apps: apps.get("messenger") == "standby", awaited="it to stand by")
    assert await words_on(cluster, BEN) == [str(number) for number in range(count)]


async def partitions(url: str, http: aiohttp.ClientSession) -> list[int]:
    """The partitions that a daemon's router works on."""
    async with http.get(f"{url}/readyz") as answer:
        state: dict[str, Any] = await answer.json()
    found: list[int] = state["partitions"]
    return found


async def test_given_parts_in_processes_of_their_own_then_messages_pass_all_of_them_and_a_webhook_may_come_anywhere(
    tmp_path: Path,
) -> None:
    graph_port, ports = free_port(), [free_port() for _ in range(3)]
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        nats = await stack.enter_async_context(NatsServer(tmp_path / "nats"))
        # All networks call the one that only routes.
        webhooks = f"http://127.0.0.1:{ports[0]}"
        arguments = ("gearmesh_meta.sandbox", "--port", str(graph_port), "--webhooks", webhooks)
        sandbox = await stack.enter_async_context(Program(tmp_path, *arguments, name="sandbox"))
        await sandbox.says("sandbox on")
        file = tmp_path / "gearmesh.toml"
        text = example(graph_url=f"http://127.0.0.1:{graph_port}", port=0, more=f'\n[nats]\nurl = ["{nats.url}"]\n')
        file.write_text(text, encoding="utf-8")
        parts = (("router",), ("app:whatsapp",), ("app:messenger", "app:instagram"))
        for part, port in zip(parts, ports, strict=True):
            only = [word for name in part for word in ("--only", name)]
            command = ("gearmesh", "run", str(file), "--port", str(port), *only)
            program = await stack.enter_async_context(Program(tmp_path, *command, name=f"part-{port}"))
            await program.says("gearmesh is up")
        phones = Phones(http, f"http://127.0.0.1:{graph_port}")

        await phones.types(ADA, "@cleo hello")
        await phones.sees(CLEO, "hello")
        await phones.types(CLEO, "@ada hello back")
        await phones.sees(ADA, "hello back")

        assert await partitions(webhooks, http)
        assert await partitions(f"http://127.0.0.1:{ports[1]}", http) == []


async def test_given_a_part_that_does_not_exist_then_the_parts_are_named(tmp_path: Path) -> None:
    file = tmp_path / "gearmesh.toml"
    file.write_text(example(graph_url="http://127.0.0.1:1", port=0), encoding="utf-8")

    status, _, complaint = await run(tmp_path, "gearmesh", "run", str(file), "--only", "app:whatsup")

    assert status == 2
    assert "--only app:whatsup: there is no such part; expected router, app:whatsapp" in complaint
