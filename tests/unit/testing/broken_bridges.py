"""Bridges that each have one fault, and the contract suite on them. Run by test_contract_can_fail.py.

Each suite runs the rules of `kinds`, and `red` names those that must fail: these, and no others.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import msgspec
from tests.plugins.fake_side import FakeSide

from gearmesh.bridge import WebhookRequest, WebhookResponse
from gearmesh.errors import (
    BusUnavailable,
    InvalidAddress,
    Retry,
    SendFailed,
    Unauthorized,
    WindowClosed,
)
from gearmesh.model.capabilities import Capabilities
from gearmesh.model.content import MediaRef, Sender, Text, words_of
from gearmesh.model.delivery import Delivery, ReceiptDelivery, Sent
from gearmesh.model.events import Event, MessageReceived, Unparsed
from gearmesh.model.person import Profile
from gearmesh.testing import FakeBridge
from gearmesh.testing.updates import Update


class Suite(FakeSide):
    """The contract on a broken bridge."""

    patience = 1.0
    kinds: ClassVar[tuple[str, ...]]
    red: ClassVar[frozenset[str]]


class Meddled:
    """A context whose `receive` is the bridge's own."""

    def __init__(self, bridge: Meddler) -> None:
        self._context = bridge.context
        self.receive = bridge.receive

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)


class Meddler(FakeBridge):
    """Does something to what comes in."""

    def __init__(self, config: Any, context: Any) -> None:
        super().__init__(config, context)
        self.real = context
        self.held: list[Event] = []
        self.context = Meddled(self)

    async def receive(self, *events: Event) -> None:
        for event in events:
            await self.real.receive(event)


def text_of(event: Event) -> str:
    content = event.content if isinstance(event, MessageReceived) else None
    return content.text if isinstance(content, Text) else ""


class SwapsTwo(Meddler):
    async def receive(self, *events: Event) -> None:
        if text_of(events[0]) == "message 10":
            self.held.append(events[0])
            return
        await super().receive(*events)
        if self.held:
            await super().receive(self.held.pop())


class TestSwapsTwo(Suite):
    kind = SwapsTwo
    kinds = ("incoming",)
    red = frozenset({"test_incoming_order"})


class LosesOne(Meddler):
    async def receive(self, *events: Event) -> None:
        if text_of(events[0]) != "message 7":
            await super().receive(*events)


class TestLosesOne(Suite):
    kind = LosesOne
    kinds = ("incoming",)
    red = frozenset({"test_incoming_order"})


class DoublesOne(Meddler):
    async def receive(self, *events: Event) -> None:
        await super().receive(*events)
        if text_of(events[0]) == "message 7":
            await super().receive(*events)


class TestDoublesOne(Suite):
    kind = DoublesOne
    kinds = ("incoming",)
    red = frozenset({"test_incoming_order"})


class ForgetsWhatWasRefused(Meddler):
    async def receive(self, *events: Event) -> None:
        try:
            await super().receive(*events)
        except BusUnavailable:
            self.context.log.warning("never mind")


class TestForgetsWhatWasRefused(Suite):
    kind = ForgetsWhatWasRefused
    kinds = ("incoming", "webhook")
    red = frozenset({"test_incoming_nothing_is_lost", "test_webhook_unavailable"})


