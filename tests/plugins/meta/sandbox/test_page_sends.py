"""Messenger's and Instagram's messages, personas, attachments and profiles."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

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
        ({"recipient": {"id": BEN}, "message": {"text": "x", "quick_replies": [{}] * 14}}, 100, None),
        ({"recipient": {"id": BEN}, "message": {"text": "x", "quick_replies": [{}]}}, 100, None),
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
    assert messages[0]["attachments"][0]["type"] == sent_as
    assert "text" not in messages[0]
    assert messages[1]["text"] == "look"
    async with world.session.get(messages[0]["attachments"][0]["payload"]["url"]) as response:
        assert await response.read() == b"bytes"


async def test_given_people_when_their_profiles_are_read_then_names_and_pictures_come(world: World) -> None:
    _, ben = await world.graph(f"{BEN}?fields=first_name,last_name,profile_pic")
    assert (ben["first_name"], ben["last_name"], ben["id"]) == ("Ben", "Okri", BEN)
    _, cleo = await world.graph(f"{CLEO}?fields=name,username,is_verified_user")
    assert cleo == {"name": "Cleo Dubois", "username": "cleo", "is_verified_user": False, "id": CLEO}
    async with world.session.get(ben["profile_pic"]) as response:
        assert (await response.read()).startswith(b"\x89PNG")


async def test_given_sticker_template_and_heart_when_sent_then_the_phone_shows_words_for_them(world: World) -> None:
    generic = {"template_type": "generic", "elements": [{"title": "A", "subtitle": "B"}], "buttons": [{"title": "C"}]}
    await world.page(BEN, {"sticker_id": 369239263222822})
    await world.page(BEN, {"attachment": {"type": "template", "payload": generic}})
    await world.page(CLEO, {"attachment": {"type": "like_heart"}})
    await world.page(CLEO, {"attachment": {"type": "MEDIA_SHARE", "payload": {"id": "17"}}})
    assert [message["text"] for message in await world.shown("messenger", BEN)] == ["👍", "A\nB\n[C]"]
    assert [message["text"] for message in await world.shown("instagram", CLEO)] == ["❤️", "[post 17]"]


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
    template = {"message": {"attachment": {"type": "template", "payload": {}}}}
    assert (await world.graph(upload, template))[1]["error"]["error_subcode"] == 2018047
    form = FormData({"recipient": json.dumps({"id": BEN})})
    form.add_field("message", '{"attachment":{"type":"image","payload":{}}}')
    form.add_field("filedata", io.BytesIO(b"x" * 8_388_609), filename="x.png", content_type="image/png")
    _, answer = await world.graph("me/messages", method="POST", data=form)
    assert answer["error"]["error_subcode"] == 2018109
    for persona in ({"name": "A"}, {"name": "x" * 51, "profile_picture_url": "https://example.org/a.png"}):
        assert (await world.graph(f"{PAGE}/personas", persona))[1]["error"]["code"] == 100
