"""Every kind that people send, as the business is told of it: the documented shapes, key by key."""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Final

import pytest

from gearmesh_meta.sandbox import Settings
from gearmesh_meta.sandbox.phone import Message, Phone
from gearmesh_meta.sandbox.things import Button
from gearmesh_meta.sandbox.webhooks.event import Event
from gearmesh_meta.sandbox.webhooks.instagram import InstagramDialect
from gearmesh_meta.sandbox.webhooks.messenger import MessengerDialect
from gearmesh_meta.sandbox.webhooks.whatsapp import WhatsAppDialect

from .harness import ADA, BEN, CLEO, Start, World

BYTES: Final = b"RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00ANIM"
STILL: Final = b"RIFF\x00\x00\x00\x00WEBPVP8 "
USERS: Final = {"whatsapp": ADA, "messenger": BEN, "instagram": CLEO}
PLACE: Final = {"latitude": 37.44, "longitude": -122.16, "name": "Philz", "address": "101 Forest Ave"}
LAMP: Final = {
    "title": "Lamp",
    "price": "30.5 USD",
    "picture": "https://shop.example/lamp.jpg",
    "id": "77",
    "retailer_id": "di9ozbzfi4",
    "catalog_id": "1948",
}
ADVERTISEMENT: Final = {
    "title": "Lamps for less",
    "text": "Only now",
    "url": "https://fb.me/1",
    "picture": "https://shop.example/ad.jpg",
    "id": "120",
    "ref": "spring",
}


def file(kind: str, mime: str, data: bytes = b"bytes", **more: str) -> dict[str, str]:
    return {"type": kind, "mime": mime, "base64": base64.b64encode(data).decode(), **more}


