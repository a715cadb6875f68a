"""The client in PROTOCOL.md, taken from there as it stands, against a daemon and the sandbox's phones."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gearmesh.bus.connection import Connection
from gearmesh.bus.embedded import EmbeddedServer
from gearmesh.bus.streams import ensure_all
from gearmesh.config import parse
from gearmesh.daemon import Daemon
from gearmesh.wire.subjects import Subjects, partition_of, token
from gearmesh_meta.sandbox import NETWORKS, Sandbox, Settings

from .ports import free_port

ROOT = Path(__file__).parents[2]
PROTOCOL = ROOT / "broker" / "PROTOCOL.md"
SUBJECTS = ROOT / "tests" / "data" / "vectors" / "subjects.json"
ADA, CLEO = ("whatsapp", "4915112345678"), ("instagram", "17841405793187218")
PATIENCE = 30.0
"""Seconds after which something that should happen is taken not to; what is waited for ends the wait at once."""


class Client:
    """The program from PROTOCOL.md, running."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def says(self, expected: str) -> None:
        """Read its lines until it has printed this one."""
        assert self.process.stdout is not None
        lines: list[str] = []
        async with asyncio.timeout(PATIENCE):
            while expected not in lines:
                line = await self.process.stdout.readline()
                assert line, f"it ended before it said {expected!r}: {lines}"
                lines.append(line.decode().rstrip("\n"))


class Phones:
    """The phones of the sandbox. `feed` has everything that happens on any of them."""

    def __init__(self, http: aiohttp.ClientSession, url: str, feed: aiohttp.StreamReader) -> None:
        self._http = http
        self._url = url
        self._feed = feed

    async def types(self, phone: tuple[str, str], text: str) -> None:
        """A person sends a text."""
        async with self._http.post(self._at(phone, "messages"), json={"text": text}) as answer:
            assert answer.status == 201, await answer.text()

    async def reads(self, phone: tuple[str, str]) -> None:
        """A person looks at everything that arrived."""
        async with self._http.post(self._at(phone, "read")) as answer:
            assert answer.status == 200, await answer.text()

    async def shows(self, phone: tuple[str, str], text: str, status: str) -> dict[str, Any]:
        """Wait until a phone shows a message with this text in this state."""
        network, user = phone
        async with asyncio.timeout(PATIENCE):
            async for line in self._feed:
                if not line.startswith(b"data: "):
                    continue
                event = json.loads(line.removeprefix(b"data: "))
                message: dict[str, Any] = event.get("message") or {}
                if event.get("phone") == {"network": network, "user": user} and (
                    (message.get("text"), message.get("status")) == (text, status)
                ):
                    return message
        raise AssertionError(f"the feed ended before {text!r} was {status}")

    def _at(self, phone: tuple[str, str], what: str) -> str:
        return f"{self._url}/sandbox/phones/{phone[0]}/{phone[1]}/{what}"


def code_block() -> str:
    """The Python in PROTOCOL.md."""
    (block,) = re.findall(r"^```python\n(.*?)^```$", PROTOCOL.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return str(block)


def settings(sandbox: Settings, port: int) -> dict[str, Any]:
    """The three networks of the sandbox, on the port of the daemon itself."""
    own = {
        "whatsapp": {"phone_number_id": sandbox.phone_number_id},
        "messenger": {"page_id": sandbox.page_id},
        "instagram": {"instagram_id": sandbox.instagram_id},
    }
    secrets = {"token": sandbox.token, "app_secret": sandbox.app_secret, "verify_token": sandbox.verify_token}
    common = {"graph_url": f"http://127.0.0.1:{port}", **{key: f"plain:{value}" for key, value in secrets.items()}}
    return {
        "web": {"port": port, "public_url": f"http://127.0.0.1:{port}"},
        "apps": {network: {"bridge": network, **common, **own[network]} for network in NETWORKS},
    }


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[Daemon]:
    port = free_port()
    sandbox = Sandbox(Settings(webhooks=f"http://127.0.0.1:{port}/webhooks/{{network}}"))
    async with Daemon(parse(settings(sandbox.settings, port)), tmp_path, mount=sandbox.mount) as daemon:
        yield daemon


@pytest.fixture
async def phones(daemon: Daemon) -> AsyncIterator[Phones]:
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as http,
        http.get(f"{daemon.url}/sandbox/events") as events,
    ):
        await events.content.readuntil(b"\n\n")
        yield Phones(http, daemon.url, events.content)


