"""`POST /{phone-number-id}/messages` and media."""

from __future__ import annotations

import base64
import hashlib
import io
from typing import Any, Final

import pytest
from aiohttp import ClientSession, FormData

from .harness import ADA, BEARER, NUMBER, Start, World

ROW: Final = {"id": "a", "title": "A"}


def button(button_id: str, title: str = "") -> dict[str, Any]:
    return {"type": "reply", "reply": {"id": button_id, "title": title or button_id[:20]}}


BUTTONS: Final[dict[str, Any]] = {
    "type": "button",
    "body": {"text": "Well?"},
    "action": {"buttons": [button("y", "Yes")]},
}
LIST: Final[dict[str, Any]] = {
    "type": "list",
    "body": {"text": "Well?"},
    "action": {
        "button": "Choose",
        "sections": [{"title": "S", "rows": [ROW | {"description": "the first"}, {"id": "b", "title": "B"}]}],
    },
}


def interactive(content: dict[str, Any], **action: Any) -> dict[str, Any]:
    """A send body with this content, its action changed."""
    changed = content.get("action", {}) | action
    return {"type": "interactive", "interactive": content | {"action": changed}}


async def test_given_a_text_when_sent_then_the_answer_and_the_phone_show_it(world: World) -> None:
    status, answer = await world.whatsapp(to=f"+{ADA}", type="text", text={"body": "hello"})
    assert status == 200
    wamid = answer["messages"][0]["id"]
    assert wamid.startswith("wamid.")
    assert answer == {
        "messaging_product": "whatsapp",
        "contacts": [{"input": f"+{ADA}", "wa_id": ADA}],
        "messages": [{"id": wamid}],
    }
    [message] = await world.shown("whatsapp", ADA)
    assert message["time"] > 1_700_000_000_000
    del message["time"]
    assert message == {
        "id": wamid,
        "direction": "in",
        "type": "text",
        "text": "hello",
        "status": "delivered",
        "reply_to": None,
        "sender_name": None,
        "media": None,
    }


@pytest.mark.parametrize(
    ("kind", "content", "shown"),
    [
        (
            "location",
            {"latitude": 52.5, "longitude": 13.4, "name": "Here", "address": "Street 1"},
            {"text": "", "place": {"latitude": 52.5, "longitude": 13.4, "name": "Here", "address": "Street 1"}},
        ),
        (
            "contacts",
            [
                {
                    "name": {"formatted_name": "Bo Li", "first_name": "Bo"},
                    "phones": [{"phone": "+1 23", "type": "WORK"}, {"phone": "+1 24"}],
                    "emails": [{"email": "bo@example.org"}],
                    "org": {"company": "ACME"},
                },
                {"name": {"formatted_name": "Cy", "last_name": "Cy"}},
            ],
            {
                "text": "",
                "contacts": [
                    {
                        "name": "Bo Li",
                        "phones": ["+1 23", "+1 24"],
                        "emails": ["bo@example.org"],
                        "organisation": "ACME",
                    },
                    {"name": "Cy"},
                ],
            },
        ),
        (
            "interactive",
            BUTTONS | {"header": {"type": "text", "text": "Hm"}, "footer": {"text": "Choose"}},
            {"text": "Hm\nWell?\nChoose", "buttons": [{"kind": "reply", "title": "Yes", "id": "y"}]},
        ),
        (
            "interactive",
            BUTTONS | {"header": {"type": "image", "image": {"id": "1"}}},
            {"text": "Well?", "buttons": [{"kind": "reply", "title": "Yes", "id": "y"}]},
        ),
        (
            "interactive",
            LIST,
            {
                "text": "Well?",
                "buttons": [
                    {"kind": "list", "title": "A", "id": "a", "text": "the first"},
                    {"kind": "list", "title": "B", "id": "b"},
                ],
            },
        ),
        (
            "interactive",
            {
                "type": "cta_url",
                "body": {"text": "Well?"},
                "action": {
                    "name": "cta_url",
                    "parameters": {"display_text": "Look", "url": "https://example.org/"},
                },
            },
            {"text": "Well?", "buttons": [{"kind": "url", "title": "Look", "url": "https://example.org/"}]},
        ),
        (
            "interactive",
            {
                "type": "product",
                "body": {"text": "This one"},
                "action": {"catalog_id": "77", "product_retailer_id": "lamp"},
            },
            {"text": "This one", "goods": [{"title": "lamp", "retailer_id": "lamp", "catalog_id": "77"}]},
        ),
        (
            "interactive",
            {
                "type": "product_list",
                "action": {
                    "catalog_id": "77",
                    "sections": [{"product_items": [{"product_retailer_id": "a"}, {"product_retailer_id": "b"}]}],
                },
            },
            {
                "text": "",
                "goods": [
                    {"title": "a", "retailer_id": "a", "catalog_id": "77"},
                    {"title": "b", "retailer_id": "b", "catalog_id": "77"},
                ],
            },
        ),
        ("interactive", {"type": "location_request_message", "body": {"text": "Where?"}, "action": {}}, {}),
        (
            "template",
            {
                "name": "hello",
                "language": {"code": "en"},
                "components": [
                    {"type": "body", "parameters": [{"type": "text", "text": "Ada"}]},
                    {
                        "type": "button",
                        "sub_type": "quick_reply",
                        "index": "0",
                        "parameters": [{"type": "payload", "payload": "STOP"}],
                    },
                ],
            },
            {"text": "[hello] Ada", "buttons": [{"kind": "template", "title": "STOP", "id": "STOP"}]},
        ),
    ],
)
async def test_given_each_kind_of_content_when_sent_then_the_phone_shows_it(
    world: World, kind: str, content: Any, shown: dict[str, Any]
) -> None:
    status, answer = await world.whatsapp(type=kind, **{kind: content})
    assert status == 200, answer
    [message] = await world.shown("whatsapp", ADA)
    assert message["type"] == kind
    assert {key: message.get(key) for key in shown} == shown
    assert not {"place", "contacts", "buttons", "goods"} & (message.keys() - shown.keys())
    assert answer["messages"][0].get("message_status") == ("accepted" if kind == "template" else None)


