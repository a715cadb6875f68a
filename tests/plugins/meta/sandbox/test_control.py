"""The control API: phones, reading, faults, the clock, the feed, and files."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import ClientResponse, ClientSession, FormData, web
from aiohttp.test_utils import TestServer

from gearmesh_meta.sandbox import Sandbox, Settings, build_app

from .harness import ADA, BEARER, BEN, CLEO, NUMBER, Business, Start, World


@asynccontextmanager
async def feed(world: World) -> AsyncIterator[ClientResponse]:
    """The live feed, listening."""
    async with world.session.get(f"{world.base}/sandbox/events") as response:
        assert response.content_type == "text/event-stream"
        assert await response.content.readline() == b": listening\n"
        await response.content.readline()
        yield response


async def event(response: ClientResponse) -> dict[str, Any]:
    async with asyncio.timeout(10):
        line = await response.content.readline()
        await response.content.readline()
    return dict(json.loads(line.removeprefix(b"data: ")))


async def test_given_seed_phones_when_listed_then_each_has_what_its_network_knows(world: World) -> None:
    _, phones = await world.call("GET", "/sandbox/phones")
    bsuid = phones[0].pop("bsuid")
    assert bsuid.startswith("DE.")
    assert phones == [
        {
            "network": "whatsapp",
            "user": ADA,
            "handle": "ada",
            "name": "Ada Lovelace",
            "username": "ada",
            "hide_number": False,
        },
        {"network": "messenger", "user": BEN, "handle": "ben", "name": "Ben Okri"},
        {"network": "instagram", "user": CLEO, "handle": "cleo", "name": "Cleo Dubois", "username": "cleo"},
    ]


async def test_given_a_new_phone_when_added_then_its_welcome_was_tried_and_the_feed_tells(world: World) -> None:
    async with feed(world) as response:
        body = {"network": "instagram", "handle": "@dora", "name": "Dora Maar"}
        status, phone = await world.call("POST", "/sandbox/phones", json=body)
        assert status == 201
        assert (phone["handle"], phone["username"], phone["name"]) == ("dora", "dora", "Dora Maar")
        assert world.business.parts("instagram")[-1]["sender"] == {"id": phone["user"]}
        assert await event(response) == {"phone_added": phone}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"network": "whatsapp", "handle": "ada"}, 409),
        ({"network": "whatsapp", "handle": "new", "user": f"+{ADA}"}, 409),
        ({"network": "messenger", "handle": "ada"}, 201),
        ({"network": "sms", "handle": "new"}, 400),
        ({"network": "whatsapp"}, 400),
        ({"network": "whatsapp", "handle": "two words"}, 400),
        ({"network": "whatsapp", "handle": "new", "user": "abc"}, 400),
        ({"network": "whatsapp", "handle": "new", "colour": "red"}, 400),
        ({"network": "messenger", "handle": "new", "hide_number": True}, 400),
    ],
)
async def test_given_a_phone_to_add_when_it_does_not_fit_then_the_error_says_why(
    world: World, body: dict[str, Any], status: int
) -> None:
    got, answer = await world.call("POST", "/sandbox/phones", json=body)
    assert got == status, answer
    assert ("error" in answer) == (status != 201)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"whatsapp/{ADA}/messages", {}, 400),
        (f"whatsapp/{ADA}/messages", {"text": 3}, 400),
        (f"whatsapp/{ADA}/messages", {"text": "x", "reply_to": "none"}, 404),
        (f"whatsapp/{ADA}/messages", {"reaction": {"message_id": "none", "emoji": "x"}}, 404),
        (f"whatsapp/{ADA}/messages", {"text": "x", "reaction": {"message_id": "none"}}, 400),
        (f"whatsapp/{ADA}/messages", {"media": {"type": "image", "mime": "image/png"}}, 400),
        (f"whatsapp/{ADA}/messages", {"media": {"type": "image", "base64": "eA=="}}, 400),
        (f"whatsapp/{ADA}/messages", {"media": {"type": "image", "mime": "image/png", "base64": "%"}}, 400),
        (f"whatsapp/{ADA}/messages", {"media": {"type": "image", "url": "file:///etc/hosts"}}, 400),
        ("whatsapp/1/messages", {"text": "x"}, 404),
        (f"sms/{ADA}/read", {}, 404),
    ],
)
async def test_given_something_to_type_when_it_does_not_fit_then_the_error_says_why(
    world: World, path: str, body: dict[str, Any], status: int
) -> None:
    got, answer = await world.call("POST", f"/sandbox/phones/{path}", json=body)
    assert (got, list(answer)) == (status, ["error"])


async def test_given_a_typed_message_when_told_and_read_then_its_status_goes_up_step_by_step(world: World) -> None:
    world.business.gate.clear()
    async with feed(world) as response:
        typed = await world.type("messenger", BEN, text="hello")
        assert (typed["direction"], typed["status"]) == ("out", "sent")
        assert await event(response) == {"phone": {"network": "messenger", "user": BEN}, "message": typed}
        world.business.gate.set()
        assert (await event(response))["message"] == typed | {"status": "delivered"}
        await world.page(BEN, sender_action="mark_seen")
        assert (await event(response))["message"] == typed | {"status": "read"}


async def test_given_arrived_messages_when_typing_then_they_are_read_first(world: World) -> None:
    await world.whatsapp_text("one")
    await world.whatsapp_text("two")
    assert [message["status"] for message in await world.shown("whatsapp", ADA)] == ["delivered", "delivered"]
    await world.type("whatsapp", ADA, text="answer")
    await world.settled()
    assert [message["status"] for message in await world.shown("whatsapp", ADA)] == ["read", "read", "delivered"]
    told = [part.get("status", part.get("type")) for part in world.business.parts("whatsapp")]
    assert told[-3:] == ["read", "read", "text"]


async def test_given_typing_when_a_message_arrives_then_the_bubble_goes(world: World) -> None:
    typed = await world.type("whatsapp", ADA, text="hello")
    await world.settled()
    async with feed(world) as response:
        indicator = {"status": "read", "message_id": typed["id"], "typing_indicator": {"type": "text"}}
        assert (await world.whatsapp(**indicator))[0] == 200
        assert (await event(response))["message"]["status"] == "read"
        assert await event(response) == {"typing": {"network": "whatsapp", "user": ADA, "on": True}}
        await world.whatsapp_text("hi")
        assert await event(response) == {"typing": {"network": "whatsapp", "user": ADA, "on": False}}
        assert (await event(response))["message"]["text"] == "hi"


async def test_given_history_when_asked_in_pieces_then_after_and_limit_choose(start: Start) -> None:
    world = await start(messages_per_phone=5)
    for number in range(7):
        await world.type("instagram", CLEO, text=str(number))
    shown = await world.shown("instagram", CLEO)
    assert [message["text"] for message in shown] == ["2", "3", "4", "5", "6"]
    base = f"/sandbox/phones/instagram/{CLEO}/messages"

    async def chosen(query: str) -> list[str]:
        return [message["text"] for message in (await world.call("GET", base + query))[1]]

    assert await chosen("?limit=2") == ["5", "6"]
    assert await chosen(f"?after={shown[1]['id']}") == ["4", "5", "6"]
    assert await chosen(f"?after={shown[1]['id']}&limit=2") == ["4", "5"]
    assert await chosen("?after=unknown") == ["2", "3", "4", "5", "6"]
    assert await chosen("?limit=0") == []
    assert (await world.call("GET", base + "?limit=x"))[0] == 400


async def test_given_the_clock_when_moved_then_all_times_follow(world: World) -> None:
    _, before = await world.call("GET", "/sandbox/clock")
    _, after = await world.call("POST", "/sandbox/clock", json={"advance": 3600})
    assert after["now"] - before["now"] >= 3_600_000
    _, now = await world.call("POST", "/sandbox/clock", json={"now": 1_900_000_000_000})
    assert 0 <= now["now"] - 1_900_000_000_000 < 5_000
    typed = await world.type("whatsapp", ADA, text="later")
    assert 0 <= typed["time"] - 1_900_000_000_000 < 60_000
    assert (await world.call("POST", "/sandbox/clock", json={}))[0] == 400


async def test_given_a_reset_when_asked_for_then_messages_faults_and_calls_are_gone_and_phones_stay(
    world: World,
) -> None:
    await world.whatsapp_text("hello")
    await world.call("POST", "/sandbox/faults", json={"kind": "error"})
    assert (await world.call("POST", "/sandbox/reset"))[0] == 200
    assert await world.shown("whatsapp", ADA) == []
    assert (await world.call("GET", "/sandbox/faults"))[1] == []
    assert (await world.call("GET", "/sandbox/calls"))[1] == []
    assert len((await world.call("GET", "/sandbox/phones"))[1]) == 3
    await world.whatsapp_text("still open")


async def test_given_a_large_file_when_sent_by_base64_then_it_comes_back_whole(world: World) -> None:
    data = bytes(range(256)) * 16_384
    media = {"type": "file", "mime": "application/pdf", "base64": base64.b64encode(data).decode(), "name": "a.pdf"}
    body = io.BytesIO(json.dumps({"media": media}).encode())
    status, message = await world.call("POST", f"/sandbox/phones/whatsapp/{ADA}/messages", data=body)
    assert status == 201
    assert message["media"]["size"] == len(data)
    part = await world.business.part("whatsapp", lambda part: part.get("type") == "document")
    async with world.session.get(part["document"]["url"], headers=BEARER) as response:
        assert await response.read() == data


async def test_given_a_file_by_address_when_typed_then_it_is_fetched(world: World) -> None:
    url = f"{world.base}/sandbox/pictures/instagram/{CLEO}.png"
    message = await world.type("instagram", CLEO, media={"type": "image", "url": url})
    assert message["media"]["mime"] == "image/png"


async def test_given_unknown_or_forged_addresses_when_fetched_then_there_is_nothing(world: World) -> None:
    form = FormData({"messaging_product": "whatsapp"})
    form.add_field("file", b"x", filename="a.png", content_type="image/png")
    _, uploaded = await world.graph(f"{NUMBER}/media", method="POST", data=form)
    far = f"mid={uploaded['id']}&ext=99999999999&hash=00"
    for path in (f"/whatsapp_business/attachments/?{far}", "/whatsapp_business/attachments/?mid=1"):
        assert (await world.call("GET", path, headers=BEARER))[0] == 404
    assert (await world.call("GET", f"/ig_messaging_cdn/?asset_id={uploaded['id']}&signature=00"))[0] == 404
    assert (await world.call("GET", "/sandbox/media/1"))[0] == 404
    assert (await world.call("GET", "/page/..%2Fsettings.py"))[0] == 404
    assert (await world.call("GET", "/sandbox/nothing"))[0] == 404


async def test_given_the_page_when_opened_then_it_and_its_files_are_served(world: World) -> None:
    async with world.session.get(f"{world.base}/") as response:
        assert (response.status, response.content_type) == (200, "text/html")
    async with world.session.get(f"{world.base}/page/phones.js") as response:
        assert response.status == 200
        assert response.headers["Cache-Control"] == "no-cache"


async def test_given_a_body_that_is_no_json_when_posted_then_the_error_says_so(world: World) -> None:
    status, answer = await world.call("POST", "/sandbox/phones", data=b"\xff{")
    assert (status, list(answer)) == (400, ["error"])
    assert ADA not in answer["error"]


async def test_given_open_streams_and_held_calls_when_the_server_ends_then_it_does_not_wait_for_them(
    business: Business,
) -> None:
    server = TestServer(build_app(Settings(webhooks=business.url)))
    await server.start_server()
    async with ClientSession() as session:
        base = str(server.make_url("")).rstrip("/")
        async with session.post(f"{base}/sandbox/faults", json={"kind": "timeout", "seconds": 600}) as response:
            assert response.status == 201
        body = {"recipient": {"id": BEN}, "message": {"text": "held"}}
        held = asyncio.create_task(session.post(f"{base}/me/messages", json=body, headers=BEARER).__aenter__())
        async with session.get(f"{base}/sandbox/events") as stream:
            async with asyncio.timeout(10):
                while True:
                    async with session.get(f"{base}/sandbox/faults") as response:
                        if (await response.json())[0]["fired"]:
                            break
                await server.close()
                assert (await stream.content.read()).startswith(b": listening")
        with pytest.raises(aiohttp.ClientError):
            await held


async def test_given_an_application_with_routes_of_its_own_when_mounted_on_then_they_go_first_and_large_files_pass(
    business: Business,
) -> None:
    async def health(request: web.Request) -> web.Response:
        return web.Response(text="well")

    app = web.Application()
    app.router.add_get("/healthz", health)
    Sandbox(Settings(webhooks=business.url)).mount(app)
    server = TestServer(app)
    await server.start_server()
    async with ClientSession() as session:
        async with session.get(server.make_url("/healthz")) as response:
            assert await response.text() == "well"
        form = FormData({"messaging_product": "whatsapp"})
        form.add_field("file", io.BytesIO(b"x" * 3_000_000), filename="a.png", content_type="image/png")
        url = server.make_url(f"/v25.0/{NUMBER}/media")
        async with session.post(url, data=form, headers=BEARER) as response:
            assert response.status == 200
    await server.close()


async def test_given_a_quiet_feed_when_time_goes_by_then_a_comment_keeps_it_alive(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gearmesh_meta.sandbox.control.observation._HEARTBEAT", 0.001)
    async with feed(world) as response, asyncio.timeout(10):
        assert await response.content.readline() == b": heartbeat\n"


async def test_given_a_dialect_that_breaks_when_an_event_is_told_then_the_loop_hears_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: heard.set_result(context))

    def broken(*arguments: object) -> dict[str, Any]:
        raise LookupError("no payload")

    monkeypatch.setattr("gearmesh_meta.sandbox.webhooks.messenger.MessengerDialect.payload", broken)
    await world.type("messenger", BEN, text="hello")
    async with asyncio.timeout(10):
        assert isinstance((await heard)["exception"], LookupError)


@pytest.mark.parametrize(
    ("wanted", "status", "piece", "told"),
    [
        ("bytes=0-", 200, b"0123456789", None),
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=10-", 416, None, None),
        ("nonsense", 416, None, None),
    ],
)
async def test_given_a_file_when_a_piece_is_asked_for_then_that_piece_comes(
    world: World, wanted: str, status: int, piece: bytes | None, told: str | None
) -> None:
    media = {"type": "voice", "mime": "audio/ogg", "base64": base64.b64encode(b"0123456789").decode()}
    typed = await world.type("whatsapp", ADA, media=media)
    async with world.session.get(world.base + typed["media"]["url"], headers={"Range": wanted}) as response:
        assert (response.status, response.headers.get("Content-Range")) == (status, told)
        if piece is not None:
            assert await response.read() == piece
