"""What people do to messages that stand on their phone, and what the business hears of it."""

from __future__ import annotations

import base64
from typing import Any, Final

import pytest
from aiohttp import FormData

from gearmesh_meta.sandbox.phone import Message

from .harness import ADA, BEN, CLEO, NUMBER, World

USERS: Final = {"whatsapp": ADA, "messenger": BEN, "instagram": CLEO}
NETWORKS: Final = tuple(USERS)
PICTURE: Final = {"type": "image", "mime": "image/png", "base64": base64.b64encode(b"png").decode()}


async def change(world: World, network: str, what: str, **body: Any) -> tuple[int, Any]:
    return await world.call("POST", f"/sandbox/phones/{network}/{USERS[network]}/{what}", json=body)


async def done(world: World, network: str, what: str, **body: Any) -> dict[str, Any]:
    """A change that is allowed: its answer, once the business has heard of it."""
    status, answer = await change(world, network, what, **body)
    assert status < 300, answer
    await world.settled()
    return dict(answer)


@pytest.mark.parametrize("network", NETWORKS)
async def test_given_a_reaction_when_changed_and_taken_off_then_the_message_has_one_and_then_none(
    world: World, network: str
) -> None:
    typed = await world.type(network, USERS[network], text="hello")
    for emoji in ("👍", "❤️"):
        reacted = await world.type(network, USERS[network], reaction={"message_id": typed["id"], "emoji": emoji})
        assert (reacted["id"], reacted["reactions"]) == (typed["id"], {"person": emoji})
    assert len(await world.shown(network, USERS[network])) == 1
    reacted = await world.type(network, USERS[network], reaction={"message_id": typed["id"]})
    assert "reactions" not in reacted


async def test_given_reactions_of_both_sides_when_shown_then_each_has_its_own(world: World) -> None:
    typed = await world.type("messenger", BEN, text="hello")
    await world.type("messenger", BEN, reaction={"message_id": typed["id"], "emoji": "😮"})
    await world.page(BEN, sender_action="react", payload={"message_id": typed["id"], "reaction": "😊"})
    [shown] = await world.shown("messenger", BEN)
    assert shown["reactions"] == {"person": "😮", "business": "😊"}


async def test_given_text_and_caption_when_edited_on_whatsapp_then_all_of_the_new_content_is_told(world: World) -> None:
    first = await world.whatsapp_text("question")
    text = await world.type("whatsapp", ADA, text="helo", reply_to=first)
    picture = await world.type("whatsapp", ADA, text="sea", media=PICTURE)
    edited = await done(world, "whatsapp", "edit", message_id=text["id"], text="hello")
    assert (edited["text"], [version["text"] for version in edited["versions"]]) == ("hello", ["helo"])
    part = world.business.parts("whatsapp")[-1]
    assert part["type"] == "edit"
    assert part["id"] not in (text["id"], picture["id"])
    assert part["edit"] == {
        "original_message_id": text["id"],
        "message": {"context": {"id": first}, "type": "text", "text": {"body": "hello"}},
    }
    await done(world, "whatsapp", "edit", message_id=picture["id"], text="the sea")
    edit = world.business.parts("whatsapp")[-1]["edit"]
    assert (edit["original_message_id"], edit["message"]["type"]) == (picture["id"], "image")
    assert edit["message"]["image"]["caption"] == "the sea"
    assert set(edit["message"]["image"]) == {"mime_type", "sha256", "id", "url", "caption"}


@pytest.mark.parametrize("network", ["messenger", "instagram"])
async def test_given_a_text_when_edited_five_times_then_each_is_told_with_its_number_and_a_sixth_is_refused(
    world: World, network: str
) -> None:
    typed = await world.type(network, USERS[network], text="0")
    for number in range(1, 6):
        await done(world, network, "edit", message_id=typed["id"], text=str(number))
        edit = world.business.parts(network)[-1]["message_edit"]
        assert edit == {"mid": typed["id"], "text": str(number), "num_edit": number}
    assert (await change(world, network, "edit", message_id=typed["id"], text="6"))[0] == 409


@pytest.mark.parametrize("network", NETWORKS)
async def test_given_a_message_when_unsent_then_its_place_stays_empty_and_the_business_is_told(
    world: World, network: str
) -> None:
    typed = await world.type(network, USERS[network], media=PICTURE)
    await world.type(network, USERS[network], reaction={"message_id": typed["id"], "emoji": "👍"})
    await done(world, network, "unsend", message_id=typed["id"])
    [shown] = await world.shown(network, USERS[network])
    assert (shown["id"], shown["deleted"], shown["media"]) == (typed["id"], True, None)
    assert "reactions" not in shown
    part = world.business.parts(network)[-1]
    if network == "whatsapp":
        assert (part["type"], part["revoke"]) == ("revoke", {"original_message_id": typed["id"]})
    else:
        assert part["message"] == {"mid": typed["id"], "is_deleted": True}
    for what, more in (("unsend", {}), ("edit", {"text": "x"})):
        assert (await change(world, network, what, message_id=typed["id"], **more))[0] == 409
    reaction = {"reaction": {"message_id": typed["id"], "emoji": "x"}}
    assert (await change(world, network, "messages", **reaction))[0] == 409


async def test_given_old_messages_when_changed_on_whatsapp_then_the_app_allows_it_no_more(world: World) -> None:
    typed = await world.type("whatsapp", ADA, text="hello")
    world.clock.advance(901)
    assert (await change(world, "whatsapp", "edit", message_id=typed["id"], text="x"))[0] == 409
    world.clock.advance(172_800)
    assert (await change(world, "whatsapp", "unsend", message_id=typed["id"]))[0] == 409
    [shown] = await world.shown("whatsapp", ADA)
    assert shown["text"] == "hello"


