"""All that people send and do on the phones of the demo page, beside plain text."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from aiohttp import ClientSession, FormData
from playwright.async_api import Locator, Page, expect

from .phone import CHROMIUM, PATIENCE, PLACES, Demo, Phone

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on the PATH"),
    pytest.mark.asyncio(loop_scope="module"),
]

SAMPLES: Final = Path(__file__).parents[2] / "plugins/meta/src/gearmesh_meta/sandbox/page/samples"
ADA, BEN, CLEO = "4915112345678", "7100000000000001", "17841405793187218"
NUMBER: Final = "100000000000001"
DROP: Final = """(node, [name, mime, base64, kinds]) => {
    const bytes = Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, {type: mime}));
    for (const kind of kinds) {
        node.dispatchEvent(new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true}));
    }
}"""


class Business:
    """Whoever holds the business's token: sends to the phones past Gearmesh, by the sandbox's Graph API."""

    def __init__(self, session: ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def post(self, path: str, **options: Any) -> dict[str, Any]:
        headers = {"Authorization": "Bearer sandbox-token"}
        async with self._session.post(f"{self._url}/v25.0/{path}", headers=headers, **options) as response:
            answer = await response.json()
            assert response.status == 200, answer
            return dict(answer)

    async def whatsapp(self, **body: Any) -> str:
        """To Ada: the id of the message."""
        whole = {"messaging_product": "whatsapp", "to": ADA, **body}
        return str((await self.post(f"{NUMBER}/messages", json=whole))["messages"][0]["id"])

    async def page(self, user: str, **body: Any) -> dict[str, Any]:
        """To Ben or Cleo."""
        return await self.post("me/messages", json={"recipient": {"id": user}, **body})


@pytest_asyncio.fixture(loop_scope="module")
async def business(demo: Demo) -> AsyncIterator[Business]:
    async with ClientSession() as session:
        yield Business(session, demo.url)


async def attach(phone: Phone, what: str) -> None:
    await phone.node.get_by_test_id("attach").click()
    await phone.node.get_by_test_id(f"attach-{what}").click()


async def menu(bubble: Locator, what: str) -> None:
    """Choose a line of a bubble's menu, which only the pointer or the focus shows."""
    await bubble.hover()
    await bubble.get_by_test_id("more").click()
    await bubble.page.locator(".popup:popover-open").get_by_test_id(f"menu-{what}").click()


async def loads(picture: Locator) -> None:
    """Wait until a picture is there, not only its element."""
    await expect(picture).to_be_visible()
    # `complete` alone is true of a picture that failed; `decode` throws then.
    assert await picture.evaluate("picture => picture.decode().then(() => picture.naturalWidth)") > 0


async def test_given_a_picture_when_dropped_on_a_phone_then_it_is_sent_with_the_words_and_arrives(page: Page) -> None:
    ada, cleo = Phone(page, "whatsapp"), Phone(page, "instagram")
    await ada.take()
    await page.keyboard.type("@cleo where we camp")
    picture = base64.b64encode((SAMPLES / "lake.jpg").read_bytes()).decode()
    screen = ada.node.locator(".screen")
    await screen.evaluate(DROP, ["lake.jpg", "image/jpeg", picture, ["dragenter", "dragover"]])
    await expect(ada.node.locator(".drop")).to_be_visible()
    await screen.evaluate(DROP, ["lake.jpg", "image/jpeg", picture, ["drop"]])
    await expect(ada.node.locator(".drop")).to_be_hidden()

    typed = ada.typed.last
    await loads(typed.locator("img.media"))
    await expect(typed.get_by_test_id("text")).to_have_text("@cleo where we camp")
    await expect(ada.composer).to_have_value("")
    await loads(cleo.arrived.locator("img.media").last)
    await expect(cleo.arrived.filter(has_text="where we camp")).to_have_count(1)


async def test_given_files_when_chosen_then_each_is_shown_as_what_it_is(page: Page) -> None:
    ben = Phone(page, "messenger")
    await ben.node.get_by_test_id("chooser").set_input_files(
        [SAMPLES / "lake.jpg", SAMPLES / "turning.gif", SAMPLES / "voice.m4a"]
    )
    await expect(ben.typed).to_have_count(3)
    await loads(ben.typed.nth(0).locator("img.image"))
    await loads(ben.typed.nth(1).locator("img.gif"))
    await expect(ben.typed.nth(2).locator("audio[controls]")).to_have_count(1)


