"""Messenger's and Instagram's messages, personas, attachments and profiles."""

from __future__ import annotations

import base64
import io
import json
from typing import Any, Final

import pytest
from aiohttp import FormData

from .harness import BEARER, BEN, CLEO, INSTAGRAM, PAGE, Start, World


@pytest.mark.parametrize("path", [f"{PAGE}/messages", "me/messages"])
@pytest.mark.parametrize("user", [BEN, CLEO])
async def test_given_a_user_of_either_network_when_the_page_writes_then_it_arrives(
    world: World, path: str, user: str
) -> None:
    status, answer = await world.graph(path, {"recipient": {"id": user}, "message": {"text": "hello"}})
    assert status == 200
    assert answer["recipient_id"] == user
    assert answer["message_id"].startswith("m_" if user == BEN else "aWdf")
    network = "messenger" if user == BEN else "instagram"
    assert [message["id"] for message in await world.shown(network, user)] == [answer["message_id"]]


TAP: Final = {"type": "postback", "title": "Buy", "payload": "BUY"}
CARD: Final[dict[str, Any]] = {
    "title": "Lamp",
    "subtitle": "30 €",
    "image_url": "https://example.org/l.png",
    "default_action": {"type": "web_url", "url": "https://example.org/l"},
}


def quick_reply(title: str, payload: str = "x") -> dict[str, Any]:
    return {"content_type": "text", "title": title, "payload": payload}


def generic(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"template_type": "generic", "elements": list(elements)}


def replying(user: str, *replies: Any) -> dict[str, Any]:
    """A send with these quick replies."""
    return {"recipient": {"id": user}, "message": {"text": "x", "quick_replies": list(replies)}}


def template(user: str, payload: dict[str, Any]) -> dict[str, Any]:
    """A send of this template."""
    return {"recipient": {"id": user}, "message": {"attachment": {"type": "template", "payload": payload}}}


async def test_given_a_form_with_json_strings_when_sent_then_it_is_understood(world: World) -> None:
    form = {"recipient": json.dumps({"id": BEN}), "message": '{"text":"hello"}', "access_token": "sandbox-token"}
    status, answer = await world.call("POST", f"/{PAGE}/messages", data=form)
    assert status == 200, answer


async def test_given_the_instagram_account_when_it_writes_then_it_reaches_its_own_users_only(world: World) -> None:
    body = {"recipient": {"id": CLEO}, "message": {"text": "hello"}}
    status, _ = await world.graph(f"{INSTAGRAM}/messages", body)
    assert status == 200
    status, answer = await world.graph(f"{INSTAGRAM}/messages", {"recipient": {"id": BEN}, "message": {"text": "x"}})
    assert (status, answer["error"]["code"], answer["error"]["error_subcode"]) == (400, 100, 2534014)


