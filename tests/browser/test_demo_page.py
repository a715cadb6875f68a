"""The demo as people meet it: `gearmesh demo` in a process of its own, its page in Chromium, worked by keyboard.

Nothing is played here: what is typed on one phone goes through signed webhooks, nats-server, the router and the Graph
API of the sandbox before it stands on another. With GEARMESH_SCREENSHOT=<file> the picture of the README is written.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Error,
    Locator,
    Page,
    Route,
    ViewportSize,
    async_playwright,
    expect,
)
from tests.integration.ports import free_port

CHROMIUM: Final = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS: Final = (
    "--no-sandbox",  # containers run tests as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDE: Final[ViewportSize] = {"width": 1440, "height": 860}
NARROW: Final[ViewportSize] = {"width": 360, "height": 740}
SCREENSHOT: Final = os.environ.get("GEARMESH_SCREENSHOT")
LARGEST_PICTURE: Final = 400_000
PATIENCE: Final = 30.0
PLACES: Final = {"whatsapp": 1, "messenger": 2, "instagram": 3}
STOPS: Final = ("webhook", "IN log", "router", "OUT log", "egress", "Graph call")
HOPS: Final = ("received", "stored in", "routed", "stored out", "taken", "sent")

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on the PATH"),
    pytest.mark.asyncio(loop_scope="module"),
]
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


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, demo: Demo) -> AsyncIterator[Page]:
    """The page, live. When a test is over, nothing on it has complained and it has asked no other host."""
    complaints: list[str] = []

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


async def test_given_three_phones_when_each_writes_to_each_then_all_six_ways_are_talked_on_by_keyboard(
    page: Page,
) -> None:
    ada, ben, cleo = (Phone(page, network) for network in PLACES)

    # From WhatsApp to Instagram, where the answer quotes the message.
    await ada.type("@cleo The lake on Sunday?")
    question = await cleo.shows("The lake on Sunday?", writer="Ada Lovelace (@ada, WhatsApp):")
    await cleo.answer_the_last("Yes! And I bring the tent.")
    await expect(question).to_have_attribute("data-status", "read")
    answer = await ada.shows("Yes! And I bring the tent.", writer="Cleo Dubois (@cleo, Instagram):")
    await expect(answer.get_by_test_id("quote")).to_contain_text("The lake on Sunday?")

    # From Instagram to Messenger, which shows the writer as a persona: her name is no part of the text there.
    await cleo.type("@ben Can you drive us?")
    await ben.shows("Can you drive us?", writer="Cleo Dubois (Instagram)")
    # A plain message of somebody who has never written answers the one who wrote.
    await ben.type("Of course. I have room for five.")
    await cleo.shows("Of course. I have room for five.", writer="Ben Okri (@ben, Messenger):")

    # From Messenger to WhatsApp, and back by quoting.
    await ben.type("@ada I pick you up at nine?")
    await ada.shows("I pick you up at nine?", writer="Ben Okri (@ben, Messenger):")
    await ada.answer_the_last("Perfect, see you then!")
    reply = await ben.shows("Perfect, see you then!", writer="Ada Lovelace (WhatsApp)")
    await expect(reply.get_by_test_id("quote")).to_contain_text("I pick you up at nine?")

    for phone in (ada, ben, cleo):
        await phone.take()
        await expect(phone.arrived).to_have_count(2)
        await expect(phone.typed).to_have_count(2)
    for phone in (ada, ben, cleo):
        await expect(phone.node.locator('.bubble:not([data-status="read"])')).to_have_count(0)
    await expect(page.get_by_test_id("path")).to_have_count(6)
    if SCREENSHOT:
        await take_picture(page, Path(SCREENSHOT))


async def take_picture(page: Page, file: Path) -> None:
    await page.evaluate("document.activeElement.blur()")
    picture = await page.screenshot(path=file, full_page=True, animations="disabled")
    assert len(picture) < LARGEST_PICTURE


async def test_given_a_plain_message_after_a_first_one_when_sent_then_it_goes_on_in_that_conversation(
    page: Page,
) -> None:
    ada, ben, cleo = (Phone(page, network) for network in PLACES)
    await ada.type("@cleo hello")
    await cleo.shows("hello", writer="Ada Lovelace (@ada, WhatsApp):")
    await ada.type("are you there?")
    await cleo.shows("are you there?", writer="Ada Lovelace (@ada, WhatsApp):")
    await ada.type("@ben you then?")
    await ben.shows("you then?", writer="Ada Lovelace (WhatsApp)")
    await ada.type("it is urgent")
    await ben.shows("it is urgent", writer="Ada Lovelace (WhatsApp)")
    await expect(cleo.arrived).to_have_count(2)


async def test_given_nats_stands_still_when_typed_then_the_ticks_go_from_sent_to_delivered_to_read(
    page: Page, demo: Demo
) -> None:
    ada, cleo = Phone(page, "whatsapp"), Phone(page, "instagram")
    os.kill(demo.nats, signal.SIGSTOP)
    await ada.type("@cleo hello")
    bubble = ada.typed.last
    # Nothing is stored, so the network has not been told "200", and one tick is all there is.
    await expect(bubble).to_have_attribute("data-status", "sent")
    await expect(bubble.locator(".ticks")).to_have_text("sent")

    os.kill(demo.nats, signal.SIGCONT)
    await expect(bubble).to_have_attribute("data-status", "delivered")
    await cleo.shows("hello", writer="Ada Lovelace (@ada, WhatsApp):")
    await expect(cleo.node.get_by_test_id("unread")).to_have_text("1 unread")
    await expect(bubble.locator(".ticks")).to_have_text("delivered")

    await cleo.take()
    await expect(bubble).to_have_attribute("data-status", "read")
    await expect(bubble.locator(".ticks")).to_have_text("read")
    await expect(cleo.arrived).to_have_count(1)


async def test_given_a_message_when_it_arrived_then_its_path_names_every_hop_and_a_reload_keeps_it(page: Page) -> None:
    ada, ben = Phone(page, "whatsapp"), Phone(page, "messenger")
    await ada.type("@ben hello")
    await ben.shows("hello", writer="Ada Lovelace (WhatsApp)")
    path = page.locator('[data-testid="path"][data-to^="messenger:"]')
    for _ in ("as it came", "after a reload"):
        await expect(path).to_have_attribute("data-state", "sent")
        await expect(path.locator(".end b")).to_have_text(["@ada", "@ben"])
        hops = path.get_by_test_id("path-hop")
        await expect(hops.locator(".label")).to_have_text(list(STOPS))
        assert await hops.evaluate_all("hops => hops.map(hop => hop.dataset.hop)") == list(HOPS)
        await expect(hops.locator(".gap")).to_have_text(["", *[re.compile(r"^\d+(\.\d+)? m?s$")] * 5])
        await expect(path.locator(".total")).to_have_text(re.compile(r"\d m?s$"))
        await page.reload()
        await expect(page.get_by_test_id("connection")).to_have_text("live")
        await ben.shows("hello", writer="Ada Lovelace (WhatsApp)")


async def test_given_nobody_is_meant_when_typed_then_gearmesh_answers_on_the_same_phone(page: Page) -> None:
    ada = Phone(page, "whatsapp")
    await ada.type("is anybody there?")
    await expect(ada.arrived.last).to_contain_text("Start with @ and a person's handle")
    await ada.type("@nobody hello")
    await expect(ada.arrived.last).to_contain_text("Nobody is known as @nobody here")
    await expect(ada.arrived).to_have_count(2)
    for bubble in await page.get_by_test_id("bubble").all():
        assert await bubble.evaluate("bubble => bubble.closest('section').dataset.network") == "whatsapp"


async def test_given_the_dialog_when_a_phone_is_added_by_keyboard_then_it_writes_and_is_written_to(page: Page) -> None:
    ben, cleo = Phone(page, "messenger"), Phone(page, "instagram")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await expect(page.get_by_test_id("add-phone")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator('input[name="handle"]')).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Tab")
    await page.keyboard.type("dora")
    await page.keyboard.press("Tab")
    await page.keyboard.type("Dora Maar")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("new-phone")).to_be_hidden()
    await expect(ben.node).to_have_attribute("aria-label", "Messenger phone of Dora Maar")
    await expect(ben.composer).to_be_focused()

    await ben.type("good morning")
    await expect(ben.arrived.last).to_contain_text("Start with @ and a person's handle")
    await ben.type("@cleo I am new here")
    await cleo.shows("I am new here", writer="Dora Maar (@dora, Messenger):")
    await cleo.type("@dora welcome!")
    await ben.shows("welcome!", writer="Cleo Dubois (Instagram)")


async def test_given_a_narrow_screen_when_worked_by_keyboard_then_every_phone_is_reached_and_nothing_is_cut_off(
    page: Page,
) -> None:
    await page.set_viewport_size(NARROW)
    ada, ben, cleo = (Phone(page, network) for network in PLACES)
    await expect(ada.node).to_be_visible()
    await expect(cleo.node).to_be_hidden()
    await ada.type("@cleo hello")
    await expect(page.locator('[data-tab="instagram"] .badge')).to_have_text("1 unread")

    await page.locator('[data-tab="whatsapp"]').focus()
    await page.keyboard.press("ArrowRight")
    await expect(ben.node).to_be_visible()
    await page.keyboard.press("ArrowRight")
    await cleo.shows("hello", writer="Ada Lovelace (@ada, WhatsApp):")
    await expect(cleo.arrived.last).to_be_visible()
    await cleo.answer_the_last("hello from here")
    await ada.take()
    await ada.shows("hello from here", writer="Cleo Dubois (@cleo, Instagram):")
    await expect(ada.arrived.last).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]


async def test_given_markup_in_a_message_when_it_arrives_then_it_is_text_on_every_phone(page: Page) -> None:
    markup = "<img src=x onerror=\"document.title='broken in'\"> <b>bold</b> <script>alert(1)</script> &amp; {{7*7}}"
    ada, ben, cleo = (Phone(page, network) for network in PLACES)
    await ada.type(f"@cleo {markup}")
    await cleo.shows(markup, writer="Ada Lovelace (@ada, WhatsApp):")
    await ada.type(f"@ben {markup}")
    await ben.shows(markup, writer="Ada Lovelace (WhatsApp)")
    await expect(page.locator("#phones :is(img, script, .text b:not(.mention))")).to_have_count(0)
    assert "broken in" not in await page.title()