async def test_given_a_quoted_message_when_sent_then_the_phone_shows_what_it_answers(world: World) -> None:
    typed = await world.type("whatsapp", ADA, text="question")
    await world.whatsapp_text("answer", context={"message_id": typed["id"]})
    assert (await world.shown("whatsapp", ADA))[-1]["reply_to"] == typed["id"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"messaging_product": "else"}, 400, 100),
        ({"to": None}, 400, 131008),
        ({"to": "49000000"}, 400, 131026),
        ({"to": None, "recipient": "DE.1"}, 400, 131026),
        ({"type": "text"}, 400, 131008),
        ({"type": "text", "text": {}}, 400, 131008),
        ({"type": "text", "text": {"body": "x" * 4097}}, 400, 100),
        ({"type": "text", "text": [1]}, 400, 100),
        ({"type": "poll", "poll": {}}, 400, 131051),
        ({"type": "image", "image": {"id": "1"}}, 400, 100),
        ({"type": "image", "image": {"link": "http://x/", "caption": "x" * 1025}}, 400, 100),
        ({"type": "location", "location": {"latitude": 1}}, 400, 131008),
        ({"type": "contacts", "contacts": [{}]}, 400, 131008),
        (interactive(LIST, sections=[1]), 400, 131009),
        (interactive(LIST, sections=[]), 400, 131009),
        (interactive(LIST, sections=[{"title": "S", "rows": [ROW]}] * 11), 400, 131009),
        (interactive(LIST, sections=[{"rows": [ROW]}, {"rows": [ROW]}]), 400, 131008),
        (interactive(LIST, sections=[{"rows": [ROW, ROW]}]), 400, 131009),
        (interactive(LIST, sections=[{"rows": [ROW | {"id": str(number)} for number in range(11)]}]), 400, 131009),
        (interactive(LIST, sections=[{"rows": [ROW | {"title": "x" * 25}]}]), 400, 131009),
        (interactive(LIST, sections=[{"rows": [ROW | {"id": "x" * 201}]}]), 400, 131009),
        (interactive(LIST, sections=[{"rows": [ROW | {"description": "x" * 73}]}]), 400, 131009),
        (interactive(LIST, button="x" * 21), 400, 131009),
        (interactive(LIST, button=None), 400, 131008),
        (interactive({"type": "survey"}), 400, 131009),
        (interactive({"type": "product"}, product_retailer_id="lamp"), 400, 131008),
        (interactive({"type": "product"}, catalog_id="77"), 400, 131008),
        (interactive({"type": "cta_url", "body": {"text": "x"}}, name="cta_url"), 400, 131008),
        ({"type": "template", "template": {"name": "Not A Name", "language": {"code": "en"}}}, 404, 132001),
        ({"type": "text", "text": {"body": "x"}, "biz_opaque_callback_data": "x" * 513}, 400, 100),
        ({"type": "image", "image": {}}, 400, 131008),
        ({"type": "audio", "audio": {"id": "1", "caption": "x"}}, 400, 100),
        ({"type": "location", "location": {"latitude": "here", "longitude": 1}}, 400, 131009),
        ({"type": "location", "location": {"latitude": 90.5, "longitude": 1}}, 400, 131009),
        ({"type": "location", "location": {"latitude": 1, "longitude": -180.5}}, 400, 131009),
        ({"type": "location", "location": {"latitude": "nan", "longitude": 1}}, 400, 131009),
        ({"type": "contacts", "contacts": [{"name": {"formatted_name": "Bo"}}]}, 400, 131008),
        ({"type": "contacts", "contacts": [{"name": {"first_name": "Bo"}}]}, 400, 131008),
        ({"type": "contacts", "contacts": []}, 400, 131008),
        ({"type": "contacts", "contacts": "[1]"}, 400, 131008),
        ({"type": "contacts", "contacts": {}}, 400, 100),
        ({"type": "reaction", "reaction": {"emoji": "👍"}}, 400, 131008),
        ({"type": "reaction", "reaction": {"message_id": "wamid.1"}}, 400, 131008),
        ({"type": "reaction", "reaction": {"message_id": "wamid.1", "emoji": "yes"}}, 400, 131009),
        ({"type": "interactive", "interactive": {"type": "button"}}, 400, 131008),
        (interactive(BUTTONS, buttons=[]), 400, 131009),
        (interactive(BUTTONS, buttons=[button(str(number)) for number in range(4)]), 400, 131009),
        (interactive(BUTTONS, buttons=[{"type": "reply"}]), 400, 131008),
        (interactive(BUTTONS, buttons=[button("y") | {"type": "url"}]), 400, 131009),
        (interactive(BUTTONS, buttons=[button("y", "x" * 21)]), 400, 131009),
        (interactive(BUTTONS, buttons=[button("x" * 257)]), 400, 131009),
        (interactive(BUTTONS, buttons=[button("a", "Yes"), button("b", "Yes")]), 400, 131009),
        (interactive(BUTTONS, buttons=[button("a", "Yes"), button("a", "No")]), 400, 131009),
        (interactive(BUTTONS | {"body": {"text": "x" * 1025}}), 400, 131009),
        (interactive(BUTTONS | {"body": None}), 400, 131008),
        (interactive(BUTTONS | {"footer": {"text": "x" * 61}}), 400, 131009),
        (interactive(BUTTONS | {"header": {"type": "text", "text": "x" * 61}}), 400, 131009),
        ({"type": "template", "template": {"name": "hello"}}, 400, 131008),
        ({"type": {"a": 1}}, 400, 100),
        ({"text": "{"}, 400, 100),
        ({"status": "seen"}, 400, 131009),
        ({"status": "read"}, 400, 131008),
        ({"status": "read", "message_id": "wamid.none"}, 400, 131009),
    ],
)
async def test_given_a_wrong_body_when_sent_then_the_error_is_metas(
    world: World, body: dict[str, Any], status: int, code: int
) -> None:
    got, answer = await world.whatsapp(**body)
    assert (got, answer["error"]["code"]) == (status, code), answer
    assert answer["error"]["fbtrace_id"]
    assert await world.shown("whatsapp", ADA) == []


