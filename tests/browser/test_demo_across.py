"""What somebody sends or does on one phone of the demo is on the other one: as it is, or with a label that says so.

With GEARMESH_SCREENSHOT=<file> the picture of the README is written.
"""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Locator, Page, expect

from .phone import CHROMIUM, PLACES, Phone
from .test_demo_kinds import DROP, SAMPLES, attach, loads, menu

SCREENSHOT: Final = os.environ.get("GEARMESH_SCREENSHOT")
LARGEST_PICTURE: Final = 600_000

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on the PATH"),
    pytest.mark.asyncio(loop_scope="module"),
]


async def drop(phone: Phone, file: str, words: str) -> None:
    """Drag a picture onto a phone, with words in the line below."""
    await phone.take()
    await phone.node.page.keyboard.type(words)
    data = base64.b64encode((SAMPLES / file).read_bytes()).decode()
    screen = phone.node.locator(".screen")
    await screen.evaluate(DROP, [file, "image/jpeg", data, ["dragenter", "dragover"]])
    await screen.evaluate(DROP, [file, "image/jpeg", data, ["drop"]])


async def react(bubble: Locator, emoji: str) -> None:
    """Put an emoji on a bubble."""
    await bubble.hover()
    await bubble.get_by_test_id("react").click()
    await bubble.page.locator(f'.popup:popover-open [data-emoji="{emoji}"]').click()


async def test_given_three_phones_when_people_send_and_do_all_kinds_then_the_others_see_it(page: Page) -> None:
    ada, ben, cleo = (Phone(page, network) for network in PLACES)

    # From Messenger a voice note, which WhatsApp plays; a place, which it shows as one.
    await ben.type("@ada I am on my way")
    await expect(ada.arrived.last).to_contain_text("I am on my way")
    await attach(ben, "voice-note")
    await ben.node.get_by_test_id("sample-voice").click()
    heard = ada.arrived.filter(has=page.get_by_test_id("play")).last
    await expect(heard.locator(".length")).to_have_text(re.compile("0:0[5-6]"))
    await heard.get_by_test_id("play").click()
    await expect(heard).to_contain_class("played")

    # An edit and an unsend are told in words, with a label that says what they were.
    await cleo.type("@ben Can you bring the tent?")
    await expect(ben.arrived.last).to_contain_text("Can you bring the tent?")
    await menu(cleo.typed.last, "edit")
    await cleo.composer.fill("@ben Can you bring the boat?")
    await page.keyboard.press("Enter")
    await expect(ben.arrived.last).to_contain_text("now says:")
    await expect(ben.arrived.last).not_to_contain_text("@ben")
    await cleo.type("Or no, I have one.")
    await expect(ben.arrived.last).to_contain_text("Or no, I have one.")
    await menu(cleo.typed.last, "unsend")
    await expect(ben.arrived.last).to_contain_text("a message was deleted")

    # A listing that somebody asks about carries its card across.
    await ada.type("@cleo And then there is this:")
    await expect(cleo.arrived.last).to_contain_text("And then there is this:")
    await attach(ada, "ask-about-a-listing")
    await page.get_by_test_id("sheet-send").click()
    await expect(cleo.arrived.filter(has_text="🏷")).to_have_count(1)

    # An answer quotes what it answers.
    await ben.answer_the_last("Good, then I bring the boat.")
    await expect(cleo.arrived.last).to_contain_text("Good, then I bring the boat.")

    # A picture with words, dropped; a reaction to it comes back to where it was sent.
    await drop(ada, "lake.jpg", "@cleo Where we camp")
    await expect(cleo.arrived.filter(has_text="Where we camp")).to_have_count(1)
    picture = cleo.arrived.filter(has=page.locator("img.media")).last
    await loads(picture.locator("img.media"))
    await react(picture, "❤️")
    await expect(ada.typed.last.locator('[data-testid="reaction"][data-who="business"]')).to_contain_text("❤️")

    if SCREENSHOT:
        for phone in (ada, ben, cleo):
            await phone.take()
        await page.evaluate("document.activeElement.blur()")
        taken = await page.screenshot(path=Path(SCREENSHOT), full_page=True, animations="disabled")
        assert len(taken) < LARGEST_PICTURE