@pytest.mark.parametrize(
    ("body", "code", "subcode"),
    [
        ({"message": {"text": "x"}}, 100, None),
        ({"recipient": {"id": "1"}, "message": {"text": "x"}}, 100, 2018001),
        ({"recipient": {"id": BEN}}, 100, None),
        ({"recipient": {"id": BEN}, "message": {}}, 100, None),
        ({"recipient": {"id": BEN}, "message": {"text": "x"}, "sender_action": "typing_on"}, 100, 2018014),
        ({"recipient": {"id": BEN}, "sender_action": "dance"}, 100, None),
        ({"recipient": {"id": BEN}, "message": {"text": "x" * 2001}}, 100, None),
        ({"recipient": {"id": CLEO}, "message": {"text": "é" * 501}}, 100, None),
        ({"recipient": {"id": BEN}, "message": {"text": "x"}, "messaging_type": "SHOUT"}, 100, None),
        ({"recipient": {"id": BEN}, "message": {"text": "x"}, "messaging_type": "MESSAGE_TAG"}, 100, None),
        ({"recipient": {"id": BEN}, "message": {"text": "x"}, "tag": "ACCOUNT_UPDATE"}, 100, None),
        ({"recipient": {"id": BEN}, "message": {"text": "x", "metadata": "x" * 1001}}, 100, None),
        ({"recipient": {"id": BEN}, "message": {"text": "x"}, "persona_id": "1"}, 100, None),
        ({"recipient": {"id": BEN}, "message": {"attachment": {"type": "image", "payload": {}}}}, 100, None),
        (
            {"recipient": {"id": BEN}, "message": {"attachment": {"type": "image", "payload": {"attachment_id": "1"}}}},
            100,
            2018074,
        ),
        (
            {
                "recipient": {"id": BEN},
                "message": {"attachment": {"type": "image", "payload": {"url": "http://127.0.0.1:1/"}}},
            },
            100,
            2018008,
        ),
        ({"recipient": {"id": CLEO}, "message": {"attachments": [{"type": "image"}] * 11}}, 100, 2534015),
        ({"recipient": {"id": CLEO}, "message": {"attachments": 3}}, 100, None),
        ({"recipient": "not json", "message": {"text": "x"}}, 100, None),
        ({"recipient": [], "message": {"text": "x"}}, 100, None),
        ({"recipient": {"id": BEN}, "message": {"text": 3}}, 100, None),
        (replying(BEN, *[quick_reply("x")] * 14), 100, None),
        (replying(CLEO, *[quick_reply("x")] * 14), 100, 2534015),
        (replying(BEN, {}), 100, None),
        (replying(BEN, "x"), 100, None),
        (replying(BEN, {"content_type": "location"}), 100, None),
        (replying(BEN, {"content_type": "text", "payload": "x"}), 100, None),
        (replying(BEN, {"content_type": "text", "title": "x"}), 100, None),
        (replying(BEN, quick_reply("x", "x" * 1001)), 100, None),
        (replying(BEN, quick_reply("x" * 21)), 100, None),
        (replying(BEN, quick_reply("x")) | {"message": {"text": "x", "quick_replies": {}}}, 100, None),
        (template(BEN, {}), 100, None),
        (template(CLEO, {}), 100, 2534015),
        (template(BEN, generic()), 100, None),
        (template(BEN, generic(*[CARD] * 11)), 100, None),
        (template(BEN, generic({"title": "alone"})), 100, None),
        (template(BEN, generic(CARD | {"title": "x" * 81})), 100, None),
        (template(BEN, generic(CARD | {"subtitle": "x" * 81})), 100, None),
        (template(BEN, generic(CARD | {"buttons": [TAP] * 4})), 100, None),
        (template(BEN, generic(CARD | {"buttons": [TAP | {"title": "x" * 21}]})), 100, None),
        (template(BEN, generic(CARD | {"buttons": [TAP | {"type": "dance"}]})), 100, None),
        (template(BEN, {"template_type": "product", "elements": [{}]}), 100, None),
        (template(BEN, {"template_type": "product", "elements": 3}), 100, None),
        (template(BEN, {"template_type": "button", "text": "x"}), 100, None),
        (template(BEN, {"template_type": "button", "text": "x" * 641, "buttons": [TAP]}), 100, None),
        ({"recipient": {"id": BEN}, "message": {"attachment": {"type": "hologram"}}}, 100, None),
        ({"recipient": {"id": BEN}, "message": {"attachment": {"payload": {}}}}, 100, None),
        ({"recipient": {"id": BEN}, "message": {"attachment": {"type": "file", "payload": [1]}}}, 100, None),
        ({"recipient": {"id": BEN}, "message": {"sticker_id": "x"}}, 100, None),
        ({"recipient": {"id": BEN}, "message": {"text": "x"}, "notification_type": "LOUD"}, 100, None),
        ({"recipient": {"id": BEN}, "sender_action": "react", "payload": {"message_id": "m"}}, 100, None),
        (
            {"recipient": {"id": CLEO}, "sender_action": "react", "payload": {"message_id": "m", "reaction": "x"}},
            100,
            2534015,
        ),
    ],
)
async def test_given_a_wrong_body_when_sent_then_the_error_is_metas(
    world: World, body: dict[str, Any], code: int, subcode: int | None
) -> None:
    status, answer = await world.graph("me/messages", body)
    error = answer["error"]
    assert (status, error["code"], error.get("error_subcode")) == (400, code, subcode), error
    assert await world.shown("messenger", BEN) == []


