"""NATS is away: webhooks are refused until it is back, and nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gearmesh.bus.publisher import Stored
from gearmesh.errors import BusUnavailable
from gearmesh.model.delivery import Delivery, Sent
from gearmesh.testing import NatsServer

from .metrics import samples
from .patience import eventually
from .phones import ADA, BEN, CLEO
from .town import SETTINGS, Town
from .traffic import Traffic


def from_ada(*texts: str) -> bytes:
    """A webhook of WhatsApp with what Ada wrote, made by hand."""
    messages = [
        {"from": ADA.user, "id": f"wamid.{text}", "timestamp": "1790000000", "type": "text", "text": {"body": text}}
        for text in texts
    ]
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550001111", "phone_number_id": SETTINGS.phone_number_id},
        "contacts": [{"profile": {"name": ADA.name}, "wa_id": ADA.user}],
        "messages": messages,
    }
    entry = {"id": SETTINGS.waba_id, "changes": [{"field": "messages", "value": value}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


@pytest.fixture
async def nats_town(quiet_town: Town, server: NatsServer) -> AsyncIterator[Town]:
    """A town whose daemon uses a nats-server that it has not started."""
    quiet_town.tables["nats"] = {"url": [server.url]}
    await quiet_town.start()
    await quiet_town.phones.all_told()
    yield quiet_town
    await quiet_town.stop()


async def nats_is_missed(town: Town) -> None:
    """Wait until the daemon has noticed that NATS is away."""
    await eventually(
        lambda: town.get("/readyz"), lambda answer: json.loads(answer[1])["nats"] == "away", awaited="nats to be away"
    )


async def test_given_nats_away_when_a_webhook_comes_then_it_is_answered_503_and_taken_when_nats_is_back(
    nats_town: Town, server: NatsServer
) -> None:
    server.kill()
    await nats_is_missed(nats_town)
    assert await nats_town.webhook("whatsapp", from_ada("@ben by hand")) == 503

    await server.start()
    await nats_town.is_ready()
    assert await nats_town.webhook("whatsapp", from_ada("@ben by hand")) == 200
    assert await nats_town.webhook("whatsapp", from_ada("@ben by hand")) == 200

    await nats_town.phones.sees(BEN, "by hand")
    await nats_town.phones.types(ADA, "@ben and by phone")
    await nats_town.phones.sees(BEN, "and by phone")
    assert await nats_town.phones.texts(BEN) == ["by hand", "and by phone"]


async def test_given_nats_away_when_somebody_writes_then_the_networks_retry_brings_it_once(
    nats_town: Town, server: NatsServer
) -> None:
    server.kill()
    await nats_is_missed(nats_town)
    before = (await nats_town.phones.control("GET", "state"))["webhooks"]["retried"]
    said = await nats_town.phones.types(ADA, "@ben are you there?")
    await eventually(
        lambda: nats_town.phones.control("GET", "state"),
        lambda state: state["webhooks"]["retried"] >= before + 2,
        awaited="the webhook to be refused and sent again",
    )
    assert (await nats_town.phones.history(ADA))[-1]["status"] == "sent"

    await server.start()

    await nats_town.phones.sees(BEN, "are you there?")
    await nats_town.phones.status(ADA, said, "delivered")
    await nats_town.phones.all_told()
    assert await nats_town.phones.texts(BEN) == ["are you there?"]


async def test_given_nats_away_then_the_daemon_is_healthy_but_not_ready_and_says_so_in_its_metrics(
    nats_town: Town, server: NatsServer
) -> None:
    assert (await samples(nats_town)).value("gearmesh_nats_up") == 1

    await server.stop()
    await nats_is_missed(nats_town)

    assert (await nats_town.get("/healthz"))[0] == 200
    status, text = await nats_town.get("/readyz")
    assert (status, json.loads(text)["status"]) == (503, "not ready")
    assert (await samples(nats_town)).value("gearmesh_nats_up") == 0
    await server.start()
    await nats_town.is_ready()
    assert (await samples(nats_town)).value("gearmesh_nats_up") == 1


@pytest.mark.slow
async def test_given_traffic_when_nats_is_killed_and_comes_back_twice_then_everything_arrives_once_and_in_order(
    nats_town: Town, server: NatsServer
) -> None:
    traffic = Traffic(nats_town.phones)
    typing = asyncio.create_task(traffic.types(30))
    for arrived in (30, 90):
        await traffic.reached(arrived)
        server.kill()
        await nats_is_missed(nats_town)
        await server.start()
    await typing

    assert await traffic.doubled() == 0


async def test_given_several_messages_in_a_webhook_when_the_first_cannot_be_stored_then_none_overtakes_it(
    nats_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = nats_town.daemon.apps["whatsapp"].app.shared.publisher
    publish = publisher.publish
    refused: list[str] = []

    async def publish_later(subject: str, *args: Any, **more: Any) -> Stored:
        if ".in." in subject and not refused:
            refused.append(subject)
            raise BusUnavailable("nats is away")
        return await publish(subject, *args, **more)

    monkeypatch.setattr(publisher, "publish", publish_later)
    texts = ["@ben one", "@ben two", "@ben three"]
    assert await nats_town.webhook("whatsapp", from_ada(*texts)) == 503
    assert await nats_town.webhook("whatsapp", from_ada(*texts)) == 200

    await nats_town.phones.sees(BEN, "three")
    assert await nats_town.phones.texts(BEN) == ["one", "two", "three"]


async def test_given_a_message_that_its_network_took_while_nats_was_away_then_it_is_not_sent_again(
    nats_town: Town, server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge = nats_town.daemon.apps["instagram"].app.bridge
    send = bridge.send

    async def send_and_lose_nats(delivery: Delivery) -> Sent:
        sent = await send(delivery)
        if "held up" in getattr(delivery.content, "text", ""):
            server.kill()
            await nats_is_missed(nats_town)
        return sent

    monkeypatch.setattr(bridge, "send", send_and_lose_nats)
    await nats_town.phones.types(BEN, "@cleo held up")
    await nats_town.phones.sees(CLEO, "held up")
    await nats_is_missed(nats_town)

    await server.start()
    await nats_town.phones.types(BEN, "@cleo go on")

    await nats_town.phones.sees(CLEO, "go on")
    assert len(await nats_town.phones.texts(CLEO)) == 2
