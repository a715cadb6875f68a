"""What is known of WhatsApp's ids outlives the process, and is there before it is needed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tests.plugins.meta.test_webhooks import signed

from gearmesh import BusUnavailable, Delivery, MessageReceived, Retry, Secret, Sender, Text
from gearmesh_meta import kept_aliases
from gearmesh_meta.aliases import Aliases
from gearmesh_meta.config import WhatsAppConfig
from gearmesh_meta.kept_aliases import KeptAliases
from gearmesh_meta.whatsapp import WhatsApp

if TYPE_CHECKING:
    from tests.plugins.meta.conftest import FakeContext, GraphStub

US = "106540352242922"
PHONE, NEW_PHONE = "16505551234", "16505559999"
BSUID = "US.13491208655302741918"


def webhook(*messages: dict[str, Any], **value: Any) -> dict[str, Any]:
    value |= {"metadata": {"phone_number_id": US}, "messages": list(messages)}
    change = {"field": "messages", "value": value}
    return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}


def text(native_id: str = "wamid.A", **ids: str) -> dict[str, Any]:
    return {**ids, "id": native_id, "timestamp": "1", "type": "text", "text": {"body": "x"}}


def new_number() -> dict[str, Any]:
    system = {"body": "changed", "wa_id": NEW_PHONE, "type": "user_changed_number"}
    return {"from": PHONE, "id": "wamid.S", "timestamp": "1", "type": "system", "system": system}


def delivery(user: str) -> Delivery:
    return Delivery("leg-1", user, user, Text("hi"), Sender(name="Cleo"))


@pytest.fixture
def another(whatsapp: WhatsApp, context: FakeContext, graph_stub: GraphStub) -> WhatsApp:
    """The bridge of the daemon that comes after, on the same store."""
    config = WhatsAppConfig(
        phone_number_id=US,
        token=Secret("test-token-that-nobody-sees"),
        app_secret=Secret("test-app-secret"),
        verify_token=Secret("test-verify"),
        graph_url=graph_stub.url,
    )
    return WhatsApp(config, context)


def writers(context: FakeContext) -> list[str]:
    return [event.user for batch in context.batches for event in batch if isinstance(event, MessageReceived)]


async def test_given_a_hidden_number_when_the_daemon_is_another_one_then_the_person_is_the_same(
    whatsapp: WhatsApp, another: WhatsApp, context: FakeContext
) -> None:
    await whatsapp.webhook(signed(webhook(text(from_user_id=BSUID) | {"from": PHONE})))

    await another.webhook(signed(webhook(text("wamid.B", from_user_id=BSUID))))

    assert writers(context) == [PHONE, PHONE]


async def test_given_somebody_known_by_their_scoped_id_when_their_number_is_told_to_another_daemon_then_they_stay_it(
    whatsapp: WhatsApp, another: WhatsApp, context: FakeContext
) -> None:
    await whatsapp.webhook(signed(webhook(text(from_user_id=BSUID))))

    await another.webhook(signed(webhook(text("wamid.B", from_user_id=BSUID) | {"from": PHONE})))

    assert writers(context) == [BSUID, BSUID]


async def test_given_a_new_number_then_another_daemon_writes_to_it_before_anybody_has_written(
    whatsapp: WhatsApp, another: WhatsApp, context: FakeContext, graph_stub: GraphStub
) -> None:
    await whatsapp.webhook(signed(webhook(new_number())))

    await another.send(delivery(PHONE))

    assert graph_stub.bodies[-1]["to"] == NEW_PHONE
    assert context.batches == []


async def test_given_a_rename_that_only_its_words_tell_then_another_daemon_knows_who_it_is_all_the_same(
    whatsapp: WhatsApp, another: WhatsApp, context: FakeContext
) -> None:
    system = {"body": f"User A changed from {BSUID} to MX.2", "user_id": "MX.2", "type": "user_changed_user_id"}
    await whatsapp.webhook(signed(webhook(text(from_user_id=BSUID) | {"from": PHONE})))

    await another.webhook(signed(webhook({"id": "w", "type": "system", "system": system})))
    await another.webhook(signed(webhook(text("wamid.B", from_user_id="MX.2"))))

    assert writers(context) == [PHONE, PHONE]


async def test_what_is_learned_is_written_down_before_anybody_hears_of_it_and_only_once(
    whatsapp: WhatsApp, context: FakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    keep, receive = context.keep, context.receive

    async def noting(key: str, value: str) -> None:
        steps.append(f"{key} {value}")
        await keep(key, value)

    async def receiving(*events: Any) -> None:
        steps.append("received")
        await receive(*events)

    monkeypatch.setattr(context, "keep", noting)
    monkeypatch.setattr(context, "receive", receiving)
    for _ in range(3):
        await whatsapp.webhook(signed(webhook(text(from_user_id=BSUID) | {"from": PHONE})))

    assert steps == [f"alias/{BSUID} {PHONE}", "received", "received", "received"]


async def test_given_a_store_that_is_away_then_nobody_hears_of_the_message_and_it_is_written_down_when_it_comes_again(
    whatsapp: WhatsApp, context: FakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = signed(webhook(text(from_user_id=BSUID)))

    async def away(key: str, value: str) -> None:
        raise BusUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(context, "keep", away)
        with pytest.raises(BusUnavailable):
            await whatsapp.webhook(request)
        assert context.batches == []
    await whatsapp.webhook(request)

    assert context.kept == {f"alias/{BSUID}": BSUID}
    assert writers(context) == [BSUID]


async def test_given_a_store_that_cannot_be_asked_then_the_webhook_comes_again_instead_of_making_a_new_person(
    whatsapp: WhatsApp, another: WhatsApp, context: FakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    await whatsapp.webhook(signed(webhook(text(from_user_id=BSUID) | {"from": PHONE})))

    async def away(key: str) -> str:
        raise BusUnavailable("away")

    monkeypatch.setattr(context, "recall", away)
    with pytest.raises(BusUnavailable):
        await another.webhook(signed(webhook(text(from_user_id=BSUID))))
    with pytest.raises(Retry):
        await another.send(delivery(PHONE))

    assert writers(context) == [PHONE]


async def test_given_a_message_that_went_out_when_the_store_is_away_then_it_counts_as_sent_and_ids_are_kept_later(
    whatsapp: WhatsApp, context: FakeContext, graph_stub: GraphStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph_stub.says({"contacts": [{"wa_id": PHONE, "user_id": BSUID}], "messages": [{"id": "w"}]})

    async def away(key: str, value: str) -> None:
        raise BusUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(context, "keep", away)
        assert (await whatsapp.send(delivery(PHONE))).native_ids == ("w",)
    await whatsapp.webhook(signed(webhook()))

    assert context.kept == {f"alias/{PHONE}": PHONE, f"alias/{BSUID}": PHONE}


async def test_when_work_begins_then_all_is_read_and_known_people_cost_no_question(
    whatsapp: WhatsApp, context: FakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    context.kept |= {f"alias/{BSUID}": PHONE, f"recipient/{PHONE}": NEW_PHONE, "picture": "of another part"}
    working = asyncio.create_task(whatsapp.run())
    assert await context.statuses.get() == "connected"
    asked: list[str] = []

    async def recall(key: str) -> str:
        asked.append(key)
        return ""

    monkeypatch.setattr(context, "recall", recall)
    await whatsapp.webhook(signed(webhook(text(from_user_id=BSUID), text("wamid.B", from_user_id="GB.7"))))
    await whatsapp.send(delivery(PHONE))

    assert (writers(context), asked) == ([PHONE, "GB.7"], [])
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


async def test_when_work_comes_back_from_another_daemon_then_what_that_one_learned_counts(
    whatsapp: WhatsApp, another: WhatsApp, context: FakeContext, graph_stub: GraphStub
) -> None:
    first = asyncio.create_task(whatsapp.run())
    assert await context.statuses.get() == "connected"
    await whatsapp.send(delivery(PHONE))
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await another.webhook(signed(webhook(new_number())))

    again = asyncio.create_task(whatsapp.run())
    await whatsapp.send(delivery(PHONE))

    assert graph_stub.bodies[-1]["to"] == NEW_PHONE
    again.cancel()
    await asyncio.gather(again, return_exceptions=True)


async def test_given_as_much_as_can_be_read_at_once_then_there_may_be_more_and_it_is_looked_up(
    context: FakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_aliases, "RECALLED_MOST", 2)
    context.kept |= {"alias/16505550001": "16505550002", "alias/16505550003": "16505550004"}
    known = KeptAliases(context)
    await known.load()
    context.kept |= {f"recipient/{PHONE}": NEW_PHONE}

    assert await known.recipient(PHONE) == NEW_PHONE


async def test_given_something_looked_up_before_work_began_then_it_is_read_anew(context: FakeContext) -> None:
    known = KeptAliases(context)
    context.kept[f"recipient/{PHONE}"] = "16505550000"
    assert await known.recipient(PHONE) == "16505550000"
    context.kept[f"recipient/{PHONE}"] = NEW_PHONE

    await known.load()

    assert await known.recipient(PHONE) == NEW_PHONE


async def test_given_more_people_than_memory_holds_then_those_forgotten_are_looked_up(context: FakeContext) -> None:
    known = KeptAliases(context, Aliases(capacity=10))
    await known.load()
    for number in range(40):
        known.aliases.user(f"49151000000{number:02}", f"DE.{number}")
        await known.note()

    await known.look_up(webhook(text(from_user_id="DE.0")))

    assert known.aliases.user("", "DE.0") == "4915100000000"
    assert known.aliases.news() == {}


async def test_ids_are_looked_up_however_they_are_written(context: FakeContext) -> None:
    context.kept[f"alias/{PHONE}"] = BSUID
    known = KeptAliases(context)

    await known.look_up({"a": [{"contacts": [{"wa_id": "+1 (650) 555-1234"}]}], "from": 7, "to": None})

    assert known.aliases.user(PHONE, "") == BSUID