async def test_given_approved_templates_when_another_is_sent_then_it_does_not_exist(start: Start) -> None:
    world = await start(templates=("hello",))
    status, _ = await world.whatsapp(type="template", template={"name": "hello", "language": {"code": "en"}})
    assert status == 200
    status, answer = await world.whatsapp(type="template", template={"name": "other", "language": {"code": "en"}})
    assert (status, answer["error"]["code"]) == (404, 132001)


async def test_given_a_day_of_silence_when_sending_then_text_fails_afterwards_and_a_template_passes(
    world: World,
) -> None:
    world.clock.advance(86_401)
    wamid = await world.whatsapp_text("too late", biz_opaque_callback_data="leg-1")
    failed = await world.business.part("whatsapp", lambda part: part.get("status") == "failed")
    assert failed["id"] == wamid
    assert failed["errors"][0]["code"] == 131047
    assert failed["biz_opaque_callback_data"] == "leg-1"
    assert "recipient_user_id" not in failed
    value = world.business.deliveries[-1].payload["entry"][0]["changes"][0]["value"]
    assert "contacts" not in value
    status, _ = await world.whatsapp(type="template", template={"name": "hello", "language": {"code": "en"}})
    assert status == 200
    assert [message["type"] for message in await world.shown("whatsapp", ADA)] == ["template"]
    await world.type("whatsapp", ADA, text="here I am")
    await world.whatsapp_text("welcome back")
    assert (await world.shown("whatsapp", ADA))[-1]["text"] == "welcome back"