async def test_given_texts_at_the_limit_when_sent_then_they_pass(world: World) -> None:
    assert (await world.page(BEN, {"text": "é" * 2000}))[0] == 200
    assert (await world.page(CLEO, {"text": "é" * 500}))[0] == 200


@pytest.mark.parametrize(("user", "subcode"), [(BEN, 2018278), (CLEO, 2534022)])
async def test_given_a_day_of_silence_when_sending_then_only_a_human_agent_may_for_a_week(
    world: World, user: str, subcode: int
) -> None:
    world.clock.advance(86_401)
    status, answer = await world.page(user, {"text": "late"})
    error = answer["error"]
    assert (status, error["code"], error["error_subcode"], error["type"]) == (400, 10, subcode, "OAuthException")
    tag = {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
    assert (await world.page(user, {"text": "a person writes"}, **tag))[0] == 200
    world.clock.advance(6 * 86_400 - 60)
    assert (await world.page(user, {"text": "still within the week"}, **tag))[0] == 200
    world.clock.advance(60)
    assert (await world.page(user, {"text": "too late"}, **tag))[1]["error"]["error_subcode"] == subcode


async def test_given_a_persona_when_writing_under_it_then_the_phone_shows_its_name(world: World) -> None:
    body = {"name": "Ada Lovelace", "profile_picture_url": "https://example.org/a.png"}
    _, created = await world.graph(f"{PAGE}/personas", body)
    persona = created["id"]
    _, answer = await world.page(BEN, {"text": "hello"}, persona_id=persona)
    [message] = await world.shown("messenger", BEN)
    assert (message["id"], message["sender_name"]) == (answer["message_id"], "Ada Lovelace")
    assert (await world.graph(persona))[1] == body | {"id": persona}
    assert (await world.graph(f"{PAGE}/personas"))[1] == {"data": [body | {"id": persona}]}
    assert (await world.graph(persona, method="DELETE"))[1] == {"success": True}
    assert (await world.graph(persona))[0] == 400


async def test_given_typing_and_seen_when_acted_then_answered_with_the_recipient_and_read(world: World) -> None:
    await world.type("messenger", BEN, text="hello")
    await world.settled()
    for action in ("typing_on", "typing_off", "mark_seen"):
        assert await world.page(BEN, sender_action=action) == (200, {"recipient_id": BEN})
    assert [message["status"] for message in await world.shown("messenger", BEN)] == ["read"]


@pytest.mark.parametrize(("network", "user"), [("messenger", BEN), ("instagram", CLEO)])
async def test_given_a_reaction_of_the_business_when_made_then_the_phone_shows_it_and_no_echo_comes(
    world: World, network: str, user: str
) -> None:
    typed = await world.type(network, user, text="hello")
    payload = {"message_id": typed["id"], "reaction": "😊"}
    assert await world.page(user, sender_action="react", payload=payload) == (200, {"recipient_id": user})
    [shown] = await world.shown(network, user)
    assert (shown["id"], shown["reactions"]) == (typed["id"], {"business": "😊"})
    assert (await world.page(user, sender_action="unreact", payload={"message_id": typed["id"]}))[0] == 200
    [shown] = await world.shown(network, user)
    assert "reactions" not in shown
    await world.call("POST", f"/sandbox/phones/{network}/{user}/read")
    await world.settled()
    told = world.business.parts(network)
    assert not any("read" in part or part.get("message", {}).get("is_echo") for part in told)


@pytest.mark.parametrize(("network", "user"), [("messenger", BEN), ("instagram", CLEO)])
async def test_given_a_reaction_to_a_deleted_message_when_made_then_it_is_refused(
    world: World, network: str, user: str
) -> None:
    typed = await world.type(network, user, text="hello")
    unsent = {"message_id": typed["id"]}
    assert (await world.call("POST", f"/sandbox/phones/{network}/{user}/unsend", json=unsent))[0] == 200
    payload = {"message_id": typed["id"], "reaction": "😊"}
    status, answer = await world.page(user, sender_action="react", payload=payload)
    assert (status, answer["error"]["code"]) == (400, 9000001)


@pytest.mark.parametrize(("network", "user"), [("messenger", BEN), ("instagram", CLEO)])
async def test_given_typing_when_acted_then_it_stands_until_it_is_over_or_a_message_comes(
    world: World, network: str, user: str
) -> None:
    async def is_shown() -> bool:
        _, phones = await world.call("GET", "/sandbox/phones")
        return next("typing_until" in phone for phone in phones if phone["user"] == user)

    await world.page(user, sender_action="typing_on")
    assert await is_shown()
    await world.page(user, sender_action="typing_off")
    assert not await is_shown()
    await world.page(user, sender_action="typing_on")
    await world.page(user, {"text": "here it is"})
    assert not await is_shown()


async def test_given_filedata_when_sent_reusably_then_its_id_can_be_sent_again_for_90_days(world: World) -> None:
    form = FormData({"recipient": json.dumps({"id": BEN})})
    form.add_field("message", '{"attachment":{"type":"image","payload":{"is_reusable":true}}}')
    form.add_field("filedata", b"png bytes", filename="x.png", content_type="image/png")
    status, answer = await world.graph("me/messages", method="POST", data=form)
    assert status == 200, answer
    attachment = {"type": "image", "payload": {"attachment_id": answer["attachment_id"]}}
    assert (await world.page(BEN, {"attachment": attachment}))[0] == 200
    echo = await world.business.part("messenger", lambda part: part.get("message", {}).get("attachments"))
    [sent] = echo["message"]["attachments"]
    async with world.session.get(sent["payload"]["url"]) as response:
        assert (response.status, await response.read()) == (200, b"png bytes")
    world.clock.advance(89 * 86_400)
    await world.type("messenger", BEN, text="still here")
    assert (await world.page(BEN, {"attachment": attachment}))[0] == 200
    world.clock.advance(2 * 86_400)
    await world.type("messenger", BEN, text="still here")
    assert (await world.page(BEN, {"attachment": attachment}))[1]["error"]["error_subcode"] == 2018074


async def test_given_an_uploaded_attachment_when_sent_then_the_phone_shows_the_file(world: World) -> None:
    url = f"{world.base}/sandbox/pictures/messenger/{BEN}.png"
    body = {"message": {"attachment": {"type": "image", "payload": {"url": url, "is_reusable": True}}}}
    for account, user, network in ((PAGE, BEN, "messenger"), (INSTAGRAM, CLEO, "instagram")):
        _, uploaded = await world.graph(f"{account}/message_attachments", body)
        attachment = {"type": "image", "payload": {"attachment_id": uploaded["attachment_id"]}}
        status, _ = await world.graph(
            f"{account}/messages", {"recipient": {"id": user}, "message": {"attachment": attachment}}
        )
        assert status == 200
        [message] = await world.shown(network, user)
        assert message["media"]["mime"] == "image/png"


async def test_given_a_wrong_kind_of_file_when_sent_then_it_is_refused(world: World) -> None:
    url = f"{world.base}/sandbox/pictures/messenger/{BEN}.png"
    status, answer = await world.page(CLEO, {"attachment": {"type": "file", "payload": {"url": url}}})
    assert (status, answer["error"]["error_subcode"]) == (400, 2018047)


async def test_given_several_images_on_instagram_when_sent_then_each_is_a_bubble(world: World) -> None:
    url = f"{world.base}/sandbox/pictures/messenger/{BEN}.png"
    images = [{"type": "image", "payload": {"url": url}}] * 3
    status, answer = await world.page(CLEO, {"attachments": images})
    assert status == 200
    shown = await world.shown("instagram", CLEO)
    assert [message["type"] for message in shown] == ["image"] * 3
    assert shown[0]["id"] == answer["message_id"]


async def test_given_links_are_believed_when_sent_then_nothing_is_fetched(start: Start) -> None:
    world = await start(fetch_links=False)
    attachment = {"type": "video", "payload": {"url": "https://example.org/a.mp4"}}
    assert (await world.page(BEN, {"attachment": attachment}))[0] == 200
    [message] = await world.shown("messenger", BEN)
    assert message["media"]["url"] == "https://example.org/a.mp4"


@pytest.mark.parametrize(("kind", "sent_as"), [("image", "image"), ("voice", "audio"), ("file", "file")])
@pytest.mark.parametrize(("network", "user"), [("messenger", BEN), ("instagram", CLEO)])
async def test_given_a_file_with_text_when_typed_then_two_messages_leave(
    world: World, network: str, user: str, kind: str, sent_as: str
) -> None:
    data = base64.b64encode(b"bytes").decode()
    await world.type(network, user, text="look", media={"type": kind, "mime": "image/png", "base64": data})
    await world.settled()
    messages = [part["message"] for part in world.business.parts(network) if "message" in part]
    assert messages[0]["text"] == "look"
    assert messages[1]["attachments"][0]["type"] == sent_as
    assert "text" not in messages[1]
    async with world.session.get(messages[1]["attachments"][0]["payload"]["url"]) as response:
        assert await response.read() == b"bytes"


async def test_given_people_when_their_profiles_are_read_then_names_and_pictures_come(world: World) -> None:
    _, ben = await world.graph(f"{BEN}?fields=first_name,last_name,profile_pic")
    assert (ben["first_name"], ben["last_name"], ben["id"]) == ("Ben", "Okri", BEN)
    _, cleo = await world.graph(f"{CLEO}?fields=name,username,is_verified_user")
    assert cleo == {"name": "Cleo Dubois", "username": "cleo", "is_verified_user": False, "id": CLEO}
    async with world.session.get(ben["profile_pic"]) as response:
        assert (await response.read()).startswith(b"\x89PNG")


async def test_given_sticker_and_heart_when_sent_then_the_phone_shows_words_for_them(world: World) -> None:
    await world.page(BEN, {"sticker_id": 369239263222822})
    await world.page(CLEO, {"attachment": {"type": "like_heart"}})
    await world.page(CLEO, {"attachment": {"type": "MEDIA_SHARE", "payload": {"id": "17"}}})
    assert [message["text"] for message in await world.shown("messenger", BEN)] == ["👍"]
    assert [message["text"] for message in await world.shown("instagram", CLEO)] == ["❤️", "[post 17]"]


@pytest.mark.parametrize(("network", "user"), [("messenger", BEN), ("instagram", CLEO)])
@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        (
            generic(
                CARD | {"buttons": [{"type": "web_url", "title": "Look", "url": "https://example.org/"}]},
                {"title": "Chair", "buttons": [{"type": "postback", "title": "Buy", "payload": "BUY-2"}]},
                {"title": "Bed", "buttons": [{"type": "phone_number", "title": "Call", "payload": "+4930"}]},
            ),
            {
                "text": "",
                "goods": [
                    {
                        "title": "Lamp",
                        "text": "30 €",
                        "picture": "https://example.org/l.png",
                        "url": "https://example.org/l",
                    },
                    {"title": "Chair"},
                    {"title": "Bed"},
                ],
                "buttons": [
                    {"kind": "url", "title": "Look", "url": "https://example.org/"},
                    {"kind": "postback", "title": "Buy", "id": "BUY-2"},
                    {"kind": "url", "title": "Call", "url": "tel:+4930"},
                ],
            },
        ),
        (
            {"template_type": "product", "elements": [{"id": "177"}]},
            {"text": "", "goods": [{"title": "177", "id": "177"}]},
        ),
        (
            {"template_type": "button", "text": "Well?", "buttons": [TAP]},
            {"text": "Well?", "buttons": [{"kind": "postback", "title": "Buy", "id": "BUY"}]},
        ),
        ({"template_type": "receipt"}, {"text": "[template]"}),
    ],
)
async def test_given_a_template_when_sent_then_the_phone_shows_its_cards_and_buttons(
    world: World, network: str, user: str, payload: dict[str, Any], shown: dict[str, Any]
) -> None:
    status, answer = await world.page(user, {"attachment": {"type": "template", "payload": payload}})
    assert status == 200, answer
    [message] = await world.shown(network, user)
    assert message["type"] == "template"
    assert {key: message.get(key) for key in ("text", "goods", "buttons")} == {"goods": None, "buttons": None} | shown
    await world.settled()