async def test_given_no_microphone_when_the_sample_is_sent_then_it_tells_its_length_and_plays(page: Page) -> None:
    for network in PLACES:
        phone = Phone(page, network)
        await attach(phone, "voice-note")
        await expect(phone.node.get_by_test_id("recording")).to_contain_text("No microphone")
        await phone.node.get_by_test_id("sample-voice").click()
        await plays(phone.typed.last)
        await expect(phone.node.get_by_test_id("recording")).to_be_hidden()


async def test_given_a_microphone_when_recorded_then_the_voice_note_is_sent_and_plays(page: Page) -> None:
    await page.context.grant_permissions(["microphone"])
    for network in PLACES:
        phone = Phone(page, network)
        await attach(phone, "voice-note")
        await expect(phone.node.get_by_test_id("recording")).to_contain_text("Recording 0:01")
        await phone.node.get_by_test_id("send-recording").click()
        await expect(phone.node.get_by_test_id("recording")).to_be_hidden()
        await expect(phone.typed.last.locator(".length")).to_have_text(re.compile("0:0[1-9]"))
        await phone.typed.last.get_by_test_id("play").click()
        await expect(phone.typed.last.locator(".voice")).to_have_attribute("data-state", "playing")


async def plays(bubble: Locator) -> None:
    """A voice note knows its length before it plays, and then it does."""
    await expect(bubble.locator(".length")).to_have_text("0:05" if "ogg" in await source(bubble) else "0:06")
    await bubble.get_by_test_id("play").click()
    await expect(bubble.locator(".voice")).to_have_attribute("data-state", "playing")
    audio = bubble.get_by_test_id("voice")
    async with asyncio.timeout(PATIENCE):
        while not await audio.evaluate("audio => audio.currentTime > 0"):
            await asyncio.sleep(0.05)
    await bubble.get_by_test_id("play").click()
    await expect(bubble.locator(".voice")).to_have_attribute("data-state", "paused")


async def source(bubble: Locator) -> str:
    """The type of a voice note's file."""
    address = await bubble.get_by_test_id("voice").get_attribute("src")
    response = await bubble.page.request.get(f"{bubble.page.url}{str(address).lstrip('/')}")
    return response.headers["content-type"]


async def test_given_a_voice_note_that_arrived_when_played_then_it_is_marked_as_heard(
    page: Page, business: Business
) -> None:
    ada = Phone(page, "whatsapp")
    form = FormData({"messaging_product": "whatsapp"})
    form.add_field("file", (SAMPLES / "voice.ogg").read_bytes(), filename="v.ogg", content_type="audio/ogg")
    uploaded = await business.post(f"{NUMBER}/media", data=form)
    await business.whatsapp(type="audio", audio={"id": uploaded["id"], "voice": True})
    await plays(ada.arrived.last)
    await expect(ada.arrived.last).to_contain_class("played")


async def test_given_a_bubble_when_reacted_to_then_a_chip_stands_on_it_until_it_is_taken_off(
    page: Page, business: Business
) -> None:
    for network in PLACES:
        phone = Phone(page, network)
        await phone.type("hello")
        bubble = phone.typed.last
        chip = bubble.locator('[data-testid="reaction"][data-who="person"]')
        for emoji, shown in (("👍", "👍"), ("❤️", "❤️"), ("❤️", None)):
            await bubble.hover()
            await bubble.get_by_test_id("react").click()
            await page.locator(f'.popup:popover-open [data-emoji="{emoji}"]').click()
            if shown is None:
                await expect(chip).to_have_count(0)
            else:
                await expect(chip).to_contain_text(shown)
        identifier = await bubble.get_attribute("data-id")
        if network == "whatsapp":
            await business.whatsapp(type="reaction", reaction={"message_id": identifier, "emoji": "🎉"})
        else:
            user = BEN if network == "messenger" else CLEO
            await business.page(user, sender_action="react", payload={"message_id": identifier, "reaction": "🎉"})
        await expect(bubble.locator('[data-testid="reaction"][data-who="business"]')).to_contain_text("🎉")


async def test_given_the_keyboard_alone_when_a_bubble_is_reacted_to_then_it_works_and_the_focus_comes_back(
    page: Page,
) -> None:
    ada = Phone(page, "whatsapp")
    await ada.type("hello")
    # Nobody is meant, so Gearmesh answers; its bubble is the last one, which Shift+Tab reaches.
    await expect(ada.arrived.last).to_contain_text("Start with @")
    bubble = ada.arrived.first
    for key in ("Shift+Tab", "Shift+Tab", "Enter", "ArrowRight", "Enter"):
        await page.keyboard.press(key)
    await expect(bubble.get_by_test_id("reaction")).to_contain_text("❤️")
    await expect(bubble.get_by_test_id("react")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator(".popup:popover-open")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator(".popup:popover-open")).to_have_count(0)
    await expect(bubble.get_by_test_id("react")).to_be_focused()


