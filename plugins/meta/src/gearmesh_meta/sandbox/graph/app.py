"""The app's own calls: its token, what a token is, and where its webhooks go."""

from __future__ import annotations

import secrets
from typing import Any

import aiohttp
from yarl import URL

from gearmesh_meta.sandbox.settings import NETWORKS, OBJECTS, Network

from .call import GraphCall
from .errors import GraphError, app_token_needed, bad_parameter
from .world import World


class App:
    """The app that the three accounts belong to."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._session: aiohttp.ClientSession | None = None

    def start(self, session: aiohttp.ClientSession) -> None:
        """Verify callbacks with this session, which stays the caller's to close."""
        self._session = session

    async def access_token(self, call: GraphCall) -> dict[str, Any]:
        """`GET /oauth/access_token`: id and secret for the app's token."""
        settings = self._world.settings
        if call.text("client_id") != settings.app_id or call.text("client_secret") != settings.app_secret:
            raise GraphError(101, "Error validating application. Invalid application ID or secret.")
        return {"access_token": settings.app_token, "token_type": "bearer"}

    async def debug_token(self, call: GraphCall) -> dict[str, Any]:
        """`GET /debug_token`."""
        settings = self._world.settings
        token = call.text("input_token")
        if not token:
            raise bad_parameter("The parameter input_token is required.")
        if token not in (settings.token, settings.app_token):
            error = {"code": 190, "message": "Invalid OAuth access token."}
            return {"data": {"error": error, "is_valid": False, "scopes": []}}
        data: dict[str, Any] = {"app_id": settings.app_id, "application": settings.app_name, "is_valid": True}
        if token == settings.app_token:
            return {"data": data | {"type": "APP", "scopes": []}}
        scopes = [
            "whatsapp_business_messaging",
            "whatsapp_business_management",
            "pages_messaging",
            "instagram_manage_messages",
        ]
        return {"data": data | {"type": "SYSTEM_USER", "expires_at": 0, "issued_at": 0, "scopes": scopes}}

    async def subscribe(self, call: GraphCall) -> dict[str, Any]:
        """`POST /{app-id}/subscriptions`: the address must answer the challenge, then webhooks go there."""
        if call.token != self._world.settings.app_token:
            raise app_token_needed()
        network = next((name for name in NETWORKS if OBJECTS[name] == call.text("object")), None)
        if network is None:
            raise bad_parameter(f"Param object must be one of {', '.join(OBJECTS.values())}.")
        await self.verify(call.text("callback_url"), call.text("verify_token"))
        self._world.subscriptions.call_back(network, str(call.text("callback_url")))
        self._world.subscriptions.subscribe(network, read_fields(call, "fields"))
        return {"success": True}

    async def subscriptions(self, call: GraphCall) -> dict[str, Any]:
        """`GET /{app-id}/subscriptions`."""
        if call.token != self._world.settings.app_token:
            raise app_token_needed()
        return {"data": [self._view(network) for network in NETWORKS]}

    async def verify(self, callback: str | None, verify_token: str | None) -> None:
        """Ask the callback for the challenge. Raises GraphError when it does not give it back."""
        if not callback or not verify_token:
            raise bad_parameter("Params callback_url and verify_token must be non-empty.")
        challenge = str(secrets.randbelow(10**10))
        query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": verify_token}
        if not await self._answers(callback, query, challenge):
            raise GraphError(
                2200, "(#2200) Callback verification failed: the callback did not answer 200 with the challenge.",
            )  # fmt: skip

    async def _answers(self, callback: str, query: dict[str, str], challenge: str) -> bool:
        if self._session is None:
            return False
        timeout = aiohttp.ClientTimeout(total=self._world.settings.webhook_timeout)
        try:
            async with self._session.get(URL(callback).update_query(query), timeout=timeout) as response:
                return response.status == 200 and (await response.text()).strip() == challenge
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            # Every failure means the same to the caller: the address was not verified.
            return False

    def _view(self, network: Network) -> dict[str, Any]:
        subscription = self._world.subscriptions[network]
        return {
            "object": OBJECTS[network],
            "callback_url": subscription.callback,
            "active": subscription.subscribed,
            "fields": [{"name": name} for name in sorted(subscription.fields or ())],
        }


def read_fields(call: GraphCall, name: str) -> frozenset[str] | None:
    """Names from a list, JSON of a list or a comma-separated text; None when there are none."""
    value = call.params.get(name)
    if isinstance(value, list) or (isinstance(value, str) and value.startswith("[")):
        return frozenset(str(item) for item in call.array(name) or ()) or None
    return frozenset(part.strip() for part in (call.text(name) or "").split(",") if part.strip()) or None
