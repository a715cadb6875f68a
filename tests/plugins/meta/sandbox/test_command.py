"""The command: one line at the start, a clean end, a clear word when the port is taken."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import aiohttp
import pytest

import gearmesh_meta.sandbox

from .harness import ADA, BEARER, NUMBER

SOURCES = Path(gearmesh_meta.sandbox.__file__).parents[2]


async def launch(*arguments: str) -> asyncio.subprocess.Process:
    path = os.pathsep.join([str(SOURCES), *filter(None, sys.path)])
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gearmesh_meta.sandbox",
        *arguments,
        env=os.environ | {"PYTHONPATH": path},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_given_the_command_when_started_and_terminated_then_it_says_where_and_ends_with_zero() -> None:
    process = await launch("--port", "0", "--webhooks", "http://127.0.0.1:9")
    assert process.stdout is not None
    async with asyncio.timeout(20):
        line = (await process.stdout.readline()).decode()
        process.send_signal(signal.SIGTERM)
        rest, errors = await process.communicate()
    assert line.startswith("sandbox on http://127.0.0.1:")
    assert line.endswith("webhooks to http://127.0.0.1:9/webhooks/{network}\n")
    assert (rest, errors, process.returncode) == (b"", b"", 0)


@pytest.mark.parametrize(("arguments", "statuses"), [(["--limits"], {200, 400}), ([], {200})])
async def test_given_limits_or_none_when_46_messages_go_to_one_person_then_some_or_none_are_refused(
    arguments: list[str], statuses: set[int]
) -> None:
    process = await launch("--port", "0", "--webhooks", "http://127.0.0.1:9", *arguments)
    assert process.stdout is not None
    body = {"messaging_product": "whatsapp", "to": ADA, "text": {"body": "hello"}}
    async with asyncio.timeout(20), aiohttp.ClientSession() as session:
        base = (await process.stdout.readline()).decode().split(",")[0].removeprefix("sandbox on ")
        seen = set()
        for _ in range(46):
            async with session.post(f"{base}{NUMBER}/messages", json=body, headers=BEARER) as response:
                seen.add(response.status)
        process.send_signal(signal.SIGTERM)
        await process.communicate()
    assert seen == statuses


async def test_given_a_port_in_use_when_started_then_one_line_says_so_and_the_exit_is_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = await launch("--port", str(port))
        async with asyncio.timeout(20):
            _, errors = await process.communicate()
    assert process.returncode == 1
    assert errors.decode().count("\n") == 1
    assert f"cannot listen on 127.0.0.1:{port}" in errors.decode()
