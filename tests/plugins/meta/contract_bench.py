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
    Card,
    Contacts,
    Listing,
    Location,
    Media,
    Message,
    Poll,
    Product,
    Secret,
    SendFailed,
    SupportsWebhook,
    Text,
    WebhookRequest,
)
from gearmesh.testing import Shape, Shown
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

    async def user_sends(self, content: Message, data: bytes = b"") -> str:
        match content:
            case Text(forwarded=True):
                self._only("the mark of what was forwarded", "whatsapp")
                typed = await self._types(text=content.text)
                await self.message("what is forwarded")
                return str((await self._does("forward", message_id=typed))["id"])
            case Text():
                self._only("formatting", "whatsapp")
                message: dict[str, Any] = {"text": content.text.replace("**", "*")}
            case Media(media=kind, ref=ref, view_once=once):
                encoded = base64.b64encode(data).decode()
                message = {"media": {"type": kind, "base64": encoded, "mime": ref.mime, "name": ref.name}}
                if once or (kind == "gif" and self.name == "whatsapp"):
                    self.cannot(f"{self.name} tells nothing of this {kind} but that there is one")
            case Location():
                self._only("places", "whatsapp", "messenger")
                message = {"place": _place(content)}
            case Contacts(cards=cards):
                self._only("contact cards", "whatsapp")
                message = {"contacts": [_contact(card) for card in cards]}
            case Product(listings=listings, text=text):
                self._only("titles of goods", "messenger", "instagram")
                message = {"text": text, "goods": [_goods(one) for one in listings]}
            case Poll():
                self.cannot("Meta tells nothing of polls but that there is one")
        return await self._types(**message)

    async def user_reacts(self, message: str, emoji: str) -> None:
        await self._types(reaction={"message_id": message, "emoji": emoji or None})

    async def user_edits(self, message: str, text: str) -> None:
        await self._does("edit", message_id=message, text=text)

    async def user_unsends(self, message: str) -> None:
        await self._does("unsend", message_id=message)

    async def user_taps(self, message: str, button: str) -> str:
        return str((await self._does("tap", message_id=message, title=button))["id"])

    async def user_types(self, on: bool) -> None:
        self.cannot("Meta tells nobody that a person is writing")

    async def user_reads(self) -> None:
        await self._control("POST", f"phones/{self.name}/{self.a_user}/read")

    async def shown(self) -> Sequence[Shown]:
        return [_shown(message) for message in await self._phone() if message["direction"] == "in"]

    async def user_sees(self, message: str) -> Shown | None:
        return next((_shown(one) for one in await self._phone() if one["id"] == message), None)

    async def typing_shown(self) -> bool:
        phones = await self._control("GET", "phones")
        return any("typing_until" in phone for phone in phones if phone["user"] == self.a_user)

    async def kept_input(self, text: str) -> bytes:
        return (await self.genuine_request(text)).body

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

    async def _does(self, what: str, **body: Any) -> Any:
        return await self._control("POST", f"phones/{self.name}/{self.a_user}/{what}", **body)

    def _only(self, what: str, *networks: str) -> None:
        if self.name not in networks:
            self.cannot(f"{self.name} tells nothing of {what}")

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


def _shown(message: dict[str, Any]) -> Shown:
    """A message of the sandbox's phone in the words of the contract."""
    file = message["media"] or {}
    return Shown(
        message["id"],
        message["text"],
        author=message["sender_name"] or "",
        reply_to=message["reply_to"] or "",
        link=file.get("url") or "",
        media=file.get("type") or "",
        shape=_shape(message),
        buttons=tuple(button["title"] for button in message.get("buttons", ())),
        forwarded=message.get("forwarded", False),
        view_once=message.get("view_once", False),
        reactions=message.get("reactions", {}),
        history=tuple(version["text"] for version in message.get("versions", ())),
        deleted=message.get("deleted", False),
    )


def _shape(message: dict[str, Any]) -> Shape | None:
    if place := message.get("place"):
        return Location(place["latitude"], place["longitude"], place.get("name", ""), place.get("address", ""))
    if cards := message.get("contacts"):
        return Contacts(
            tuple(Card(card["name"], tuple(card.get("phones", ())), tuple(card.get("emails", ()))) for card in cards)
        )
    if goods := message.get("goods"):
        return Product(tuple(Listing(one["title"], price=one.get("price", "")) for one in goods), text=message["text"])
    return None


def _place(location: Location) -> dict[str, Any]:
    place = {"latitude": location.latitude, "longitude": location.longitude}
    return place | {"name": location.name, "address": location.address}


def _contact(card: Card) -> dict[str, Any]:
    return {"name": card.name, "phones": card.phones, "emails": card.emails, "organisation": card.organisation}


def _goods(listing: Listing) -> dict[str, Any]:
    return {"title": listing.title, "text": listing.text, "price": listing.price, "url": listing.link}


@asynccontextmanager
async def _served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}"
    await runner.cleanup()