async def told(world: World, network: str, **body: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A person sends this: the message on the phone, and the newest part of what the business was told."""
    typed = await world.type(network, USERS[network], **body)
    await world.settled()
    return typed, world.business.parts(network)[-1]


WHATSAPP: Final[dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "formatted text": ({"text": "*bold* _and_ ~not~"}, {"type": "text", "text": {"body": "*bold* _and_ ~not~"}}),
    "location": (
        {"place": PLACE | {"url": "https://philz.example/"}},
        {"type": "location", "location": PLACE | {"url": "https://philz.example/"}},
    ),
    "contact": (
        {
            "contacts": [
                {
                    "name": "Lucía Gómez",
                    "phones": ["+1 (983) 555-2319"],
                    "emails": ["lucia@example.org"],
                    "organisation": "Google",
                    "vcard": "BEGIN:VCARD",
                }
            ]
        },
        {
            "type": "contacts",
            "contacts": [
                {
                    "name": {"formatted_name": "Lucía Gómez", "first_name": "Lucía", "last_name": "Gómez"},
                    "origin": "other",
                    "org": {"company": "Google"},
                    "phones": [{"phone": "+1 (983) 555-2319", "wa_id": "19835552319", "type": "MOBILE"}],
                    "emails": [{"email": "lucia@example.org", "type": "HOME"}],
                    "vcard": "BEGIN:VCARD",
                }
            ],
        },
    ),
    "order": (
        {"order": [LAMP | {"quantity": 2}], "text": "as a gift"},
        {
            "type": "order",
            "order": {
                "catalog_id": "1948",
                "text": "as a gift",
                "product_items": [
                    {"product_retailer_id": "di9ozbzfi4", "quantity": 2, "item_price": 30.5, "currency": "USD"}
                ],
            },
        },
    ),
    "advertisement": (
        {"text": "Is it still there?", "advertisement": ADVERTISEMENT},
        {
            "type": "text",
            "text": {"body": "Is it still there?"},
            "referral": {
                "source_url": "https://fb.me/1",
                "source_id": "120",
                "source_type": "ad",
                "headline": "Lamps for less",
                "body": "Only now",
                "media_type": "image",
                "image_url": "https://shop.example/ad.jpg",
                "ctwa_clid": "CLICK",
            },
        },
    ),
}


@pytest.mark.parametrize("kind", WHATSAPP)
async def test_given_a_kind_when_sent_on_whatsapp_then_it_stands_under_the_key_of_its_type(
    world: World, kind: str
) -> None:
    body, expected = WHATSAPP[kind]
    typed, part = await told(world, "whatsapp", **body)
    assert (part.pop("id"), part.pop("from"), part.pop("timestamp")) == (typed["id"], ADA, str(typed["time"] // 1000))
    assert part.pop("from_user_id").startswith("DE.")
    if "referral" in part:
        assert part["referral"]["ctwa_clid"]
        part["referral"]["ctwa_clid"] = "CLICK"
    assert part == expected


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"ballot": {"question": "When?", "options": ["Mon", "Tue"]}}, "poll_creation"),
        ({"media": file("gif", "image/gif")}, "gif"),
        ({"media": file("image", "image/png"), "view_once": True}, "image"),
        ({"unsupported": "pin"}, "pin"),
    ],
)
async def test_given_what_the_cloud_api_lacks_when_sent_on_whatsapp_then_unsupported_names_it_and_nothing_more(
    world: World, body: dict[str, Any], kind: str
) -> None:
    _, part = await told(world, "whatsapp", **body)
    assert set(part) == {"from", "from_user_id", "id", "timestamp", "type", "errors", "unsupported"}
    assert (part["type"], part["unsupported"]) == ("unsupported", {"type": kind})
    [error] = part["errors"]
    assert (error["code"], error["error_data"]["details"]) == (131051, "Message type is currently not supported.")


@pytest.mark.parametrize(
    ("media", "kind", "details"),
    [
        (file("image", "image/jpeg"), "image", {"caption": "look"}),
        (file("video", "video/mp4"), "video", {"caption": "look"}),
        (file("voice", "audio/ogg; codecs=opus"), "audio", {"voice": True}),
        (file("audio", "audio/mpeg"), "audio", {"voice": False}),
        (file("file", "application/pdf", name="a.pdf"), "document", {"caption": "look", "filename": "a.pdf"}),
        (file("sticker", "image/webp", BYTES), "sticker", {"animated": True}),
        (file("sticker", "image/webp", STILL), "sticker", {"animated": False}),
    ],
)
async def test_given_a_file_when_sent_on_whatsapp_then_its_id_hash_and_details_are_told(
    world: World, media: dict[str, str], kind: str, details: dict[str, Any]
) -> None:
    caption = {"text": details["caption"]} if "caption" in details else {}
    _, part = await told(world, "whatsapp", media=media, **caption)
    assert part["type"] == kind
    digest = hashlib.sha256(base64.b64decode(media["base64"])).digest()
    assert part[kind]["sha256"] == base64.b64encode(digest).decode()
    assert part[kind]["mime_type"] == media["mime"]
    assert part[kind].items() >= details.items()
    assert part[kind]["url"].startswith(f"{world.base}/whatsapp_business/attachments/?mid={part[kind]['id']}&")


async def test_given_a_product_of_the_catalogue_when_asked_about_then_context_refers_to_it(world: World) -> None:
    _, part = await told(world, "whatsapp", goods=[LAMP], text="In blue?")
    assert part["text"] == {"body": "In blue?"}
    about = part["context"].pop("id")
    assert about.startswith("wamid.")
    product = {"catalog_id": "1948", "product_retailer_id": "di9ozbzfi4"}
    assert part["context"] == {"from": "15550001111", "referred_product": product}


def url(world: World, part: dict[str, Any]) -> str:
    """The address of the first attachment, which leads to the bytes."""
    address = str(part["message"]["attachments"][0]["payload"].pop("url"))
    assert address.startswith(f"{world.base}/ig_messaging_cdn/?asset_id=")
    return address


@pytest.mark.parametrize(
    ("network", "media", "kind"),
    [
        ("messenger", file("image", "image/jpeg"), "image"),
        ("messenger", file("gif", "image/gif"), "image"),
        ("messenger", file("video", "video/mp4"), "video"),
        ("messenger", file("voice", "audio/mp4"), "audio"),
        ("messenger", file("file", "application/zip"), "file"),
        ("messenger", file("sticker", "image/webp"), "sticker"),
        ("instagram", file("image", "image/jpeg"), "image"),
        ("instagram", file("gif", "image/gif"), "image"),
        ("instagram", file("sticker", "image/webp"), "image"),
        ("instagram", file("voice", "audio/mp4"), "audio"),
        ("instagram", file("file", "application/pdf"), "file"),
    ],
)
async def test_given_a_file_when_sent_on_messenger_and_instagram_then_an_attachment_has_its_address(
    world: World, network: str, media: dict[str, str], kind: str
) -> None:
    typed, part = await told(world, network, media=media)
    assert part["message"]["mid"] == typed["id"]
    async with world.session.get(url(world, part)) as response:
        assert await response.read() == base64.b64decode(media["base64"])
    [attachment] = part["message"]["attachments"]
    sticker = attachment["payload"].pop("sticker_id", None)
    assert isinstance(sticker, int) == (kind == "sticker")
    assert attachment == {"type": kind, "payload": {}}
    assert set(part["message"]) == {"mid", "attachments"}


PAGE: Final[dict[str, tuple[str, dict[str, Any], dict[str, Any]]]] = {
    "location": (
        "messenger",
        {"place": PLACE},
        {"attachments": [{"type": "location", "payload": {"coordinates": {"lat": 37.44, "long": -122.16}}}]},
    ),
    "listing": (
        "messenger",
        {"goods": [LAMP], "text": "Still there?"},
        {
            "text": "Still there?",
            "attachments": [
                {
                    "type": "template",
                    "payload": {
                        "product": {
                            "elements": [
                                {
                                    "id": "77",
                                    "retailer_id": "di9ozbzfi4",
                                    "image_url": "https://shop.example/lamp.jpg",
                                    "title": "Lamp",
                                    "subtitle": "30.5 USD",
                                }
                            ]
                        }
                    },
                }
            ],
        },
    ),
    "advertisement": (
        "messenger",
        {"text": "Still there?", "advertisement": ADVERTISEMENT},
        {
            "text": "Still there?",
            "referral": {
                "ref": "spring",
                "ad_id": "120",
                "source": "ADS",
                "type": "OPEN_THREAD",
                "ads_context_data": {
                    "ad_title": "Lamps for less",
                    "photo_url": "https://shop.example/ad.jpg",
                    "post_id": "https://fb.me/1",
                },
            },
        },
    ),
    "post": (
        "instagram",
        {"post": {"kind": "post", "url": "https://cdn.example/p.jpg", "title": "Sea"}},
        {"attachments": [{"type": "ig_post", "payload": {"url": "https://cdn.example/p.jpg", "title": "Sea"}}]},
    ),
    "reel": (
        "messenger",
        {"post": {"kind": "reel", "url": "https://cdn.example/r.mp4"}},
        {"attachments": [{"type": "ig_reel", "payload": {"url": "https://cdn.example/r.mp4"}}]},
    ),
    "story mention": (
        "instagram",
        {"story": {"kind": "mention", "url": "https://cdn.example/s.jpg"}},
        {"attachments": [{"type": "story_mention", "payload": {"url": "https://cdn.example/s.jpg"}}]},
    ),
    "story reply": (
        "instagram",
        {"story": {"kind": "reply", "url": "https://cdn.example/s.jpg", "id": "9"}, "text": "wow"},
        {"text": "wow", "reply_to": {"story": {"url": "https://cdn.example/s.jpg", "id": "9"}}},
    ),
    "heart": ("instagram", {"heart": True}, {"attachments": [{"type": "like_heart"}]}),
    "view once": ("instagram", {"media": file("image", "image/png"), "view_once": True}, {"is_unsupported": True}),
    "unsupported": ("messenger", {"unsupported": ""}, {"is_unsupported": True}),
}


@pytest.mark.parametrize("kind", PAGE)
async def test_given_a_kind_when_sent_on_messenger_and_instagram_then_message_has_its_documented_form(
    world: World, kind: str
) -> None:
    network, body, expected = PAGE[kind]
    typed, part = await told(world, network, **body)
    assert part == {
        "sender": {"id": USERS[network]},
        "recipient": part["recipient"],
        "timestamp": typed["time"],
        "message": {"mid": typed["id"], **expected},
    }


TAPS: Final = {
    Button("reply", "Cancel", "cancel-button"): {
        "type": "interactive",
        "interactive": {"type": "button_reply", "button_reply": {"id": "cancel-button", "title": "Cancel"}},
    },
    Button("list", "Express", "express", "Next day"): {
        "type": "interactive",
        "interactive": {
            "type": "list_reply",
            "list_reply": {"id": "express", "title": "Express", "description": "Next day"},
        },
    },
    Button("template", "Unsubscribe", "UNSUB"): {
        "type": "button",
        "button": {"payload": "UNSUB", "text": "Unsubscribe"},
    },
}


@pytest.mark.parametrize("button", TAPS, ids=lambda button: button.kind)
def test_given_a_button_of_whatsapp_when_tapped_then_its_id_and_its_message_are_told(button: Button) -> None:
    said = Message("wamid.2", "out", "interactive", button.title, 1_000, "sent", reply_to="wamid.1", tap=button)
    phone = Phone("whatsapp", ADA, "ada", "Ada", bsuid="DE.1")
    told = WhatsAppDialect(Settings()).typed(phone, said).body
    assert told == {
        "from": ADA,
        "from_user_id": "DE.1",
        "id": "wamid.2",
        "timestamp": "1",
        "context": {"from": "15550001111", "id": "wamid.1"},
        **TAPS[button],
    }


@pytest.mark.parametrize("dialect", [MessengerDialect(Settings()), InstagramDialect(Settings())])
def test_given_a_button_of_the_page_when_tapped_then_its_payload_is_told(
    dialect: MessengerDialect | InstagramDialect,
) -> None:
    phone = Phone(dialect.network, "7", "eve", "Eve")

    def tapped(button: Button) -> Event:
        return dialect.typed(phone, Message("m_2", "out", "text", "Red", 1, "sent", reply_to="m_1", tap=button))

    event = tapped(Button("quick_reply", "Red", "DEV_RED"))
    assert event.field == "messages"
    assert event.body["message"] == {"mid": "m_2", "text": "Red", "quick_reply": {"payload": "DEV_RED"}}
    event = tapped(Button("postback", "Red", "DEV_RED"))
    assert event.field == "messaging_postbacks"
    assert event.body["postback"] == {"mid": "m_2", "title": "Red", "payload": "DEV_RED"}
    assert "message" not in event.body


@pytest.mark.parametrize(
    ("network", "body"),
    [
        ("instagram", {"place": PLACE}),
        ("messenger", {"contacts": [{"name": "Lu"}]}),
        ("messenger", {"ballot": {"question": "?", "options": ["a", "b"]}}),
        ("instagram", {"order": [LAMP]}),
        ("whatsapp", {"story": {"kind": "mention", "url": "https://x.example/"}}),
        ("messenger", {"heart": True}),
        ("whatsapp", {"text": "x", "place": PLACE}),
        ("whatsapp", {"place": PLACE, "ballot": {"question": "?", "options": ["a", "b"]}}),
        ("whatsapp", {"place": {"latitude": 91, "longitude": 0}}),
        ("whatsapp", {"ballot": {"question": "?", "options": ["only"]}}),
        ("whatsapp", {"goods": [LAMP]}),
        ("whatsapp", {"order": [{"title": "Lamp"}]}),
        ("whatsapp", {"unsupported": "nonsense"}),
        ("whatsapp", {"advertisement": ADVERTISEMENT}),
        ("instagram", {"story": {"kind": "reply", "url": "https://x.example/"}}),
        ("messenger", {"media": file("image", "image/png"), "view_once": True}),
        ("whatsapp", {"text": "x", "view_once": True}),
    ],
)
async def test_given_what_nobody_can_send_there_when_tried_then_the_error_says_why(
    world: World, network: str, body: dict[str, Any]
) -> None:
    path = f"/sandbox/phones/{network}/{USERS[network]}/messages"
    status, answer = await world.call("POST", path, json=body)
    assert (status, list(answer)) == (400, ["error"])
    assert await world.shown(network, USERS[network]) == []


async def test_given_a_number_without_the_app_when_people_edit_and_unsend_then_an_edit_is_unsupported_and_no_more(
    start: Start,
) -> None:
    world = await start(coexistence=False)
    typed = await world.type("whatsapp", ADA, text="helo")
    for change, more in (("edit", {"text": "hello"}), ("unsend", {})):
        body = {"message_id": typed["id"], **more}
        assert (await world.call("POST", f"/sandbox/phones/whatsapp/{ADA}/{change}", json=body))[0] == 200
    await world.settled()
    parts = world.business.parts("whatsapp")
    assert [part["type"] for part in parts] == ["request_welcome", "text", "unsupported"]
    assert parts[-1]["unsupported"] == {"type": "edit"}