async def test_given_what_is_not_theirs_or_not_there_when_changed_then_people_are_refused(world: World) -> None:
    arrived = await world.whatsapp_text("hello")
    picture = await world.type("messenger", BEN, media=PICTURE)
    for network, what, body, status in (
        ("whatsapp", "edit", {"message_id": arrived, "text": "x"}, 409),
        ("whatsapp", "unsend", {"message_id": arrived}, 409),
        ("whatsapp", "play", {"message_id": arrived}, 409),
        ("whatsapp", "tap", {"message_id": arrived, "title": "Yes"}, 409),
        ("whatsapp", "unsend", {"message_id": "none"}, 404),
        ("messenger", "edit", {"message_id": picture["id"], "text": "x"}, 409),
        ("messenger", "edit", {"message_id": picture["id"], "text": ""}, 400),
        ("messenger", "number", {"user": "4915199999"}, 409),
    ):
        assert (await change(world, network, what, **body))[0] == status, (network, what)


async def test_given_a_message_when_forwarded_then_whatsapp_says_so_and_the_others_only_send_it_again(
    world: World,
) -> None:
    for network, user in USERS.items():
        typed = await world.type(network, user, media=PICTURE)
        again = await done(world, network, "forward", message_id=typed["id"])
        assert (again["forwarded"], again["type"], again["media"]) == (True, "image", typed["media"])
        part = world.business.parts(network)[-1]
        if network == "whatsapp":
            assert part["context"] == {"forwarded": True}
            assert part["image"]["id"]
        else:
            assert [each["type"] for each in part["message"]["attachments"]] == ["image"]
    arrived = await world.whatsapp_text("hello")
    await done(world, "whatsapp", "forward", message_id=arrived)
    assert world.business.parts("whatsapp")[-1]["text"] == {"body": "hello"}


async def test_given_a_voice_note_when_played_then_whatsapp_tells_read_and_played_once(world: World) -> None:
    form = FormData({"messaging_product": "whatsapp"})
    form.add_field("file", b"OggS", filename="voice.ogg", content_type="audio/ogg")
    _, uploaded = await world.graph(f"{NUMBER}/media", method="POST", data=form)
    _, answer = await world.whatsapp(type="audio", audio={"id": uploaded["id"], "voice": True})
    wamid = answer["messages"][0]["id"]
    for _ in range(2):
        assert (await done(world, "whatsapp", "play", message_id=wamid))["played"] is True
    statuses = [part for part in world.business.parts("whatsapp") if part["id"] == wamid]
    assert [part["status"] for part in statuses] == ["sent", "delivered", "read", "played"]
    assert (statuses[-1]["recipient_id"], "pricing" in statuses[-1]) == (ADA, False)


async def test_given_another_number_when_taken_then_system_messages_tell_and_the_conversation_stays(
    world: World,
) -> None:
    await world.type("whatsapp", ADA, text="before")
    _, [before, *_] = await world.call("GET", "/sandbox/phones")
    after = await done(world, "whatsapp", "number", user="+12195555358")
    assert (after["user"], after["handle"]) == ("12195555358", "ada")
    assert after["bsuid"].startswith("US.")
    number, scoped = world.business.parts("whatsapp")[-2:]
    assert number["from"] == scoped["from"] == ADA
    assert number["type"] == "system"
    assert number["system"] == {
        "body": f"User Ada Lovelace changed from {ADA} to 12195555358",
        "wa_id": "12195555358",
        "type": "user_changed_number",
    }
    assert scoped["system"] == {
        "body": f"User Ada Lovelace changed from {before['bsuid']} to {after['bsuid']}",
        "user_id": after["bsuid"],
        "type": "user_changed_user_id",
    }
    assert "contacts" not in world.business.deliveries[-1].payload["entry"][0]["changes"][0]["value"]

    await world.type("whatsapp", "12195555358", text="after")
    await world.settled()
    assert world.business.parts("whatsapp")[-1]["from"] == "12195555358"
    assert [each["text"] for each in await world.shown("whatsapp", "12195555358")] == ["before", "after"]
    assert (await change(world, "whatsapp", "messages", text="x"))[0] == 404
    status, _ = await world.whatsapp(to="12195555358", type="text", text={"body": "hi"})
    assert status == 200


async def test_given_a_number_that_somebody_has_when_wanted_then_it_is_refused(world: World) -> None:
    assert (await change(world, "whatsapp", "number", user=ADA))[0] == 409


def test_given_everything_a_message_can_hold_when_taken_back_then_nothing_of_it_is_left() -> None:
    message = Message("1", "out", "image", "secret", 1, "sent", forwarded=True)
    message.react("person", "👍")
    message.erase()
    view = message.view()
    assert "secret" not in str(view)
    assert set(view) == {
        "id", "direction", "type", "text", "time", "status", "reply_to", "sender_name", "media", "deleted", "forwarded",
    }  # fmt: skip


async def test_given_typing_of_the_business_when_listed_then_the_phone_says_until_when(world: World) -> None:
    await world.page(BEN, sender_action="typing_on")
    _, phones = await world.call("GET", "/sandbox/phones")
    [ben] = [phone for phone in phones if phone["user"] == BEN]
    assert 0 < ben["typing_until"] - world.clock.now_ms() <= 20_000
    await world.page(BEN, sender_action="typing_off")
    _, phones = await world.call("GET", "/sandbox/phones")
    assert not any("typing_until" in phone for phone in phones)