async def react(world: World, message_id: str, emoji: str) -> str:
    status, answer = await world.whatsapp(type="reaction", reaction={"message_id": message_id, "emoji": emoji})
    assert status == 200, answer
    return str(answer["messages"][0]["id"])


async def test_given_a_reaction_of_the_business_when_sent_then_it_is_only_ever_sent(world: World) -> None:
    typed = await world.type("whatsapp", ADA, text="hello")
    wamid = await react(world, typed["id"], "👍")
    await world.call("POST", f"/sandbox/phones/whatsapp/{ADA}/read")
    await world.settled()
    assert [part["status"] for part in world.business.parts("whatsapp") if part["id"] == wamid] == ["sent"]


async def test_given_reactions_of_the_business_when_sent_then_the_latest_stands_at_the_message_until_taken_away(
    world: World,
) -> None:
    typed = await world.type("whatsapp", ADA, text="hello")
    ours = await world.whatsapp_text("and this is ours")
    await react(world, typed["id"], "👍")
    await react(world, typed["id"], "❤️")
    await react(world, ours, "1️⃣")
    shown = await world.shown("whatsapp", ADA)
    assert [message["id"] for message in shown] == [typed["id"], ours]
    assert [message.get("reactions") for message in shown] == [{"business": "❤️"}, {"business": "1️⃣"}]
    await react(world, typed["id"], "")
    assert "reactions" not in (await world.shown("whatsapp", ADA))[0]


async def test_given_a_reaction_to_what_is_not_there_when_sent_then_it_fails_afterwards(world: World) -> None:
    typed = await world.type("whatsapp", ADA, text="hello")
    own = await react(world, typed["id"], "👍")
    world.clock.advance(30 * 86_400 + 1)
    await world.type("whatsapp", ADA, text="a month later")
    unsent = await world.type("whatsapp", ADA, text="not for you")
    await world.call("POST", f"/sandbox/phones/whatsapp/{ADA}/unsend", json={"message_id": unsent["id"]})
    for target in ("wamid.none", own, typed["id"], unsent["id"]):
        wamid = await react(world, target, "❤️")
        await world.settled()
        [(status, code)] = [
            (part["status"], part["errors"][0]["code"])
            for part in world.business.parts("whatsapp")
            if part["id"] == wamid
        ]
        assert (status, code) == ("failed", 131009)
    shown = await world.shown("whatsapp", ADA)
    assert [message.get("reactions") for message in shown] == [{"business": "👍"}, None, None]


async def test_given_a_quote_of_what_is_gone_when_sent_then_the_message_comes_without_it(world: World) -> None:
    typed = await world.type("whatsapp", ADA, text="hello")
    await world.whatsapp(
        type="template",
        template={"name": "hello", "language": {"code": "en"}},
        context={"message_id": typed["id"]},
    )
    await world.whatsapp_text("who?", context={"message_id": "wamid.none"})
    world.clock.advance(30 * 86_400 + 1)
    await world.type("whatsapp", ADA, text="a month later")
    await world.whatsapp_text("late", context={"message_id": typed["id"]})
    quotes = {message["text"]: message["reply_to"] for message in await world.shown("whatsapp", ADA)}
    assert (quotes["[hello]"], quotes["who?"], quotes["late"]) == (None, None, None)


async def test_given_a_typing_indicator_when_sent_then_it_stands_until_a_message_comes_and_marks_read(
    world: World,
) -> None:
    typed = await world.type("whatsapp", ADA, text="hello")
    await world.settled()
    typing = {"status": "read", "message_id": typed["id"], "typing_indicator": {"type": "text"}}
    assert await world.whatsapp(**typing) == (200, {"success": True})
    assert (await world.shown("whatsapp", ADA))[0]["status"] == "read"
    assert await types_to(world, ADA)
    await react(world, typed["id"], "👍")
    assert await types_to(world, ADA)
    await world.whatsapp_text("here it is")
    assert not await types_to(world, ADA)


