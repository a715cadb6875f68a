"""Rules for bridges that are called by their network: only the network is believed, and nothing makes them stumble."""

from __future__ import annotations

from typing import Final

import msgspec
import pytest

from gearmesh.bridge import SupportsWebhook, WebhookRequest, WebhookResponse
from gearmesh.errors import BusUnavailable
from gearmesh.model.content import Text
from gearmesh.model.events import MessageReceived
from gearmesh.testing.contract.harness import Harness
from gearmesh.testing.contract.rule import Broken, must, rule

REFUSALS: Final = {"forged", "refused"}
MALFORMED: Final = {
    "nothing": b"",
    "no JSON": b"{",
    "no text": b"\xff\xfe\x00\x80",
    "null": b"null",
    "a number": b"17",
    "a string": b'"x"',
    "a list": b"[]",
    "an empty object": b"{}",
    "objects of other things": b'{"entry": [null, 1, {"changes": {}}], "update_id": "x", "message": []}',
    "deep nesting": b"[" * 50_000 + b"]" * 50_000,
}
"""Bodies that no network sends and somebody will."""


class WebhookRules(Harness):
    """What a bridge with SupportsWebhook answers."""

    @rule("webhook", "a genuine request is answered with 2xx, and its message has come in by then")
    async def test_webhook_genuine(self) -> None:
        bridge = self._called()
        answer = await self._ask(bridge, await self.genuine_request("By post"))
        must(200 <= answer.status < 300, f"the status is {answer.status}")
        texts = [event.content for event in self.context.events_of(MessageReceived)]
        must(Text("By post") in texts, f"when the answer came, the message had not: {texts}")

    @rule("webhook", "a request that comes twice brings the same native id twice, so that it is recognised")
    async def test_webhook_repeated(self) -> None:
        bridge = self._called()
        request = await self.genuine_request("Twice")
        for _ in range(2):
            await self._ask(bridge, request)
        ids = {event.native_id for event in self.context.events_of(MessageReceived) if event.content == Text("Twice")}
        must(len(ids) == 1, f"the native ids are {sorted(ids)}")

    @rule("webhook", "a request without its signature is refused (4xx) and never read")
    async def test_webhook_unsigned(self) -> None:
        self._called()
        request = await self.genuine_request("Let me in")
        bare = {name: value for name, value in request.headers.items() if name == "content-type"}
        await self._is_refused(msgspec.structs.replace(request, headers=bare, query={}))

    @rule("webhook", "a request whose body was changed after it was signed is refused (4xx) and never read")
    async def test_webhook_changed(self) -> None:
        self._called()
        if not self.signature_covers_body:
            self.cannot("the network's proof does not depend on the body")
        request = await self.genuine_request("Ten")
        changed = request.body.replace(b"Ten", b"Two")
        if changed == request.body:  # the network encodes texts in a way of its own
            changed += b" "
        await self._is_refused(msgspec.structs.replace(request, body=changed))

    @rule("webhook", "a forged request is refused (4xx) before anybody tries to read it")
    async def test_webhook_forged_garbage(self) -> None:
        self._called()
        request = await self.genuine_request("Garbage")
        bare = {name: value for name, value in request.headers.items() if name == "content-type"}
        await self._is_refused(msgspec.structs.replace(request, headers=bare, query={}, body=b"\xff{{{[[["))

    @pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
    @rule("webhook", "a signed body that makes no sense raises nothing: it is refused, or kept as Unparsed")
    async def test_webhook_malformed(self, body: bytes) -> None:
        bridge = self._called()
        answer = await self._ask(bridge, self.signed(body))
        must(
            200 <= answer.status < 500,
            f"the status is {answer.status}: the network would send the same again and again",
        )

    @rule("webhook", "while nothing can be stored (BusUnavailable), the network is told to send it again")
    async def test_webhook_unavailable(self) -> None:
        bridge = self._called()
        request = await self.genuine_request("Not now")
        self.context.unavailable = True
        try:
            answer = await self.ask("webhook()", bridge.webhook(request), allowed=(BusUnavailable,))
        except BusUnavailable:
            pass  # the web server answers 503
        else:
            must(answer.status >= 500, f"the status is {answer.status}: the network takes it for done")
        self.context.unavailable = False

    async def _is_refused(self, request: WebhookRequest) -> None:
        bridge = self._called()
        before = len(self.context.events)
        answer = await self._ask(bridge, request)
        must(400 <= answer.status < 500, f"the status is {answer.status}; expected 4xx")
        must(answer.outcome in REFUSALS, f"the outcome is {answer.outcome!r}; expected 'forged' or 'refused'")
        came = self.context.events[before:]
        must(not came, f"it was read all the same: {came}")

    async def _ask(self, bridge: SupportsWebhook, request: WebhookRequest) -> WebhookResponse:
        answer: object = await self.ask("webhook()", bridge.webhook(request))
        if not isinstance(answer, WebhookResponse):
            raise Broken(f"webhook() returned {answer!r}; expected a WebhookResponse")
        return answer

    def _called(self) -> SupportsWebhook:
        if not isinstance(self.bridge, SupportsWebhook):
            self.cannot("the bridge does not claim SupportsWebhook")
        return self.bridge
