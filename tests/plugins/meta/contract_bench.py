"""The sandbox as the network's side of the contract suite, for all three bridges."""

from __future__ import annotations

import base64
import hmac
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import aiohttp
from aiohttp import web

from gearmesh import (
    BridgeContext,
    BusUnavailable,
    Secret,
    SendFailed,
    SupportsWebhook,
    WebhookRequest,
)
from gearmesh.testing import Shown
from gearmesh.testing.contract import BridgeContract
from gearmesh.testing.watch import Watch
from gearmesh_meta.meta_bridge import MetaBridge
from gearmesh_meta.sandbox import Settings, build_app

Fault = dict[str, Any]


class MetaContract(BridgeContract):
    """A sandbox on the loopback, whose webhooks go to the bridge as the daemon's web server would pass them on."""

    name: ClassVar[str]
    """The network, as the sandbox names it."""

    faults: ClassVar[dict[type[SendFailed], Fault]]
    """For each class a fault that strikes the next send."""

    @asynccontextmanager
    async def network(self) -> AsyncIterator[None]:
        self.requests: list[WebhookRequest] = []
        self.watch = Watch()
        hooks = web.Application()
        hooks.router.add_post("/webhooks/{network}", self._webhook)
        async with _served(hooks) as hooks_url, aiohttp.ClientSession() as self.http:
            self.settings = Settings(webhooks=f"{hooks_url}/webhooks/{{network}}", retry_first=0.01, retry_cap=0.05)
            async with _served(build_app(self.settings)) as self.url:
                yield

    def make(self, context: BridgeContext, **secrets: Any) -> MetaBridge:
        """The bridge, configured for the sandbox."""
        raise NotImplementedError

    def make_bridge(self, context: BridgeContext) -> MetaBridge:
        return self.make(context, **self._secrets(self.settings.token))

    def make_unauthorized_bridge(self, context: BridgeContext) -> MetaBridge:
        return self.make(context, **self._secrets("a-token-of-yesterday"))

    async def user_writes(self, text: str) -> str:
        return await self._types(text=text)

    async def user_replies(self, text: str, quoted: str) -> str:
        return await self._types(text=text, reply_to=quoted)

    async def user_sends_file(self, data: bytes) -> str:
        encoded = base64.b64encode(data).decode()
        return await self._types(text="", media={"type": "image", "base64": encoded, "mime": "image/png"})

    async def user_reads(self) -> None:
        await self._control("POST", f"phones/{self.name}/{self.a_user}/read")

    async def shown(self) -> Sequence[Shown]:
        return [
            Shown(
                message["id"],
                message["text"],
                author=message["sender_name"] or "",
                reply_to=message["reply_to"] or "",
            )
            for message in await self._phone()
            if message["direction"] == "in"
        ]

    async def receipts_shown(self) -> Sequence[str]:
        phone = await self._phone()
        return [message["id"] for message in phone if message["direction"] == "out" and message["status"] == "read"]

    async def fail_next(self, kind: type[SendFailed]) -> None:
        fault = {"kind": "error", "network": self.name, "count": 1} | self.faults[kind]
        await self._control("POST", "faults", **fault)

    async def genuine_request(self, text: str) -> WebhookRequest:
        await self._types(text=text)
        sought = text.encode()
        await self.watch.until(
            lambda: any(sought in request.body for request in self.requests),
            within=self.patience,
            awaited="the webhook with the message",
        )
        return next(request for request in self.requests if sought in request.body)

    def signed(self, body: bytes) -> WebhookRequest:
        digest = hmac.digest(self.settings.app_secret.encode(), body, "sha256").hex()
        headers = {"content-type": "application/json", "x-hub-signature-256": f"sha256={digest}"}
        return WebhookRequest("POST", {}, headers, body)

    def _secrets(self, token: str) -> dict[str, Any]:
        return {
            "token": Secret(token),
            "app_secret": Secret(self.settings.app_secret),
            "verify_token": Secret(self.settings.verify_token),
        }

    async def _types(self, **message: Any) -> str:
        typed = await self._control("POST", f"phones/{self.name}/{self.a_user}/messages", **message)
        return str(typed["id"])

    async def _phone(self) -> list[dict[str, Any]]:
        return list(await self._control("GET", f"phones/{self.name}/{self.a_user}/messages"))

    async def _control(self, method: str, path: str, **body: Any) -> Any:
        async with self.http.request(method, f"{self.url}/sandbox/{path}", json=body or None) as response:
            answer = await response.json()
            assert response.status < 300, answer
            return answer

    async def _webhook(self, request: web.Request) -> web.Response:
        if request.match_info["network"] != self.name:
            return web.Response()
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = WebhookRequest("POST", dict(request.query), headers, await request.read())
        bridge = getattr(self, "bridge", None)
        if not isinstance(bridge, SupportsWebhook):
            return web.Response(status=503)  # the sandbox is up before the bridge, and sends again
        try:
            answer = await bridge.webhook(asked)
        except BusUnavailable:
            return web.Response(status=503)
        self.requests.append(asked)
        self.watch.changed()
        return web.Response(status=answer.status, text=answer.body)


@asynccontextmanager
async def _served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}"
    await runner.cleanup()
