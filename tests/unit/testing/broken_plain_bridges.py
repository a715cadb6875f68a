"""Bridges that each have one fault in what every bridge does. They are run as those of broken_bridges.py are."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import msgspec
from tests.unit.testing.broken_bridges import Suite as AnySuite

from gearmesh.bridge import WebhookRequest, WebhookResponse
from gearmesh.model.content import Media, MediaRef, Sender, Text
from gearmesh.model.delivery import Delivery, ReceiptDelivery, Sent
from gearmesh.model.events import Event, MessageReceived, ReceiptReceived
from gearmesh.model.person import Profile
from gearmesh.testing import FakeBridge
from gearmesh.testing.updates import Update


class Suite(AnySuite):
    """Most of these faults are seen only when waiting is given up, and nothing here takes long."""

    patience = 0.5


class IsOfTomorrow(FakeBridge):
    api = 2

    def format_address(self, user: str) -> str:
        return f"<{user}>"


class TestIsOfTomorrow(Suite):
    kind = IsOfTomorrow
    kinds = ("identity",)
    red = frozenset({"test_identity_attributes", "test_identity_addresses_go_round"})


class KeepsCapitals(FakeBridge):
    def parse_address(self, text: str) -> str:
        super().parse_address(text)
        return text


class TestKeepsCapitals(Suite):
    kind = KeepsCapitals
    kinds = ("identity",)
    red = frozenset({"test_identity_addresses_as_people_type_them"})


class SaysNothing(FakeBridge):
    def __init__(self, config: Any, context: Any) -> None:
        super().__init__(config, context)
        self.context = Silent(context)


class Silent:
    """A context that nobody is told by how the connection is."""

    def __init__(self, context: Any) -> None:
        self._context = context

    async def status(self, status: str, detail: str = "") -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)


class TestSaysNothing(Suite):
    kind = SaysNothing
    kinds = ("running",)
    red = frozenset(
        {
            "test_running_connected_is_reported",
            "test_running_cancelled",
            "test_running_again",
            "test_running_written_before",
        }
    )


class BeginsAfresh(FakeBridge):
    async def run(self) -> None:
        while self.messenger.waiting:
            self.messenger.acknowledge()
        await super().run()


class TestBeginsAfresh(Suite):
    kind = BeginsAfresh
    kinds = ("running",)
    red = frozenset({"test_running_written_before"})


class MixesThreads(FakeBridge):
    def translate(self, update: Update) -> Event:
        event = super().translate(update)
        if isinstance(event, MessageReceived):
            return msgspec.structs.replace(event, thread="lobby", reply_to="")
        return event


class TestMixesThreads(Suite):
    kind = MixesThreads
    kinds = ("incoming",)
    red = frozenset({"test_incoming_text", "test_incoming_reply"})


class Shouts(FakeBridge):
    async def send(self, delivery: Delivery) -> Sent:
        if isinstance(delivery.content, Text):
            delivery = msgspec.structs.replace(delivery, content=Text(delivery.content.text.upper()), reply_to="")
        return await super().send(delivery)


class TestShouts(Suite):
    kind = Shouts
    kinds = ("outgoing",)
    red = frozenset(
        {
            "test_outgoing_text",
            "test_outgoing_reply",
            *(
                f"test_outgoing_text_unchanged[{text}]"
                for text in ("one character", "umlauts", "many scripts", "several lines", "characters of protocols")
            ),
        }
    )


class NamesNewIds(FakeBridge):
    def translate(self, update: Update) -> Event:
        event = super().translate(update)
        return (
            msgspec.structs.replace(event, native_id=uuid.uuid4().hex) if isinstance(event, MessageReceived) else event
        )


class TestNamesNewIds(Suite):
    kind = NamesNewIds
    kinds = ("webhook",)
    red = frozenset({"test_webhook_repeated"})


class SendsElsewhere(FakeBridge):
    async def webhook(self, request: WebhookRequest) -> WebhookResponse:
        answer = await super().webhook(request)
        return WebhookResponse(302) if request.body.startswith(b"[{") and answer.status == 200 else answer


class TestSendsElsewhere(Suite):
    kind = SendsElsewhere
    kinds = ("webhook",)
    red = frozenset({"test_webhook_genuine"})


class TellsEveryoneApartBadly(FakeBridge):
    async def profile(self, user: str) -> Profile:
        return {"name": user}  # type: ignore[return-value]

    async def ghost(self, thread: str, sender: Sender) -> str:
        return await super().ghost(thread, Sender("Somebody"))


class TestTellsEveryoneApartBadly(Suite):
    kind = TellsEveryoneApartBadly
    kinds = ("profiles", "ghosts")
    red = frozenset({"test_profiles_known", "test_profiles_unknown", "test_ghosts_are_told_apart", "test_ghosts_speak"})


class StumblesOverReceipts(FakeBridge):
    async def receipt(self, delivery: ReceiptDelivery) -> None:
        if self.messenger.message(delivery.native_ids[0]) is None:
            raise KeyError(delivery.native_ids[0])
        await super().receipt(delivery)

    def translate(self, update: Update) -> Event:
        event = super().translate(update)
        return msgspec.structs.replace(event, native_ids=("all",)) if isinstance(event, ReceiptReceived) else event


class TestStumblesOverReceipts(Suite):
    kind = StumblesOverReceipts
    kinds = ("receipts",)
    red = frozenset({"test_receipts_every_state", "test_receipts_read"})


class LosesSomeFiles(FakeBridge):
    async def send(self, delivery: Delivery) -> Sent:
        match delivery.content:
            case Media(ref=MediaRef() as ref) if not self.context.media_link(ref):
                raise KeyError(ref.source)
            case Media(media="sticker"):
                self.messenger.drop()
        await asyncio.sleep(0)
        return await super().send(delivery)


class TestLosesSomeFiles(Suite):
    kind = LosesSomeFiles
    kinds = ("media",)
    red = frozenset({"test_media_outgoing_files", "test_media_file_without_link"})