class TellsSeconds(FakeBridge):
    def translate(self, update: Update) -> Event:
        event = super().translate(update)
        assert isinstance(event, MessageReceived)
        return msgspec.structs.replace(event, at=event.at // 1000)


class TestTellsSeconds(Suite):
    kind = TellsSeconds
    kinds = ("incoming",)
    red = frozenset({"test_incoming_time"})


class EatsNewlines(FakeBridge):
    def translate(self, update: Update) -> Event:
        event = super().translate(update)
        assert isinstance(event, MessageReceived)
        return msgspec.structs.replace(event, content=Text(" ".join(text_of(event).split("\n"))))


class TestEatsNewlines(Suite):
    kind = EatsNewlines
    kinds = ("incoming",)
    red = frozenset({"test_incoming_text_unchanged[several lines]"})


class HearsItself(FakeBridge):
    async def send(self, delivery: Delivery) -> Sent:
        sent = await super().send(delivery)
        at = self.messenger.clock.millis()
        await self.context.receive(
            MessageReceived(sent.native_ids[0], delivery.thread, delivery.user, at, Text(words_of(delivery.content)))
        )
        return sent


class TestHearsItself(Suite):
    kind = HearsItself
    kinds = ("incoming",)
    red = frozenset({"test_incoming_own_messages"})


class BelievesAnybody(FakeBridge):
    async def webhook(self, request: WebhookRequest) -> WebhookResponse:
        return await super().webhook(self.messenger.signed(request.body))


class TestBelievesAnybody(Suite):
    kind = BelievesAnybody
    kinds = ("webhook",)
    red = frozenset({"test_webhook_unsigned", "test_webhook_changed", "test_webhook_forged_garbage"})


class ReadsBeforeItChecks(FakeBridge):
    async def webhook(self, request: WebhookRequest) -> WebhookResponse:
        try:
            msgspec.json.decode(request.body)
        except (msgspec.DecodeError, RecursionError):
            await self.context.receive(Unparsed(request.body, "no JSON"))
        return await super().webhook(request)


class TestReadsBeforeItChecks(Suite):
    kind = ReadsBeforeItChecks
    kinds = ("webhook",)
    red = frozenset({"test_webhook_forged_garbage"})


class StumblesOverWebhooks(FakeBridge):
    async def webhook(self, request: WebhookRequest) -> WebhookResponse:
        answer = await super().webhook(request)
        if answer.status == 200:
            request.body.decode()
        return answer


class TestStumblesOverWebhooks(Suite):
    kind = StumblesOverWebhooks
    kinds = ("webhook",)
    red = frozenset({"test_webhook_malformed[no text]"})


class RaisesKeyError(FakeBridge):
    async def send(self, delivery: Delivery) -> Sent:
        try:
            return await super().send(delivery)
        except SendFailed as failure:
            raise KeyError(failure.code) from None


class TestRaisesKeyError(Suite):
    kind = RaisesKeyError
    kinds = ("failures", "outgoing")
    red = frozenset(
        f"test_failures_class[{kind}]"
        for kind in ("Retry", "RateLimited", "WindowClosed", "Unauthorized", "Rejected", "Unclear")
    )


class TriesForEver(FakeBridge):
    async def send(self, delivery: Delivery) -> Sent:
        try:
            return await super().send(delivery)
        except WindowClosed as failure:
            raise Retry(str(failure)) from None


class TestTriesForEver(Suite):
    kind = TriesForEver
    kinds = ("failures",)
    red = frozenset({"test_failures_class[WindowClosed]"})


class CancelsItself(FakeBridge):
    async def send(self, delivery: Delivery) -> Sent:
        answer: asyncio.Future[Sent] = asyncio.get_running_loop().create_future()
        answer.cancel()
        return await answer


class TestCancelsItself(Suite):
    kind = CancelsItself
    kinds = ("running", "failures")
    red = frozenset({"test_running_again", "test_failures_send_without_run"}) | TestRaisesKeyError.red


class PromisesTooMuch(FakeBridge):
    def capabilities(self, thread: str) -> Capabilities:
        told = super().capabilities(thread)
        return msgspec.structs.replace(told, text=msgspec.structs.replace(told.text, value=told.text.value + 1))


class TestPromisesTooMuch(Suite):
    kind = PromisesTooMuch
    kinds = ("outgoing",)
    red = frozenset({"test_outgoing_limit"})


class NamesNoSource(FakeBridge):
    def capabilities(self, thread: str) -> Capabilities:
        return msgspec.structs.replace(super().capabilities(thread), source="")


class TestNamesNoSource(Suite):
    kind = NamesNoSource
    kinds = ("identity",)
    red = frozenset({"test_identity_capabilities"})


class RepeatsIds(FakeBridge):
    def __init__(self, config: Any, context: Any) -> None:
        super().__init__(config, context)
        self.known: dict[object, Sent] = {}

    async def send(self, delivery: Delivery) -> Sent:
        sent = await super().send(delivery)
        return self.known.setdefault(delivery.content, sent)


class TestRepeatsIds(Suite):
    kind = RepeatsIds
    kinds = ("outgoing",)
    red = frozenset({"test_outgoing_ids"})


class SendsOneNever(FakeBridge):
    async def send(self, delivery: Delivery) -> Sent:
        if delivery.content == Text("message 5"):
            self.messenger.drop()
        return await super().send(delivery)


class TestSendsOneNever(Suite):
    kind = SendsOneNever
    kinds = ("outgoing",)
    red = frozenset({"test_outgoing_order", "test_outgoing_both_ways_at_once"})


class ConnectsTooEarly(FakeBridge):
    def __init__(self, config: Any, context: Any) -> None:
        super().__init__(config, context)
        with socket.socket() as knock:
            knock.connect_ex(("127.0.0.1", 9))
            try:
                knock.connect(("127.0.0.1", 9))
            except OSError:
                context.log.warning("nobody there")


class TestConnectsTooEarly(Suite):
    kind = ConnectsTooEarly
    kinds = ("identity",)
    red = frozenset({"test_identity_construction"})


class TakesAnyAddress(FakeBridge):
    def parse_address(self, text: str) -> str:
        try:
            return super().parse_address(text)
        except InvalidAddress:
            return text


class TestTakesAnyAddress(Suite):
    kind = TakesAnyAddress
    kinds = ("identity",)
    red = frozenset({"test_identity_no_addresses"})


class DoesNotEnd(FakeBridge):
    async def run(self) -> None:
        try:
            await super().run()
        except asyncio.CancelledError:
            await asyncio.Event().wait()


class TestDoesNotEnd(Suite):
    kind = DoesNotEnd
    kinds = ("running",)
    red = frozenset({"test_running_cancelled", "test_running_again"})


class TriesEveryPassword(FakeBridge):
    async def run(self) -> None:
        try:
            await super().run()
        except Unauthorized as refused:
            raise ConnectionError("perhaps later") from refused


class TestTriesEveryPassword(Suite):
    kind = TriesEveryPassword
    kinds = ("running",)
    red = frozenset({"test_running_unauthorized"})


class KnowsEverybody(FakeBridge):
    async def profile(self, user: str) -> Profile:
        return Profile(name=self.messenger.names[user])

    async def ghost(self, thread: str, sender: Sender) -> str:
        return sender.name.split()[0]


class TestKnowsEverybody(Suite):
    kind = KnowsEverybody
    kinds = ("profiles", "ghosts")
    red = frozenset({"test_profiles_unknown", "test_ghosts_odd"})


class LosesFiles(FakeBridge):
    async def media(self, ref: MediaRef) -> AsyncIterator[bytes]:
        yield self.messenger.files[ref.source][:-1]

    async def receipt(self, delivery: ReceiptDelivery) -> None:
        self.context.log.info("as if")


class TestLosesFiles(Suite):
    kind = LosesFiles
    kinds = ("media", "receipts")
    red = frozenset(
        {
            "test_media_incoming_file",
            "test_media_no_such_file",
            "test_receipts_seen_by_the_writer",
            "test_receipts_delivered",
        }
    )
