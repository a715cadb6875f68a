"""`gearmesh demo` in a process of its own, and its page in Chromium."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Error, Page, Route, ViewportSize, async_playwright, expect
from tests.integration.ports import free_port

from .phone import CHROMIUM, PATIENCE, Demo

FLAGS: Final = (
    "--no-sandbox",  # containers run tests as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",  # a microphone, which pages may use once a test lets them
)
WIDE: Final[ViewportSize] = {"width": 1440, "height": 860}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="module")
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    port = free_port()
    data, log = tmp_path / "data", tmp_path / "log"
    arguments = ("-m", "gearmesh", "demo", "--port", str(port), "--no-browser", "--data", str(data))
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, stderr=errors
        )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            line = (await process.stdout.readline()).decode()
        url = f"http://127.0.0.1:{port}"
        assert line.startswith(f"Gearmesh demo on {url}/"), line + log.read_text()
        running = Demo(process, url, data)
        yield running
        os.kill(running.nats, signal.SIGCONT)  # a test may have failed while it was stopped
    finally:
        process.terminate()
        async with asyncio.timeout(PATIENCE):
            await process.communicate()
    assert process.returncode == 0, log.read_text()
    assert "Traceback" not in log.read_text()


@pytest.fixture
def complaints() -> list[str]:
    """What the page complains of; a test that makes it complain takes out what it expects."""
    return []


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, demo: Demo, complaints: list[str]) -> AsyncIterator[Page]:
    """The page, live. When a test is over, nothing on it has complained and it has asked no other host."""

    def heard(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(f"console {message.type}: {message.text}")

    def threw(error: Error) -> None:
        complaints.append(f"exception: {error}")

    async def stray(route: Route) -> None:
        complaints.append(f"request to another host: {route.request.url}")
        await route.abort()

    context = await browser.new_context(viewport=WIDE, color_scheme="light", reduced_motion="reduce")
    await context.route(lambda url: not url.startswith((f"{demo.url}/", "data:")), stray)
    opened = await context.new_page()
    opened.on("console", heard)
    opened.on("pageerror", threw)
    await opened.goto(f"{demo.url}/")
    await expect(opened.get_by_test_id("connection")).to_have_text("live")
    yield opened
    await context.close()
    assert not complaints