async def test_given_a_typed_message_when_edited_and_unsent_then_the_bubble_says_so(page: Page) -> None:
    for network in PLACES:
        phone = Phone(page, network)
        await phone.type("helo")
        bubble = phone.typed.last
        await phone.composer.fill("half a thought")
        await menu(bubble, "edit")
        await expect(phone.composer).to_have_value("helo")
        await phone.composer.fill("hello")
        await page.keyboard.press("Enter")
        await expect(bubble.get_by_test_id("text")).to_have_text("hello")
        await expect(bubble.get_by_test_id("edited")).to_have_attribute("title", "Before: helo")
        await expect(phone.composer).to_have_value("half a thought")

        await menu(bubble, "unsend")
        await expect(bubble.get_by_test_id("text")).to_have_text("You deleted this message")
        await expect(bubble.get_by_test_id("edited")).to_have_count(0)
        await expect(phone.typed).to_have_count(1)


async def test_given_an_edit_when_cancelled_then_the_composer_has_what_it_had(page: Page) -> None:
    ben = Phone(page, "messenger")
    await ben.type("hello")
    await ben.composer.fill("half a thought")
    await menu(ben.typed.last, "edit")
    await expect(ben.composer).to_have_value("hello")
    await page.keyboard.press("Escape")
    await expect(ben.composer).to_have_value("half a thought")
    await expect(ben.node.get_by_test_id("answering")).to_be_hidden()


async def test_given_a_message_edited_too_often_when_tried_again_then_the_phone_says_why(
    page: Page, complaints: list[str]
) -> None:
    ben = Phone(page, "messenger")
    await ben.type("0")
    for number in range(1, 7):
        await menu(ben.typed.last, "edit")
        await ben.composer.fill(str(number))
        await page.keyboard.press("Enter")
        if number < 6:
            await expect(ben.typed.last.get_by_test_id("text")).to_have_text(str(number))
    await expect(ben.node.get_by_role("alert")).to_contain_text("a message can be edited 5 times")
    complaints.remove("console error: Failed to load resource: the server responded with a status of 409 (Conflict)")


async def test_given_buttons_when_one_is_tapped_then_it_is_said_and_cannot_be_tapped_again(
    page: Page, business: Business
) -> None:
    ada, ben = Phone(page, "whatsapp"), Phone(page, "messenger")
    buttons = [{"type": "reply", "reply": {"id": each, "title": each}} for each in ("Saturday", "Sunday")]
    action = {"type": "button", "body": {"text": "Which day?"}, "action": {"buttons": buttons}}
    await business.whatsapp(type="interactive", interactive=action)
    replies = [{"content_type": "text", "title": each, "payload": each} for each in ("Saturday", "Sunday")]
    await business.page(BEN, message={"text": "Which day?", "quick_replies": replies})
    for phone in (ada, ben):
        asked = phone.arrived.filter(has_text="Which day?")
        await expect(asked.get_by_test_id("choice")).to_have_text(["Saturday", "Sunday"])
        await asked.get_by_test_id("choice").last.click()
        await expect(phone.typed.last.get_by_test_id("text")).to_have_text("Sunday")
        await expect(asked.get_by_test_id("choice").last).to_have_attribute("aria-pressed", "true")
        await expect(asked.get_by_test_id("choice").first).to_be_disabled()


async def test_given_what_a_network_cannot_show_when_it_comes_in_words_then_a_label_says_what_it_was(
    page: Page, business: Business
) -> None:
    ada, ben, cleo = (Phone(page, network) for network in PLACES)
    await business.whatsapp(type="text", text={"body": "Cleo Dubois (@cleo, Instagram):\n✏️ edited: nine"})
    await business.page(BEN, message={"text": "📍 Boathouse\nhttps://www.openstreetmap.org/"})
    await business.page(CLEO, message={"text": "Ada Lovelace (@ada, WhatsApp):\n❤️ to “the lake”"})
    for phone, was, words in ((ada, "edit", "edited"), (ben, "location", "location"), (cleo, "reaction", "reaction")):
        label = phone.arrived.last.get_by_test_id("was")
        await expect(label).to_have_attribute("data-was", was)
        await expect(label).to_have_text(words)
    await business.page(BEN, message={"text": "⚙ only words"})
    await expect(ben.arrived.last.get_by_test_id("text")).to_have_text("⚙ only words")
    await expect(ben.arrived.last.get_by_test_id("was")).to_have_count(0)


