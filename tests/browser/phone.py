"""The demo and the phones of its page, as tests use them."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Final

from playwright.async_api import Locator, Page, expect

CHROMIUM: Final = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE: Final = 30.0
PLACES: Final = {"whatsapp": 1, "messenger": 2, "instagram": 3}

expect.set_options(timeout=PATIENCE * 1000)


class Demo:
    """A running `gearmesh demo`. `nats` is the process id of its nats-server."""

    def __init__(self, process: asyncio.subprocess.Process, url: str, data: Path) -> None:
        self.process = process
        self.url = url
        self.nats = int((data / "nats" / "nats-server.pid").read_text())


class Phone:
    """One phone of the page, by network, used as a person without a mouse uses it."""

    def __init__(self, page: Page, network: str) -> None:
        self._page = page
        self._network = network
        self.node = page.locator(f'[data-testid="phone"][data-network="{network}"]')
        self.composer = self.node.get_by_test_id("composer")
        self.arrived = self.node.locator('[data-testid="bubble"][data-direction="in"]')
        self.typed = self.node.locator('[data-testid="bubble"][data-direction="out"]')

    async def take(self) -> None:
        """Look at this phone: the keys go here, and what arrived counts as read."""
        await self._page.keyboard.press(f"Alt+{PLACES[self._network]}")
        await expect(self.composer).to_be_focused()

    async def type(self, text: str) -> None:
        await self.take()
        await self._page.keyboard.type(text)
        await self._page.keyboard.press("Enter")
        await expect(self.typed.last.get_by_test_id("text")).to_have_text(text, use_inner_text=True)

    async def answer_the_last(self, text: str) -> None:
        """Quote the bubble at the end, and write."""
        await self.take()
        await self._page.keyboard.press("Shift+Tab")
        await self._page.keyboard.press("Enter")
        await expect(self.node.get_by_test_id("answering")).to_be_visible()
        await expect(self.composer).to_be_focused()
        await self._page.keyboard.type(text)
        await self._page.keyboard.press("Enter")
        await expect(self.typed.last.get_by_test_id("text")).to_have_text(text)

    async def shows(self, text: str, *, writer: str) -> Locator:
        """Wait until this stands at the end of what arrived, and return its bubble."""
        bubble = self.arrived.last
        await expect(bubble.get_by_test_id("text")).to_have_text(text)
        await expect(bubble.get_by_test_id("attribution")).to_have_text(writer)
        return bubble