async def types_to(world: World, user: str) -> bool:
    """Whether the business is shown as typing on this phone."""
    _, phones = await world.call("GET", "/sandbox/phones")
    return next("typing_until" in phone for phone in phones if phone["user"] == user)


async def test_given_a_wrong_typing_indicator_when_sent_then_nothing_is_shown_or_read(world: World) -> None:
    typed = await world.type("whatsapp", ADA, text="hello")
    ours = await world.whatsapp_text("ours")
    await world.settled()
    for message_id, indicator in ((typed["id"], {"type": "dots"}), (typed["id"], {}), (ours, {"type": "text"})):
        status, answer = await world.whatsapp(status="read", message_id=message_id, typing_indicator=indicator)
        assert (status, answer["error"]["code"]) == (400, 131009)
    assert not await types_to(world, ADA)
    assert (await world.shown("whatsapp", ADA))[0]["status"] == "delivered"


async def test_given_typed_messages_when_one_is_marked_read_then_it_and_the_earlier_are(world: World) -> None:
    typed = [await world.type("whatsapp", ADA, text=str(number)) for number in range(3)]
    await world.settled()
    status, answer = await world.whatsapp(status="read", message_id=typed[1]["id"])
    assert (status, answer) == (200, {"success": True})
    assert [message["status"] for message in await world.shown("whatsapp", ADA)] == ["read", "read", "delivered"]


async def test_given_an_upload_when_sent_looked_up_and_deleted_then_its_bytes_come_until_then(
    world: World,
) -> None:
    data = b"\xff\xd8 a picture"
    form = FormData({"messaging_product": "whatsapp"})
    form.add_field("file", data, filename="a.jpg", content_type="image/jpeg")
    status, uploaded = await world.graph(f"{NUMBER}/media", method="POST", data=form)
    assert status == 200
    _, answer = await world.whatsapp(type="image", image={"id": uploaded["id"], "caption": "look"})
    assert answer["messages"]
    [message] = await world.shown("whatsapp", ADA)
    assert (message["type"], message["text"]) == ("image", "look")
    async with world.session.get(world.base + message["media"]["url"]) as response:
        assert await response.read() == data
    _, found = await world.graph(uploaded["id"])
    assert found["mime_type"] == "image/jpeg"
    assert found["file_size"] == str(len(data))
    assert found["sha256"] == base64.b64encode(hashlib.sha256(data).digest()).decode()
    async with world.session.get(found["url"], headers=BEARER) as response:
        assert (response.status, await response.read()) == (200, data)
    async with world.session.get(found["url"]) as response:
        assert response.status == 401
    world.clock.advance(301)
    async with world.session.get(found["url"], headers=BEARER) as response:
        assert response.status == 404
    status, answer = await world.graph(uploaded["id"], method="DELETE")
    assert answer == {"success": True}
    status, answer = await world.graph(uploaded["id"])
    assert (status, answer["error"]["code"], answer["error"]["error_subcode"]) == (400, 100, 33)


async def test_given_a_link_when_sent_then_it_is_fetched_or_fails_afterwards(world: World) -> None:
    link = f"{world.base}/sandbox/pictures/messenger/7100000000000001.png"
    await world.whatsapp(type="image", image={"link": link})
    [message] = await world.shown("whatsapp", ADA)
    assert message["media"]["mime"] == "image/png"
    status, _ = await world.whatsapp(type="video", video={"link": link})
    assert status == 200
    failed = await world.business.part("whatsapp", lambda part: part.get("status") == "failed")
    assert failed["errors"][0]["code"] == 131053
    assert "image/png" in failed["errors"][0]["error_data"]["details"]
    _, answer = await world.whatsapp(type="image", image={"link": f"{world.base}/sandbox/pictures/x/1.png"})
    wamid = answer["messages"][0]["id"]
    failed = await world.business.part("whatsapp", lambda part: part["id"] == wamid)
    assert failed["errors"][0]["code"] == 131053


