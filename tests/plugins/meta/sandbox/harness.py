"""The business that receives the sandbox's webhooks, and a client for both of the sandbox's sides."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, web

from gearmesh_meta.sandbox import Clock

ADA, BEN, CLEO = "4915112345678", "7100000000000001", "17841405793187218"
NUMBER, PAGE, INSTAGRAM = "100000000000001", "100000000000002", "17841400000000001"
APP, WABA = "100000000000000", "100000000000003"
BEARER = {"Authorization": "Bearer sandbox-token"}


@dataclass(frozen=True)
class Delivery:
    """One webhook request as the business received it."""

    network: str
    body: bytes
    headers: dict[str, str]

    @property
    def payload(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


@dataclass
class Business:
    """Receives webhooks. `statuses` are given in turn, then 200; `gate` holds answers back while it is cleared."""

    url: str = ""
    deliveries: list[Delivery] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)
    most_at_once: int = 0
    at_once: int = 0

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        expected = hmac.new(b"sandbox-app-secret", body, hashlib.sha256).hexdigest()
        assert request.headers["X-Hub-Signature-256"] == f"sha256={expected}"
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        async with self.news:
            self.deliveries.append(Delivery(request.match_info["network"], body, dict(request.headers)))
            self.news.notify_all()
        await self.gate.wait()
        self.at_once -= 1
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    async def verify(self, request: web.Request) -> web.Response:
        if request.query["hub.verify_token"] != "sandbox-verify" or request.query["hub.mode"] != "subscribe":
            return web.Response(status=403)
        return web.Response(text=request.query["hub.challenge"])

    async def until(self, true: Callable[[Business], Any]) -> None:
        """Wait until something holds for what was received."""
        async with asyncio.timeout(10), self.news:
            await self.news.wait_for(lambda: true(self))

    def parts(self, network: str) -> list[dict[str, Any]]:
        """What the network told, unpacked and in order: WhatsApp messages and statuses, messaging objects elsewhere."""
        found: list[dict[str, Any]] = []
        for delivery in self.deliveries:
            if delivery.network != network:
                continue
            for entry in delivery.payload["entry"]:
                for change in entry.get("changes", []):
                    value = change["value"]
                    found.extend(value.get("messages", value.get("statuses", [])))
                found.extend(entry.get("messaging", []))
        return found

    async def part(self, network: str, fits: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """The first part that fits, awaited."""
        await self.until(lambda business: any(fits(part) for part in business.parts(network)))
        return next(part for part in self.parts(network) if fits(part))


@dataclass
class World:
    """A sandbox at `base`, its clock, the business, and a client."""

    business: Business
    base: str
    session: ClientSession
    clock: Clock

    async def call(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """A request to the sandbox: status and JSON (None for an empty body)."""
        async with self.session.request(method, self.base + path, **options) as response:
            body = await response.read()
            return response.status, json.loads(body) if body else None

    async def graph(self, path: str, body: dict[str, Any] | None = None, **options: Any) -> tuple[int, Any]:
        """A Graph call with the token: POST with a body, else GET."""
        headers = {**BEARER, **options.pop("headers", {})}
        if body is not None:
            options["json"] = body
        method = options.pop("method", "GET" if body is None else "POST")
        return await self.call(method, f"/v25.0/{path}", headers=headers, **options)

    async def whatsapp(self, **body: Any) -> tuple[int, Any]:
        """A WhatsApp send, to Ada unless told otherwise."""
        base = {"messaging_product": "whatsapp", "to": ADA}
        return await self.graph(f"{NUMBER}/messages", base | body)

    async def whatsapp_text(self, text: str, **body: Any) -> str:
        """A WhatsApp text that is accepted: its id."""
        status, answer = await self.whatsapp(type="text", text={"body": text}, **body)
        assert status == 200, answer
        return str(answer["messages"][0]["id"])

    async def page(self, user: str, message: dict[str, Any] | None = None, **body: Any) -> tuple[int, Any]:
        """A Messenger or Instagram send."""
        content = {} if message is None else {"message": message}
        return await self.graph("me/messages", {"recipient": {"id": user}, **content, **body})

    async def type(self, network: str, user: str, **body: Any) -> dict[str, Any]:
        """A person writes: the message."""
        status, message = await self.call("POST", f"/sandbox/phones/{network}/{user}/messages", json=body)
        assert status == 201, message
        return dict(message)

    async def shown(self, network: str, user: str) -> list[dict[str, Any]]:
        """What stands on a phone."""
        _, messages = await self.call("GET", f"/sandbox/phones/{network}/{user}/messages")
        return list(messages)

    async def fault(self, kind: str, **order: Any) -> dict[str, Any]:
        """Order a fault that is allowed: how it stands in the list."""
        status, fault = await self.call("POST", "/sandbox/faults", json={"kind": kind, **order})
        assert status == 201, fault
        return dict(fault)

    async def settled(self) -> None:
        """Wait until the business has answered everything with 200."""
        async with asyncio.timeout(10):
            while True:
                _, state = await self.call("GET", "/sandbox/state")
                if not state["webhooks"]["waiting"]:
                    return
                await asyncio.sleep(0.01)


Start = Callable[..., Awaitable[World]]