@pytest.mark.parametrize(("network", "user"), [("messenger", BEN), ("instagram", CLEO)])
async def test_given_quick_replies_when_sent_then_they_stand_below_the_text_or_the_picture(
    world: World, network: str, user: str
) -> None:
    replies = [quick_reply("Yes", "1"), quick_reply("No", ""), {"content_type": "user_email"}]
    picture = {"type": "image", "payload": {"url": f"{world.base}/sandbox/pictures/messenger/{BEN}.png"}}
    for message in ({"text": "Well?"}, {"attachment": picture}):
        status, answer = await world.page(user, message | {"quick_replies": replies})
        assert status == 200, answer
    text, file = await world.shown(network, user)
    assert (text["text"], file["type"]) == ("Well?", "image")
    assert (
        text["buttons"]
        == file["buttons"]
        == [
            {"kind": "quick_reply", "title": "Yes", "id": "1"},
            {"kind": "quick_reply", "title": "No"},
            {"kind": "quick_reply", "title": "Send e-mail address"},
        ]
    )


async def test_given_a_quick_reply_that_is_too_long_when_sent_then_instagram_cuts_it(world: World) -> None:
    replies = [quick_reply("x" * 21)]
    assert (await world.page(CLEO, {"text": "Well?", "quick_replies": replies}))[0] == 200
    assert (await world.shown("instagram", CLEO))[0]["buttons"][0]["title"] == "x" * 20


