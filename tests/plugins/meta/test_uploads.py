"""Uploads: each file once, its id used again until it comes to its end, and anew when Meta has forgotten it."""

from __future__ import annotations

import asyncio
import hashlib

import msgspec
import pytest
from aiohttp import web

from gearmesh import Delivery, Media, MediaRef, Rejected, Retry
from gearmesh_meta.instagram import Instagram
from gearmesh_meta.messenger import Messenger
from gearmesh_meta.uploads import ATTACHMENTS_KEEP, DAY, KEY, MARGIN, WHATSAPP_KEEPS
from gearmesh_meta.whatsapp import WhatsApp

from .conftest import NETWORKS, PEOPLE, FakeContext, GraphStub, World

DATA = b"\xff\xd8\xff" + bytes(range(256)) * 40
REF = MediaRef("gearmesh", "name", "image/jpeg", len(DATA), hashlib.sha256(DATA).hexdigest(), "Blick übers „Tal“.jpg")


def to(user: str, ref: MediaRef = REF) -> Delivery:
    return Delivery("leg-1", user, user, Media("image", ref))


def document(name: str) -> Delivery:
    user, ref = PEOPLE["messenger"], msgspec.structs.replace(REF, name=name)
    return Delivery("leg-1", user, user, Media("file", ref))


def uploads(graph_stub: GraphStub) -> int:
    """How many files were uploaded."""
    return sum(path.endswith(("/media", "/message_attachments")) for _, path, _, _ in graph_stub.calls)


@pytest.fixture(autouse=True)
def _there(context: FakeContext) -> None:
    context.files[REF.source] = DATA


async def test_the_same_file_to_several_people_at_once_is_uploaded_once(
    whatsapp: WhatsApp, messenger: Messenger, graph_stub: GraphStub
) -> None:
    await asyncio.gather(*(whatsapp.send(to(f"49151123456{number:02}")) for number in range(10)))
    assert uploads(graph_stub) == 1
    await asyncio.gather(*(messenger.send(to("7100000000000001")) for _ in range(10)))
    assert uploads(graph_stub) == 2


@pytest.mark.parametrize(("network", "lives"), [("whatsapp", WHATSAPP_KEEPS), ("messenger", ATTACHMENTS_KEEP)])
async def test_an_id_is_used_until_shortly_before_its_end_also_after_a_restart(
    request: pytest.FixtureRequest, graph_stub: GraphStub, context: FakeContext, network: str, lives: float
) -> None:
    bridge = request.getfixturevalue(network)
    await bridge.send(to(PEOPLE[network]))

    context.time += lives - MARGIN - DAY
    await type(bridge)(bridge.config, context).send(to(PEOPLE[network]))
    assert uploads(graph_stub) == 1

    context.time += 2 * DAY
    await bridge.send(to(PEOPLE[network]))
    assert uploads(graph_stub) == 2


@pytest.mark.parametrize(("network", "code", "subcode"), [("whatsapp", 100, 0), ("messenger", 100, 2018074)])
async def test_an_id_that_meta_does_not_know_any_more_is_made_anew_once(
    request: pytest.FixtureRequest, graph_stub: GraphStub, context: FakeContext, network: str, code: int, subcode: int
) -> None:
    bridge = request.getfixturevalue(network)
    await bridge.send(to(PEOPLE[network]))
    context.time += DAY

    graph_stub.fails(code, subcode)
    await bridge.send(to(PEOPLE[network]))
    assert uploads(graph_stub) == 2

    # Refused for the one that was just made, it is not the id that is wrong.
    graph_stub.fails(code, subcode)
    with pytest.raises(Rejected):
        await bridge.send(to(PEOPLE[network]))
    assert uploads(graph_stub) == 2


async def test_what_was_uploaded_long_ago_is_forgotten_at_the_start(
    whatsapp: WhatsApp, graph_stub: GraphStub, context: FakeContext
) -> None:
    await whatsapp.send(to(PEOPLE["whatsapp"]))
    assert [key for key in context.kept if key.startswith(KEY)] == [f"{KEY}{REF.sha256}.image/jpeg"]
    context.time += WHATSAPP_KEEPS

    run = asyncio.create_task(whatsapp.run())
    assert await context.statuses.get() == "connected"
    run.cancel()

    assert not [key for key in context.kept if key.startswith(KEY)]


async def test_its_length_is_said_before_and_the_name_of_a_document_arrives_as_it_is(
    messenger: Messenger, graph_stub: GraphStub
) -> None:
    await messenger.send(document(REF.name))

    assert "Content-Length" in graph_stub.headers[0]
    assert graph_stub.bodies[0]["filedata"] == (REF.name, "image/jpeg", DATA)


async def test_the_same_document_under_another_name_arrives_under_that(
    messenger: Messenger, graph_stub: GraphStub
) -> None:
    for name in ("Ada's own plan.jpg", "plan.jpg", "plan.jpg"):
        await messenger.send(document(name))

    names = [body["filedata"][0] for body in graph_stub.bodies if "filedata" in body]
    assert names == ["Ada's own plan.jpg", "plan.jpg"]


@pytest.mark.parametrize(("network", "field"), [("whatsapp", "file"), ("messenger", "filedata")])
async def test_how_somebody_called_a_picture_is_told_to_nobody(
    request: pytest.FixtureRequest, graph_stub: GraphStub, network: str, field: str
) -> None:
    await request.getfixturevalue(network).send(to(PEOPLE[network]))

    assert graph_stub.bodies[0][field] == ("image.jpg", "image/jpeg", DATA)


async def test_a_file_that_breaks_off_is_no_upload_and_no_message(
    whatsapp: WhatsApp, graph_stub: GraphStub, context: FakeContext
) -> None:
    context.files[REF.source] = DATA[:5000]

    with pytest.raises(Rejected, match="5000 bytes"):
        await whatsapp.send(to(PEOPLE["whatsapp"]))
    assert not graph_stub.calls or uploads(graph_stub) == len(graph_stub.calls)


@pytest.mark.parametrize(
    "answer",
    [(200, {"nothing": 1}), (502, None), (500, {"error": {"code": 2}})],
    ids=["no id", "gateway", "temporary"],
)
async def test_an_upload_that_fails_is_tried_again_and_never_taken_for_a_message(
    messenger: Messenger, graph_stub: GraphStub, answer: tuple[int, object]
) -> None:
    status, body = answer
    graph_stub.answers.append(web.json_response(body, status=status))

    with pytest.raises(Retry):
        await messenger.send(to(PEOPLE["messenger"]))
    await messenger.send(to(PEOPLE["messenger"]))
    assert uploads(graph_stub) == 2


async def test_instagram_uploads_where_there_is_no_link(
    instagram: Instagram, graph_stub: GraphStub, context: FakeContext
) -> None:
    await instagram.send(to(PEOPLE["instagram"]))

    assert uploads(graph_stub) == 1
    assert graph_stub.bodies[1]["message"] == {"attachment": {"type": "image", "payload": {"attachment_id": "1"}}}


@pytest.mark.parametrize("network", NETWORKS)
async def test_the_sandbox_takes_what_is_uploaded_and_shows_it_on_the_phone(world: World, network: str) -> None:
    await world.types(network, text="hello")
    world.contexts[network].files[REF.source] = DATA

    await world.bridges[network].send(to(PEOPLE[network]))

    [*_, shown] = await world.sees(network)
    async with world.http.get(f"{world.url}{shown['media']['url']}") as response:
        assert await response.read() == DATA
    assert (shown["media"]["type"], shown["media"]["mime"]) == ("image", "image/jpeg")