async def test_given_whatsapps_marks_when_typed_then_only_whatsapp_shows_them_as_formatting(page: Page) -> None:
    ada, ben = Phone(page, "whatsapp"), Phone(page, "messenger")
    words = "*bold* _and_ ~not~ `code` 2*3*4 snake_case_name"
    for phone in (ada, ben):
        await phone.take()
        await page.keyboard.type(words)
        await page.keyboard.press("Enter")
    text = ada.typed.last.get_by_test_id("text")
    await expect(text).to_have_text("bold and not code 2*3*4 snake_case_name")
    for tag, inside in (("strong", "bold"), ("em", "and"), ("s", "not"), ("code", "code")):
        await expect(text.locator(tag)).to_have_text([inside])
    await expect(ben.typed.last.get_by_test_id("text")).to_have_text(words)


async def test_given_the_forms_of_the_attach_menu_when_sent_then_cards_stand_on_the_phone(page: Page) -> None:
    ada = Phone(page, "whatsapp")
    for what, testid, words in (
        ("location", "place", "Boathouse at the lake"),
        ("contact", "contact-card", "Emma Brandt"),
        ("poll", "ballot", "When do we leave?"),
        ("ask-about-a-listing", "listing", "Bicycle, as good as new"),
        ("order", "listing", "1 × Bicycle, as good as new"),
    ):
        await attach(ada, what)
        await page.get_by_test_id("sheet-send").click()
        await expect(ada.typed.last.get_by_test_id(testid)).to_contain_text(words)
    await expect(ada.typed).to_have_count(5)
    await expect(ada.typed.first.get_by_role("link")).to_have_attribute("href", _MAP)
    await loads(ada.typed.last.locator("img"))

    cleo = Phone(page, "instagram")
    await attach(cleo, "mention-in-a-story")
    await expect(cleo.typed.last.get_by_test_id("story")).to_contain_text("Mentioned in a story")
    await attach(cleo, "heart")
    await expect(cleo.typed.last.get_by_test_id("text")).to_have_text("❤️")


_MAP: Final = "https://www.openstreetmap.org/?mlat=47.65881&mlon=9.17502#map=16/47.65881/9.17502"


async def test_given_a_sticker_when_sent_then_it_stands_without_a_bubble(page: Page) -> None:
    for network in PLACES:
        phone = Phone(page, network)
        await attach(phone, "sticker")
        await page.locator(".popup:popover-open").get_by_test_id("sticker").first.click()
        bubble = phone.typed.last
        await loads(bubble.locator("img.sticker"))
        drawn = await bubble.locator(".content").evaluate("content => getComputedStyle(content).backgroundImage")
        colour = await bubble.locator(".card").evaluate("card => getComputedStyle(card).backgroundColor")
        assert (drawn, colour) == ("none", "rgba(0, 0, 0, 0)")


async def test_given_a_message_when_forwarded_then_whatsapp_says_so(page: Page) -> None:
    ada = Phone(page, "whatsapp")
    await ada.type("hello")
    await menu(ada.typed.last, "forward")
    await expect(ada.typed).to_have_count(2)
    await expect(ada.typed.last.get_by_test_id("forwarded")).to_have_text("Forwarded")
    await expect(ada.typed.last.get_by_test_id("text")).to_have_text("hello")


async def test_given_typing_of_the_business_when_the_page_is_loaded_anew_then_the_dots_are_still_there(
    page: Page, business: Business
) -> None:
    cleo = Phone(page, "instagram")
    await business.page(CLEO, sender_action="typing_on")
    await expect(cleo.node.get_by_test_id("typing")).to_be_visible()
    await page.reload()
    await expect(page.get_by_test_id("connection")).to_have_text("live")
    await expect(cleo.node.get_by_test_id("typing")).to_be_visible()
    await business.page(CLEO, sender_action="typing_off")
    await expect(cleo.node.get_by_test_id("typing")).to_be_hidden()


async def test_given_a_contact_picked_while_a_menu_is_open_when_looked_away_then_the_menu_is_gone(page: Page) -> None:
    ada = Phone(page, "whatsapp")
    await ada.node.get_by_test_id("attach").click()
    await expect(page.locator(".popup:popover-open")).to_be_visible()
    await ada.node.get_by_test_id("contact").first.click()
    await expect(page.locator(".popup:popover-open")).to_have_count(0)
