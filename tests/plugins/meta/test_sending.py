"""What the three bridges ask Meta to send, and what else they ask."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from gearmesh import (
    Delivery,
    Media,
    MediaKind,
    MediaRef,
    Profile,
    ReceiptDelivery,
    Rejected,
    Retry,
    Secret,
    Sender,
    Sent,
    Text,
    Unauthorized,
    Unclear,
)
from gearmesh_meta.config import InstagramConfig
from gearmesh_meta.instagram import Instagram
from gearmesh_meta.messenger import Messenger
from gearmesh_meta.whatsapp import WhatsApp

if TYPE_CHECKING:
    from tests.plugins.meta.conftest import FakeContext, GraphStub

ADA = "16505551234"
BEN = "7100000000000001"
BSUID = "US.13491208655302741918"
LINK = "https://gearmesh.example/media/1"


def to(user: str, content: Text | Media, **more: Any) -> Delivery:
    return Delivery("leg-1", user, user, content, Sender(name="Cleo"), **more)


def picture(kind: MediaKind = "image", mime: str = "image/jpeg", *, size: int = 0, caption: str = "") -> Media:
    return Media(kind, MediaRef("other", "src", mime, size, name="file.bin"), caption)


async def test_whatsapp_sends_a_text_with_our_id_and_the_quoted_message(
    whatsapp: WhatsApp, graph_stub: GraphStub
) -> None:
    sent = await whatsapp.send(to(ADA, Text("Hello"), reply_to="wamid.Q"))

    assert sent == Sent(("wamid.1",))
    assert graph_stub.calls[0][:2] == ("POST", "/v25.0/106540352242922/messages")
    assert graph_stub.bodies == [
        {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": ADA,
            "type": "text",
            "text": {"body": "Hello", "preview_url": True},
            "context": {"message_id": "wamid.Q"},
            "biz_opaque_callback_data": "leg-1",
        }
    ]


async def test_whatsapp_writes_to_a_scoped_id_where_it_knows_no_number(
    whatsapp: WhatsApp, graph_stub: GraphStub
) -> None:
    await whatsapp.send(to(BSUID, Text("Hello")))

    assert graph_stub.bodies[0]["recipient"] == BSUID
    assert "to" not in graph_stub.bodies[0]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (picture(caption="Taj"), {"type": "image", "image": {"id": "1", "caption": "Taj"}}),
        (picture("video", "video/mp4"), {"type": "video", "video": {"id": "1"}}),
        (picture("audio", "audio/mpeg"), {"type": "audio", "audio": {"id": "1"}}),
        (picture("voice", "audio/ogg; codecs=opus"), {"type": "audio", "audio": {"id": "1", "voice": True}}),
        (picture("voice", "audio/mp4"), {"type": "audio", "audio": {"id": "1"}}),
        (picture("sticker", "image/webp"), {"type": "sticker", "sticker": {"id": "1"}}),
        (picture("file", "text/plain"), {"type": "document", "document": {"id": "1", "filename": "file.bin"}}),
        (picture("sticker", "image/png"), {"type": "image", "image": {"id": "1"}}),
        (picture(mime="image/heic"), {"type": "document", "document": {"id": "1", "filename": "file.bin"}}),
        (picture(size=6_000_000), {"type": "document", "document": {"id": "1", "filename": "file.bin"}}),
    ],
)
async def test_whatsapp_uploads_a_file_and_sends_it_in_the_best_way_that_takes_it(
    whatsapp: WhatsApp, graph_stub: GraphStub, context: FakeContext, content: Media, expected: dict[str, Any]
) -> None:
    context.links["src"] = LINK
    context.files["src"] = data = bytes(content.ref.size or 10)

    await whatsapp.send(to(ADA, content))

    uploaded, sent = graph_stub.bodies
    assert graph_stub.calls[0][1].endswith("/106540352242922/media")
    assert uploaded["messaging_product"] == "whatsapp"
    name, mime, uploaded_data = uploaded["file"]
    assert (mime, uploaded_data) == (content.ref.mime, data)
    assert name.partition(".")[0] in {content.media, "file", "audio"}, "what its sender calls it goes with the message"
    assert "bin" not in name
    assert {key: sent.get(key) for key in expected} == expected


async def test_whatsapp_gives_a_link_to_what_it_takes_in_no_way(
    whatsapp: WhatsApp, graph_stub: GraphStub, context: FakeContext
) -> None:
    context.links["src"] = LINK

    await whatsapp.send(to(ADA, picture(size=200_000_000, caption="big")))

    assert graph_stub.bodies[0]["text"] == {"body": f"big\nfile.bin\n{LINK}", "preview_url": True}


async def test_messenger_sends_a_text_with_our_id_the_quoted_message_and_the_persona(
    messenger: Messenger, graph_stub: GraphStub
) -> None:
    sent = await messenger.send(to(BEN, Text("Hello"), reply_to="m_0#2", ghost="501"))

    assert sent == Sent(("m_1",))
    assert graph_stub.calls[0][:2] == ("POST", "/v25.0/682498302938465/messages")
    assert graph_stub.bodies == [
        {
            "recipient": {"id": BEN},
            "messaging_type": "RESPONSE",
            "message": {"text": "Hello", "metadata": "leg-1"},
            "reply_to": {"mid": "m_0"},
            "persona_id": "501",
        }
    ]


async def test_messenger_uploads_a_file_and_instagram_fetches_it_by_its_link(
    messenger: Messenger, instagram: Instagram, graph_stub: GraphStub, context: FakeContext
) -> None:
    context.links["src"] = LINK
    context.files["src"] = b"words"
    await messenger.send(to(BEN, picture("file", "text/plain")))
    await instagram.send(to(BEN, picture("voice", "audio/mp4")))
    await instagram.send(to(BEN, picture("file", "text/plain")))

    uploaded, *sent = graph_stub.bodies
    assert json.loads(uploaded["message"]) == {"attachment": {"type": "file", "payload": {"is_reusable": True}}}
    assert uploaded["filedata"] == ("file.bin", "text/plain", b"words")
    assert [body["message"] for body in sent] == [
        {"attachment": {"type": "file", "payload": {"attachment_id": "1"}}, "metadata": "leg-1"},
        {"attachment": {"type": "audio", "payload": {"url": LINK}}},
        {"text": f"file.bin\n{LINK}"},
    ]


async def test_instagram_sends_a_text_and_nothing_that_it_does_not_know(
    instagram: Instagram, graph_stub: GraphStub
) -> None:
    await instagram.send(to(BEN, Text("Hello"), reply_to="mid"))

    assert graph_stub.calls == [
        (
            "POST",
            "/v25.0/17841405309211844/messages",
            {},
            {"recipient": {"id": BEN}, "message": {"text": "Hello"}},
        )
    ]


async def test_a_late_message_is_marked_as_a_human_answer(
    messenger: Messenger, instagram: Instagram, graph_stub: GraphStub
) -> None:
    await messenger.send(to(BEN, Text("Hello"), late=True))
    await instagram.send(to(BEN, Text("Hello"), late=True))

    assert graph_stub.bodies == [
        {
            "recipient": {"id": BEN},
            "messaging_type": "MESSAGE_TAG",
            "tag": "HUMAN_AGENT",
            "message": {"text": "Hello", "metadata": "leg-1"},
        },
        {"recipient": {"id": BEN}, "tag": "HUMAN_AGENT", "message": {"text": "Hello"}},
    ]


async def test_instagram_through_a_page_sends_as_what_the_token_stands_for(
    context: FakeContext, graph_stub: GraphStub
) -> None:
    config = InstagramConfig(
        instagram_id="1",
        login="facebook",
        graph_url=graph_stub.url,
        token=Secret("t"),
        app_secret=Secret("s"),
        verify_token=Secret("v"),
    )

    await Instagram(config, context).send(to(BEN, Text("Hello")))

    assert graph_stub.calls[0][1] == "/v25.0/me/messages"
    assert "appsecret_proof" in graph_stub.calls[0][2]


@pytest.mark.parametrize("answer", [{}, {"messages": []}, {"messages": [{}]}, {"message_id": 5}])
async def test_a_yes_without_a_message_id_is_unclear(
    whatsapp: WhatsApp, messenger: Messenger, instagram: Instagram, graph_stub: GraphStub, answer: Any
) -> None:
    for bridge, user in ((whatsapp, ADA), (messenger, BEN), (instagram, BEN)):
        graph_stub.says(answer)
        with pytest.raises(Unclear):
            await bridge.send(to(user, Text("x")))


async def test_a_file_that_cannot_be_had_fails_as_it_does_and_nothing_is_sent(
    messenger: Messenger, graph_stub: GraphStub
) -> None:
    with pytest.raises(Rejected, match="no file"):
        await messenger.send(to(BEN, Media("image", MediaRef("other", "src", "image/png"))))

    assert not [path for _, path, _, _ in graph_stub.calls if path.endswith("/messages")]


async def test_read_is_shown_and_delivered_is_not(
    whatsapp: WhatsApp, messenger: Messenger, instagram: Instagram, graph_stub: GraphStub
) -> None:
    for bridge in (whatsapp, messenger, instagram):
        await bridge.receipt(ReceiptDelivery(BEN, BEN, "delivered", ("w1",)))
        await bridge.receipt(ReceiptDelivery(BEN, BEN, "read", ("w1", "w2")))

    seen = {"recipient": {"id": BEN}, "sender_action": "mark_seen"}
    read = {"messaging_product": "whatsapp", "status": "read", "message_id": "w2"}
    assert graph_stub.bodies == [read, seen, seen]


async def test_profiles_are_read(messenger: Messenger, instagram: Instagram, graph_stub: GraphStub) -> None:
    graph_stub.says({"first_name": "Ben", "last_name": "Okri", "profile_pic": "https://cdn/ben", "id": BEN})
    graph_stub.says({"name": None, "username": "cleo", "profile_pic": None, "id": BEN})

    assert await messenger.profile(BEN) == Profile(name="Ben Okri", avatar="https://cdn/ben")
    assert await instagram.profile(BEN) == Profile(username="cleo")


@pytest.mark.parametrize(("code", "subcode"), [(100, 2018218), (230, 0), (100, 2018247), (2018247, 0)])
async def test_a_person_of_whom_nothing_is_told_has_an_empty_profile(
    messenger: Messenger, instagram: Instagram, graph_stub: GraphStub, code: int, subcode: int
) -> None:
    graph_stub.says({})
    graph_stub.fails(code, subcode)
    graph_stub.fails(code, subcode, status=403)

    assert await messenger.profile(BEN) == await messenger.profile(BEN) == await instagram.profile(BEN) == Profile()


async def test_a_failed_question_for_a_profile_is_asked_again_later(
    messenger: Messenger, graph_stub: GraphStub
) -> None:
    graph_stub.fails(2, status=500)

    with pytest.raises(Retry):
        await messenger.profile(BEN)


async def test_given_a_good_token_then_the_bridge_says_so_and_waits(
    whatsapp: WhatsApp, graph_stub: GraphStub, context: FakeContext
) -> None:
    running = asyncio.create_task(whatsapp.run())

    assert await context.statuses.get() == "connected"
    assert graph_stub.calls[0][:2] == ("GET", "/v25.0/106540352242922")
    assert graph_stub.calls[0][2]["fields"] == "id"
    assert not running.done()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


@pytest.mark.parametrize(
    ("code", "subcode", "says"), [(190, 463, "create a new one"), (100, 33, "page_id 682498302938465")]
)
async def test_given_a_token_that_does_not_open_the_account_then_the_app_stops_and_says_what_to_do(
    messenger: Messenger, graph_stub: GraphStub, code: int, subcode: int, says: str
) -> None:
    graph_stub.fails(code, subcode, status=401)

    with pytest.raises(Unauthorized, match=says) as caught:
        await messenger.run()

    assert "test-token" not in str(caught.value)


async def test_given_a_failure_of_meta_then_the_bridge_is_started_again(
    instagram: Instagram, graph_stub: GraphStub, context: FakeContext
) -> None:
    graph_stub.fails(2, status=503)

    with pytest.raises(Retry):
        await instagram.run()

    assert context.statuses.empty()