@pytest.mark.parametrize(
    ("kind", "sent_as"), [("image", "image"), ("voice", "audio"), ("file", "document"), ("sticker", "sticker")]
)
async def test_given_a_file_when_typed_then_the_webhook_leads_to_its_bytes(
    world: World, session: ClientSession, kind: str, sent_as: str
) -> None:
    data = b"some bytes of a file"
    media = {"type": kind, "mime": "image/webp", "base64": base64.b64encode(data).decode(), "name": "a.webp"}
    await world.type("whatsapp", ADA, text="caption", media=media)
    part = await world.business.part("whatsapp", lambda part: part.get("type") == sent_as)
    body = part[sent_as]
    assert body["mime_type"] == "image/webp"
    assert body["sha256"] == base64.b64encode(hashlib.sha256(data).digest()).decode()
    assert body["caption"] == "caption"
    assert body.get("voice", kind == "voice") == (kind == "voice")
    assert body.get("filename") == ("a.webp" if kind == "file" else None)
    async with session.get(body["url"], headers=BEARER) as response:
        assert await response.read() == data
    _, found = await world.graph(body["id"])
    assert found["id"] == body["id"]


async def test_given_failed_contacts_are_wanted_when_a_send_fails_then_the_status_carries_them(start: Start) -> None:
    world = await start(failed_contacts=True)
    await world.settled()
    world.clock.advance(86_401)
    await world.whatsapp_text("too late")
    await world.settled()
    value = world.business.deliveries[-1].payload["entry"][0]["changes"][0]["value"]
    assert value["statuses"][0]["status"] == "failed"
    assert value["contacts"][0]["wa_id"] == ADA


async def test_given_uploads_that_lack_something_when_posted_then_they_are_refused(world: World) -> None:
    form = FormData({"messaging_product": "whatsapp", "type": "image/png"})
    status, answer = await world.graph(f"{NUMBER}/media", method="POST", data=form)
    assert (status, answer["error"]["code"]) == (400, 131008)
    status, answer = await world.graph(f"{NUMBER}/media", {})
    assert (status, answer["error"]["code"]) == (400, 100)
    form = FormData({"messaging_product": "whatsapp", "type": "image/png"})
    form.add_field("file", b"x", filename="a", content_type="application/octet-stream")
    _, uploaded = await world.graph(f"{NUMBER}/media", method="POST", data=form)
    assert (await world.graph(uploaded["id"]))[1]["mime_type"] == "image/png"
    assert (await world.graph(f"{uploaded['id']}?phone_number_id=1"))[0] == 400


async def test_given_a_sticker_too_large_when_sent_then_it_fails_afterwards(world: World) -> None:
    for data in (b"x" * 102_401, b"RIFF    WEBPVP8X ANIM" + b"x" * 102_401):
        form = FormData({"messaging_product": "whatsapp"})
        form.add_field("file", data, filename="a.webp", content_type="image/webp")
        status, _ = await world.graph(f"{NUMBER}/media", method="POST", data=form)
        assert status == (200 if b"ANIM" in data else 400)
    form = FormData({"messaging_product": "whatsapp"})
    form.add_field("file", b"x" * 102_401, filename="a.png", content_type="image/png")
    _, uploaded = await world.graph(f"{NUMBER}/media", method="POST", data=form)
    _, answer = await world.whatsapp(type="sticker", sticker={"id": uploaded["id"]})
    wamid = answer["messages"][0]["id"]
    failed = await world.business.part("whatsapp", lambda part: part["id"] == wamid)
    assert failed["errors"][0]["code"] == 131053


async def test_given_links_are_believed_when_sent_then_the_phone_shows_the_link(start: Start) -> None:
    world = await start(fetch_links=False)
    assert (await world.whatsapp(type="image", image={"link": "https://example.org/a.png"}))[0] == 200
    assert (await world.shown("whatsapp", ADA))[0]["media"]["url"] == "https://example.org/a.png"


async def test_given_a_file_too_large_for_its_type_when_uploaded_then_it_is_refused(world: World) -> None:
    form = FormData({"messaging_product": "whatsapp"})
    form.add_field("file", io.BytesIO(b"x" * (5 * 1024 * 1024 + 1)), filename="a.jpg", content_type="image/jpeg")
    status, answer = await world.graph(f"{NUMBER}/media", method="POST", data=form)
    assert (status, answer["error"]["code"]) == (400, 131053)


@pytest.fixture
async def session() -> Any:
    async with ClientSession() as session:
        yield session
