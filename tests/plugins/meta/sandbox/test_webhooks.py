"""What the business is told, byte by byte."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from .harness import ADA, BEN, CLEO, INSTAGRAM, NUMBER, PAGE, WABA, Start, World


async def test_given_seed_phones_when_started_then_each_person_opens_the_chat(world: World) -> None:
    by_network = {delivery.network: delivery.payload for delivery in world.business.deliveries}
    value = by_network["whatsapp"]["entry"][0]["changes"][0]["value"]
    assert by_network["whatsapp"]["object"] == "whatsapp_business_account"
    assert by_network["whatsapp"]["entry"][0]["id"] == WABA
    assert value["metadata"] == {"display_phone_number": "15550001111", "phone_number_id": NUMBER}
    assert value["contacts"][0]["profile"] == {"name": "Ada Lovelace", "username": "@ada"}
    assert value["contacts"][0]["wa_id"] == ADA
    assert value["contacts"][0]["user_id"] == value["messages"][0]["from_user_id"]
    assert value["messages"][0]["type"] == "request_welcome"
    for network, user, account, handle in (("messenger", BEN, PAGE, "ben"), ("instagram", CLEO, INSTAGRAM, "cleo")):
        entry = by_network[network]["entry"][0]
        [messaging] = entry["messaging"]
        assert entry["id"] == account
        assert messaging["sender"] == {"id": user}
        assert messaging["recipient"] == {"id": account}
        assert isinstance(messaging["timestamp"], int)
        assert messaging["postback"]["payload"] == "GET_STARTED"
        assert messaging["postback"]["referral"] == {
            "ref": f"handle.{handle}",
            "source": "SHORTLINK",
            "type": "OPEN_THREAD",
        }


async def test_given_text_beyond_ascii_when_typed_then_the_signed_bytes_are_escaped_ascii(world: World) -> None:
    await world.type("whatsapp", ADA, text="äöå / 😀")
    await world.business.part("whatsapp", lambda part: part.get("type") == "text")
    delivery = world.business.deliveries[-1]
    assert delivery.body.isascii()
    assert rb'"body":"\u00e4\u00f6\u00e5 \/ \ud83d\ude00"' in delivery.body
    legacy = hmac.new(b"sandbox-app-secret", delivery.body, hashlib.sha1).hexdigest()
    assert delivery.headers["X-Hub-Signature"] == f"sha1={legacy}"
    assert delivery.headers["Content-Type"] == "application/json"


async def test_given_plain_json_is_wanted_when_typed_then_the_bytes_are_utf8(start: Start) -> None:
    world = await start(ascii_json=False)
    await world.type("instagram", CLEO, text="äöå /")
    await world.business.part("instagram", lambda part: "message" in part)
    assert '"text":"äöå /"'.encode() in world.business.deliveries[-1].body


async def test_given_a_reply_when_typed_on_whatsapp_then_context_names_author_and_message(world: World) -> None:
    arrived = await world.whatsapp_text("hello")
    own = await world.type("whatsapp", ADA, text="first", reply_to=arrived)
    second = await world.type("whatsapp", ADA, text="second", reply_to=own["id"])
    part = await world.business.part("whatsapp", lambda part: part["id"] == second["id"])
    assert part["context"] == {"from": ADA, "id": own["id"]}
    part = await world.business.part("whatsapp", lambda part: part["id"] == own["id"])
    assert part["context"] == {"from": "15550001111", "id": arrived}
    assert part["timestamp"] == str(own["time"] // 1000)


async def test_given_a_reply_when_typed_on_messenger_and_instagram_then_reply_to_stands_inside(world: World) -> None:
    for network, user in (("messenger", BEN), ("instagram", CLEO)):
        _, answer = await world.page(user, {"text": "hello"})
        typed = await world.type(network, user, text="yes", reply_to=answer["message_id"])
        await world.settled()
        part = world.business.parts(network)[-1]
        assert part["message"]["mid"] == typed["id"]
        assert part["message"]["reply_to"]["mid"] == answer["message_id"]
    assert part["message"]["reply_to"] == {"mid": answer["message_id"]}


async def test_given_a_reaction_when_made_and_taken_back_then_each_network_tells_it_its_way(world: World) -> None:
    wamid = await world.whatsapp_text("hello")
    await world.type("whatsapp", ADA, reaction={"message_id": wamid, "emoji": "👍"})
    await world.type("whatsapp", ADA, reaction={"message_id": wamid})
    await world.settled()
    reactions = [part["reaction"] for part in world.business.parts("whatsapp") if part.get("type") == "reaction"]
    assert reactions == [{"message_id": wamid, "emoji": "👍"}, {"message_id": wamid}]
    for network, user in (("messenger", BEN), ("instagram", CLEO)):
        _, answer = await world.page(user, {"text": "hello"})
        mid = answer["message_id"]
        await world.type(network, user, reaction={"message_id": mid, "emoji": "❤️"})
        await world.type(network, user, reaction={"message_id": mid, "emoji": "🦀"})
        await world.type(network, user, reaction={"message_id": mid})
        await world.settled()
        assert [part["reaction"] for part in world.business.parts(network) if "reaction" in part] == [
            {"mid": mid, "action": "react", "reaction": "love", "emoji": "❤️"},
            {"mid": mid, "action": "react", "reaction": "other", "emoji": "🦀"},
            {"mid": mid, "action": "unreact"},
        ]


async def test_given_a_whatsapp_send_when_it_arrives_then_sent_delivered_and_later_read_follow(
    world: World,
) -> None:
    wamid = await world.whatsapp_text("hello", biz_opaque_callback_data="leg-1")
    await world.call("POST", f"/sandbox/phones/whatsapp/{ADA}/read")
    await world.settled()
    values = [
        change["value"]
        for delivery in world.business.deliveries
        for entry in delivery.payload["entry"]
        for change in entry.get("changes", [])
        if "statuses" in change["value"]
    ]
    told = [(value["statuses"][0]["status"], value["contacts"][0]["profile"].get("username")) for value in values]
    assert told == [("sent", None), ("delivered", "@ada"), ("read", "@ada")]
    for value in values:
        [status] = value["statuses"]
        assert status["id"] == wamid
        assert status["recipient_id"] == ADA
        assert status["recipient_user_id"] == value["contacts"][0]["user_id"]
        assert status["biz_opaque_callback_data"] == "leg-1"


async def test_given_a_messenger_send_when_it_arrives_then_echo_delivery_and_read_by_watermark(world: World) -> None:
    _, answer = await world.page(BEN, {"text": "hello", "metadata": "leg-1"})
    mid = answer["message_id"]
    echo = await world.business.part("messenger", lambda part: part.get("message", {}).get("is_echo"))
    assert echo["sender"] == {"id": PAGE}
    assert echo["recipient"] == {"id": BEN}
    assert echo["message"] == {
        "is_echo": True,
        "app_id": 100000000000000,
        "metadata": "leg-1",
        "mid": mid,
        "text": "hello",
    }
    delivery = await world.business.part("messenger", lambda part: "delivery" in part)
    assert delivery["delivery"] == {"mids": [mid], "watermark": echo["timestamp"]}
    await world.call("POST", f"/sandbox/phones/messenger/{BEN}/read")
    read = await world.business.part("messenger", lambda part: "read" in part)
    assert list(read["read"]) == ["watermark"]
    assert read["read"]["watermark"] >= echo["timestamp"]


async def test_given_files_with_metadata_when_sent_on_messenger_then_their_echoes_carry_it(world: World) -> None:
    url = f"{world.base}/sandbox/pictures/messenger/{BEN}.png"
    attachment = {"type": "image", "payload": {"url": url}}
    _, answer = await world.page(BEN, {"attachment": attachment, "metadata": "leg-2"})
    echo = await world.business.part("messenger", lambda part: part.get("message", {}).get("attachments"))
    assert (echo["message"]["mid"], echo["message"]["metadata"]) == (answer["message_id"], "leg-2")


async def test_given_two_instagram_sends_when_read_then_echoes_and_one_seen_naming_the_newest(world: World) -> None:
    await world.page(CLEO, {"text": "one"})
    _, answer = await world.page(CLEO, {"text": "two"})
    await world.call("POST", f"/sandbox/phones/instagram/{CLEO}/read")
    await world.settled()
    parts = world.business.parts("instagram")[1:]
    assert [part["message"]["text"] for part in parts if "message" in part] == ["one", "two"]
    assert all(part["message"]["is_echo"] is True for part in parts if "message" in part)
    assert [part["read"] for part in parts if "read" in part] == [{"mid": answer["message_id"]}]
    assert not any("delivery" in part for part in parts)


async def test_given_the_changes_shape_when_instagram_tells_then_entries_hold_field_and_value(start: Start) -> None:
    world = await start(instagram_shape="changes")
    typed = await world.type("instagram", CLEO, text="hello")
    await world.settled()
    changes: list[dict[str, Any]] = [
        change
        for delivery in world.business.deliveries
        if delivery.network == "instagram"
        for entry in delivery.payload["entry"]
        for change in entry["changes"]
    ]
    assert [change["field"] for change in changes] == ["messaging_postbacks", "messages"]
    assert changes[1]["value"]["message"] == {"mid": typed["id"], "text": "hello"}


async def test_given_a_hidden_number_when_writing_then_only_the_business_scoped_id_is_told(world: World) -> None:
    _, phone = await world.call(
        "POST", "/sandbox/phones", json={"network": "whatsapp", "handle": "zoe", "hide_number": True}
    )
    await world.type("whatsapp", phone["user"], text="hello")
    await world.business.part("whatsapp", lambda part: part.get("text") == {"body": "hello"})
    told = [delivery for delivery in world.business.deliveries if phone["bsuid"].encode() in delivery.body]
    assert len(told) == 2
    assert not any(phone["user"].encode() in delivery.body for delivery in told)
    status, answer = await world.whatsapp(to=phone["user"], type="text", text={"body": "hi"})
    assert (status, answer["error"]["code"]) == (400, 131026)
    body = {"messaging_product": "whatsapp", "recipient": phone["bsuid"], "type": "text", "text": {"body": "hi"}}
    body["biz_opaque_callback_data"] = "leg-3"
    status, answer = await world.graph(f"{NUMBER}/messages", body)
    assert answer["contacts"] == [{"input": phone["bsuid"], "user_id": phone["bsuid"]}]
    wamid = answer["messages"][0]["id"]
    await world.call("POST", f"/sandbox/phones/whatsapp/{phone['user']}/read")
    await world.settled()
    statuses = [part for part in world.business.parts("whatsapp") if part["id"] == wamid]
    assert [each["status"] for each in statuses] == ["sent", "delivered", "read"]
    for each in statuses:
        assert "recipient_id" not in each
        assert each["recipient_user_id"] == phone["bsuid"]
        assert each["biz_opaque_callback_data"] == "leg-3"
