"""`/webhooks/<app>`: input of networks that call us."""

from __future__ import annotations

from typing import Final, Literal, cast

import structlog
from aiohttp import web

from gearmesh.bridge import SupportsWebhook, WebhookRequest, WebhookResponse
from gearmesh.errors import BusError
from gearmesh.host.door import ask_elsewhere
from gearmesh.web.site import Site

log = structlog.get_logger("gearmesh.web")

MAX_BODY: Final = 3 * 1024 * 1024
"""Bytes; WhatsApp's largest payload (WhatsApp Cloud API documentation, webhooks)."""
TRY_AGAIN: Final = {"Retry-After": "5"}


class Webhooks:
    """Hands requests to the bridge of their app."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[web.AbstractRouteDef]:
        """What to add to the web server."""
        return [
            web.get("/webhooks/{app}", self._handle, allow_head=False),
            web.post("/webhooks/{app}", self._handle),
        ]

    async def _handle(self, request: web.Request) -> web.Response:
        app = request.match_info["app"]
        supervisor = self._site.apps.get(app)
        if app in self._site.broken:
            self._count(app, "broken")
            raise web.HTTPServiceUnavailable(text="this app could not start; send it again\n", headers=TRY_AGAIN)
        if (supervisor and not isinstance(supervisor.app.bridge, SupportsWebhook)) or (
            supervisor is None and app not in self._site.elsewhere
        ):
            raise web.HTTPNotFound(text=f"no app named {app} takes webhooks here\n")
        if self._site.draining:
            self._count(app, "draining")
            raise web.HTTPServiceUnavailable(text="shutting down; send it again\n", headers=TRY_AGAIN)
        body = await _read(request, MAX_BODY)
        if body is None:
            self._count(app, "too_large")
            raise web.HTTPRequestEntityTooLarge(MAX_BODY, request.content_length or MAX_BODY + 1)
        answer = await self._ask(
            app,
            WebhookRequest(
                cast("Literal['GET', 'POST']", request.method),
                dict(request.query),
                {name.lower(): value for name, value in request.headers.items()},
                body,
            ),
        )
        self._count(app, answer.outcome)
        again = TRY_AGAIN if answer.status == web.HTTPServiceUnavailable.status_code else None
        return web.Response(status=answer.status, text=answer.body, headers=again)

    async def _ask(self, app: str, request: WebhookRequest) -> WebhookResponse:
        site, supervisor = self._site, self._site.apps.get(app)
        try:
            if supervisor is not None:
                return await supervisor.door.webhook(request)
            return await ask_elsewhere(site.connection, site.subjects, app, request)
        except BusError as error:
            log.warning("a webhook could not be stored; the network sends it again", app=app, error=str(error))
            raise web.HTTPServiceUnavailable(text="not stored; send it again\n", headers=TRY_AGAIN) from None

    def _count(self, app: str, outcome: str) -> None:
        self._site.metrics.webhooks.labels(app, outcome).inc()


async def _read(request: web.Request, most: int) -> bytes | None:
    """The body, or None when it is larger than `most` bytes; not much more than that is ever read."""
    if (request.content_length or 0) > most:
        return None
    body = bytearray()
    async for chunk in request.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > most:
            return None
    return bytes(body)
