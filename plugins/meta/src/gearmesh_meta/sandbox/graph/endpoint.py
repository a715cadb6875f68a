"""The Graph API as one request handler: token, object, edge, answer."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
from aiohttp import web

from gearmesh_meta.sandbox.faults import GRAPH_KINDS
from gearmesh_meta.sandbox.settings import Network

from .accounts import Accounts
from .app import App
from .attachments import Attachments
from .call import GraphCall, read_call
from .errors import GraphError, bad_proof, bad_token, no_token, unknown_object
from .misfortune import NoAnswer, suffer
from .page_messages import PageMessages
from .personas import Personas
from .recorder import Recorder
from .subscribed_apps import SubscribedApps
from .whatsapp_media import WhatsAppMedia
from .whatsapp_messages import WhatsAppMessages
from .world import World

Handler = Callable[[GraphCall], Awaitable[dict[str, Any]]]

#: Answered when a call names no version; Meta answers its oldest, the sandbox the documentation's latest.
_VERSION: Final = "v25.0"

#: The network that a kind of object belongs to, for faults that strike any call. `me` counts as the page.
_NETWORKS: Final[dict[str, Network]] = {
    "number": "whatsapp",
    "waba": "whatsapp",
    "media": "whatsapp",
    "page": "messenger",
    "me": "messenger",
    "persona": "messenger",
    "instagram": "instagram",
}


class Graph:
    """Every Graph call of the sandbox."""

    def __init__(self, world: World) -> None:
        self.recorder = Recorder()
        self.app = App(world)
        self._world = world
        self._closing = asyncio.Event()
        self._personas = Personas(world.identifiers)
        settings = world.settings
        self._proofs = {
            token: hmac.digest(settings.app_secret.encode(), token.encode(), "sha256").hex()
            for token in (settings.token, settings.app_token)
        }
        self._kinds = {
            "me": "me",
            settings.phone_number_id: "number",
            settings.waba_id: "waba",
            settings.page_id: "page",
            settings.instagram_id: "instagram",
            settings.app_id: "app",
        }
        self._handlers = self._routes()

    def close(self) -> None:
        """Let go of calls that are being held by a fault."""
        self._closing.set()

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        call: GraphCall | None = None
        status = 200
        added: Mapping[str, str] = {}
        try:
            call = await read_call(request, self._world.settings.public_url)
            answer = await self._answer(call)
        except GraphError as error:
            status, answer, added = error.status, error.body(self._world.identifiers.trace()), error.headers
        except NoAnswer as silence:
            self.recorder.record(request.method, request.path, 0, call, self._world.clock.now_ms())
            return await self._hold(request, silence.seconds)
        self.recorder.record(request.method, request.path, status, call, self._world.clock.now_ms())
        return self._response(status, answer, call, added)

    async def _answer(self, call: GraphCall) -> dict[str, Any]:
        key, needs_token = self._key(call)
        if needs_token:
            self._check_token(call)
        handler = self._handlers.get(key)
        if handler is None:
            raise unknown_object(call.method, call.subject)
        network = _NETWORKS.get(key[1])
        fault = self._world.faults.strike(GRAPH_KINDS, network, None, on="any")
        suffer(fault, network, "before", self._world.settings)
        answer = await handler(call)
        suffer(fault, network, "after", self._world.settings)
        return answer

    def _key(self, call: GraphCall) -> tuple[tuple[str, str, str], bool]:
        """Method, kind of object and edge; and whether a token is needed."""
        edge = "/".join(call.segments[1:])
        if call.subject == "oauth":
            return (call.method, "oauth", edge), False
        return (call.method, self._kind(call.subject), edge), True

    def _kind(self, subject: str) -> str:
        kind = self._kinds.get(subject)
        if kind is not None:
            return kind
        if subject == "debug_token":
            return "debug_token"
        if subject in self._personas:
            return "persona"
        media = self._world.media.get(subject)
        return "media" if media is not None and media.network == "whatsapp" else "person"

    def _check_token(self, call: GraphCall) -> None:
        token = call.token
        if not token:
            raise no_token()
        expected = self._proofs.get(token)
        if expected is None:
            raise bad_token()
        proof = call.text("appsecret_proof")
        if proof is not None and not hmac.compare_digest(proof, expected):
            raise bad_proof()

    async def _hold(self, request: web.Request, seconds: float) -> web.Response:
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            pass
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    def _response(
        self, status: int, answer: dict[str, Any], call: GraphCall | None, added: Mapping[str, str]
    ) -> web.Response:
        trace = self._world.identifiers.trace()
        headers = {
            "Content-Type": "application/json; charset=UTF-8",
            "facebook-api-version": (call.version if call is not None else None) or _VERSION,
            "x-fb-trace-id": trace,
            "x-fb-request-id": trace,
            "x-app-usage": '{"call_count":0,"total_cputime":0,"total_time":0}',
            **added,
        }
        if status == 401:
            headers["WWW-Authenticate"] = 'OAuth "Facebook Platform" "invalid_token" "Invalid OAuth access token."'
        return web.Response(body=msgspec.json.encode(answer), status=status, headers=headers)

    def _routes(self) -> dict[tuple[str, str, str], Handler]:
        world = self._world
        accounts = Accounts(world)
        media = WhatsAppMedia(world)
        attachments = Attachments(world)
        send = PageMessages(world, self._personas, attachments).post
        subscribed = SubscribedApps(world, self.app)
        personas = self._personas
        routes: dict[tuple[str, str, str], Handler] = {
            ("GET", "oauth", "access_token"): self.app.access_token,
            ("POST", "oauth", "access_token"): self.app.access_token,
            ("GET", "debug_token", ""): self.app.debug_token,
            ("GET", "app", "subscriptions"): self.app.subscriptions,
            ("POST", "app", "subscriptions"): self.app.subscribe,
            ("GET", "number", ""): accounts.phone_number,
            ("POST", "number", "messages"): WhatsAppMessages(world).post,
            ("POST", "number", "media"): media.upload,
            ("GET", "media", ""): media.get,
            ("DELETE", "media", ""): media.delete,
            ("GET", "waba", ""): accounts.business_account,
            ("GET", "waba", "phone_numbers"): accounts.phone_numbers,
            ("GET", "page", ""): accounts.page,
            ("GET", "me", ""): accounts.me,
            ("GET", "instagram", ""): accounts.instagram,
            ("GET", "person", ""): accounts.person,
            ("GET", "persona", ""): personas.get,
            ("DELETE", "persona", ""): personas.delete,
        }
        for kind in ("page", "me", "instagram"):
            routes["POST", kind, "messages"] = send
            routes["POST", kind, "message_attachments"] = attachments.upload
            routes["GET", kind, "messenger_profile"] = accounts.read_messenger_profile
            routes["POST", kind, "messenger_profile"] = accounts.write_messenger_profile
            routes["DELETE", kind, "messenger_profile"] = accounts.delete_messenger_profile
        for kind in ("page", "me"):
            routes["POST", kind, "personas"] = personas.create
            routes["GET", kind, "personas"] = personas.list
        for kind in ("waba", "page", "me", "instagram"):
            routes["POST", kind, "subscribed_apps"] = subscribed.post
            routes["GET", kind, "subscribed_apps"] = subscribed.get
            routes["DELETE", kind, "subscribed_apps"] = subscribed.delete
        return routes
