"""What a webhook goes through: proof first, then reading, then the store."""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING, Any

import pytest

from gearmesh import (
    BusUnavailable,
    Delivery,
    Media,
    MessageReceived,
    Sender,
    Text,
    Unparsed,
    WebhookRequest,
    WebhookResponse,
)
from gearmesh_meta.instagram import Instagram
from gearmesh_meta.messenger import Messenger
from gearmesh_meta.whatsapp import WhatsApp

if TYPE_CHECKING:
    from tests.plugins.meta.conftest import FakeContext, GraphStub

BEN = "7100000000000001"


def to(user: str, content: Text | Media, **more: Any) -> Delivery:
    return Delivery("leg-1", user, user, content, Sender(name="Cleo"), **more)


def signed(payload: object, *, secret: str = "test-app-secret") -> WebhookRequest:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    signature = hmac.new(secret.encode(), body, "sha256").hexdigest()
    return WebhookRequest("POST", {}, {"x-hub-signature-256": f"sha256={signature}"}, body)


def page_text(*texts: str) -> dict[str, Any]:
    us = "682498302938465"
    messaging = [
        {
            "sender": {"id": BEN},
            "recipient": {"id": us},
            "timestamp": 1458692752478,
            "message": {"mid": f"m_{number}", "text": text},
        }
        for number, text in enumerate(texts)
    ]
    return {"object": "page", "entry": [{"id": us, "messaging": messaging}]}


async def test_given_a_signed_webhook_then_all_its_events_come_in_at_once(
    messenger: Messenger, context: FakeContext
) -> None:
    answer = await messenger.webhook(signed(page_text("one", "two")))

    assert answer == WebhookResponse(200, "", "accepted")
    assert [[type(event) for event in batch] for batch in context.batches] == [[MessageReceived] * 2]


async def test_given_a_forged_webhook_then_it_is_not_even_read(
    messenger: Messenger, context: FakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gearmesh_meta.meta_bridge.decode", pytest.fail)

    answer = await messenger.webhook(signed(page_text("one"), secret="guess"))

    assert answer == WebhookResponse(403, "", "forged")
    assert context.batches == []


async def test_given_metas_question_then_the_challenge_goes_back(instagram: Instagram) -> None:
    query = {"hub.mode": "subscribe", "hub.challenge": "42", "hub.verify_token": "test-verify"}

    assert await instagram.webhook(WebhookRequest("GET", query, {}, b"")) == WebhookResponse(200, "42", "verified")
    query["hub.verify_token"] = "guess"
    assert await instagram.webhook(WebhookRequest("GET", query, {}, b"")) == WebhookResponse(403, "", "refused")


async def test_given_no_store_then_meta_hears_of_it(messenger: Messenger, context: FakeContext) -> None:
    context.refusal = BusUnavailable("away")

    with pytest.raises(BusUnavailable):
        await messenger.webhook(signed(page_text("one")))


async def test_given_nothing_to_tell_then_nothing_is_stored_and_meta_is_content(
    messenger: Messenger, context: FakeContext
) -> None:
    assert (await messenger.webhook(signed({"object": "page", "entry": []}))).status == 200
    assert context.batches == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"nope",
        b"NaN",
        b'{"a":1e999}',
        b"[" * 200_000,
        b'{"a":' * 70 + b"1" + b"}" * 70,
        b"1" * 5000,
    ],
)
async def test_given_a_body_that_cannot_be_read_then_its_bytes_are_kept_and_meta_does_not_send_it_again(
    whatsapp: WhatsApp, context: FakeContext, body: bytes
) -> None:
    answer = await whatsapp.webhook(signed(body))

    ((event,),) = context.batches
    assert (answer.status, answer.outcome) == (200, "accepted")
    assert isinstance(event, Unparsed)
    assert event.raw == body


async def test_given_half_an_emoji_in_one_message_then_the_others_are_not_lost(
    messenger: Messenger, context: FakeContext
) -> None:
    await messenger.webhook(signed(page_text("ok", "half \ud83d", "whole 🎩")))

    ((first, second, third),) = context.batches
    assert isinstance(second, MessageReceived)
    assert isinstance(first, MessageReceived)
    assert isinstance(third, MessageReceived)
    assert [first.content, second.content, third.content] == [Text("ok"), Text("half ?"), Text("whole 🎩")]


async def test_whatsapp_knows_an_answer_under_another_number_as_the_same_person(
    whatsapp: WhatsApp, graph_stub: GraphStub, context: FakeContext
) -> None:
    graph_stub.says({"contacts": [{"input": "5511912345678", "wa_id": "551112345678"}], "messages": [{"id": "w"}]})
    await whatsapp.send(to("5511912345678", Text("Oi")))
    said = {"from": "551112345678", "id": "w2", "timestamp": "1", "type": "text", "text": {"body": "Oi"}}
    value = {"metadata": {"phone_number_id": "106540352242922"}, "messages": [said]}
    payload = {"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": value}]}]}

    await whatsapp.webhook(signed(payload))

    ((event,),) = context.batches
    assert isinstance(event, MessageReceived)
    assert event.user == "5511912345678"