@asynccontextmanager
async def running(daemon: Daemon, folder: Path, *arguments: str) -> AsyncIterator[Client]:
    """The program from PROTOCOL.md, started as it says there."""
    program = folder / "native.py"
    program.write_text(code_block(), encoding="utf-8")
    connected = daemon.connection.client.connected_url
    assert connected is not None
    server = connected.geturl()
    seed = str(folder / "nats" / "broker.nk")
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(program), server, seed, *arguments, stdout=asyncio.subprocess.PIPE
    )
    client = Client(process)
    try:
        await client.says("zoe is here")
        yield client
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def test_the_example_needs_nothing_but_nats_py_and_msgpack() -> None:
    imported = set(re.findall(r"^(?:import|from) (\w+)", code_block(), re.MULTILINE))
    assert imported - sys.stdlib_module_names == {"nats", "msgpack"}


async def test_given_a_native_client_when_people_on_two_networks_write_to_it_both_get_their_answer_and_receipts(
    daemon: Daemon, phones: Phones, tmp_path: Path
) -> None:
    async with running(daemon, tmp_path) as zoe:
        # Zoe answers their message: WhatsApp points at it, and on Instagram a line says so.
        quote = "↩ Cleo Dubois: “hello from Instagram”\n"
        for phone, text, line in ((ADA, "hello from WhatsApp", ""), (CLEO, "hello from Instagram", quote)):
            address = ":".join(phone)
            await phones.types(phone, f"@zoe {text}")
            await zoe.says(f"{address} wrote: {text}")
            await phones.shows(phone, f"Zoe (@zoe, NATS):\n{line}You wrote: {text}", "delivered")
            await phones.reads(phone)
            await zoe.says(f"{address}: read")


async def test_given_a_native_client_that_writes_first_when_the_person_answers_plainly_it_reaches_the_client(
    daemon: Daemon, phones: Phones, tmp_path: Path
) -> None:
    # WhatsApp lets us write only after the person has written; what she types goes to nobody, and she is told how.
    await phones.types(ADA, "is anybody there?")
    await phones.shows(ADA, "is anybody there?", "sent")
    async with running(daemon, tmp_path, ":".join(ADA), "hello Ada") as zoe:
        await phones.shows(ADA, "Zoe (@zoe, NATS):\nhello Ada", "delivered")
        await phones.types(ADA, "hello Zoe")
        await zoe.says("whatsapp:4915112345678 wrote: hello Zoe")
        shown = await phones.shows(ADA, "Zoe (@zoe, NATS):\nYou wrote: hello Zoe", "delivered")
        assert shown["reply_to"]


async def test_given_a_client_to_which_everything_comes_again_what_it_answered_is_not_answered_a_second_time(
    daemon: Daemon, phones: Phones, tmp_path: Path
) -> None:
    async with running(daemon, tmp_path) as zoe:
        await phones.types(ADA, "@zoe one")
        await phones.shows(ADA, "Zoe (@zoe, NATS):\nYou wrote: one", "delivered")
        await zoe.says("whatsapp:4915112345678: delivered")
    # With its consumer its place in the log is gone: everything comes again.
    await daemon.connection.js.delete_consumer("GM_OUT", "zoe")
    async with running(daemon, tmp_path) as zoe:
        await zoe.says("whatsapp:4915112345678 wrote: one")
        await phones.types(ADA, "@zoe two")
        await zoe.says("whatsapp:4915112345678 wrote: two")
        await phones.shows(ADA, "Zoe (@zoe, NATS):\nYou wrote: two", "delivered")
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{daemon.url}/sandbox/phones/{'/'.join(ADA)}/messages") as got,
    ):
        arrived = [message["text"] for message in await got.json() if message["direction"] == "in"]
    assert arrived == [f"Zoe (@zoe, NATS):\nYou wrote: {text}" for text in ("one", "two")]


async def test_given_conversations_nats_server_puts_each_into_the_partition_that_the_protocol_says(
    tmp_path: Path,
) -> None:
    rows = json.loads(SUBJECTS.read_text(encoding="utf-8"))["partitions"]
    conversations = [row["conversation"] for row in rows] + [f"conversation {number}" for number in range(40)]
    subjects = Subjects()
    server = EmbeddedServer(tmp_path / "nats")
    await server.start()
    try:
        connection = await Connection.open(server.access, "test")
        try:
            await ensure_all(connection, subjects)
            stored = {}
            for conversation in conversations:
                ack = await connection.js.publish(subjects.inbound("native", conversation), b"x")
                message = await connection.js.get_msg(ack.stream, ack.seq)
                stored[conversation] = message.subject or ""
        finally:
            await connection.close()
    finally:
        await server.stop()
    assert stored == {text: f"gm.in.{partition_of(text)}.native.{token(text)}" for text in conversations}
    assert {row["conversation"]: row["of_8"] for row in rows}.items() <= {
        text: int(subject.split(".")[2]) for text, subject in stored.items()
    }.items()
