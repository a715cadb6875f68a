"""The demo as people meet it: `gearmesh demo` in a process of its own, its page in Chromium, worked by keyboard.

Nothing is played here: what is typed on one phone goes through signed webhooks, nats-server, the router and the Graph
API of the sandbox before it stands on another.
"""

from __future__ import annotations

import os
import re
import signal
from typing import Final

import pytest
from playwright.async_api import Page, ViewportSize, expect

from .phone import CHROMIUM, PLACES, Demo, Phone

NARROW: Final[ViewportSize] = {"width": 360, "height": 740}
STOPS: Final = ("webhook", "IN log", "router", "OUT log", "egress", "Graph call")
HOPS: Final = ("received", "stored in", "routed", "stored out", "taken", "sent")

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on the PATH"),
    pytest.mark.asyncio(loop_scope="module"),
]


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


async def test_given_a_group_when_all_three_have_joined_then_what_one_writes_both_others_read(page: Page) -> None:
    phones = [Phone(page, network) for network in PLACES]
    ada, ben, cleo = phones
    for phone in phones:
        await phone.type("join club")
        await expect(phone.arrived.last.get_by_test_id("text")).to_contain_text("You are in The club now")

    await ada.type("Who brings the boat?")

    await cleo.shows("Who brings the boat?", writer="Ada Lovelace (@ada, WhatsApp) in The club:")
    await ben.shows("Who brings the boat?", writer="Ada Lovelace (WhatsApp) in The club:")
    for phone in phones:
        await phone.type("leave")
        await expect(phone.arrived.last.get_by_test_id("text")).to_contain_text("You have left The club")