async def test_given_a_quote_when_sent_then_the_phone_shows_what_it_answers(world: World) -> None:
    typed = await world.type("messenger", BEN, text="question")
    await world.page(BEN, {"text": "answer"}, reply_to={"mid": typed["id"]})
    assert (await world.shown("messenger", BEN))[-1]["reply_to"] == typed["id"]


async def test_given_a_messenger_profile_when_written_then_it_is_kept_until_deleted(world: World) -> None:
    options: dict[str, Any] = {"headers": BEARER}
    greeting = [{"locale": "default", "text": "Hi"}]
    assert (await world.graph("me/messenger_profile", {"greeting": greeting}))[1] == {"result": "success"}
    assert (await world.graph("me/messenger_profile?fields=greeting"))[1] == {"data": [{"greeting": greeting}]}
    await world.graph("me/messenger_profile", method="DELETE", json={"fields": ["greeting"]}, **options)
    assert (await world.graph("me/messenger_profile?fields=greeting"))[1] == {"data": []}


async def test_given_files_and_personas_that_do_not_fit_when_posted_then_they_are_refused(world: World) -> None:
    upload = f"{PAGE}/message_attachments"
    assert (await world.graph(upload, {}))[1]["error"]["code"] == 100
    template = {"message": {"attachment": {"type": "template", "payload": generic(CARD)}}}
    assert (await world.graph(upload, template))[1]["error"]["error_subcode"] == 2018047
    form = FormData({"recipient": json.dumps({"id": BEN})})
    form.add_field("message", '{"attachment":{"type":"image","payload":{}}}')
    form.add_field("filedata", io.BytesIO(b"x" * 8_388_609), filename="x.png", content_type="image/png")
    _, answer = await world.graph("me/messages", method="POST", data=form)
    assert answer["error"]["error_subcode"] == 2018109
    for persona in ({"name": "A"}, {"name": "x" * 51, "profile_picture_url": "https://example.org/a.png"}):
        assert (await world.graph(f"{PAGE}/personas", persona))[1]["error"]["code"] == 100
