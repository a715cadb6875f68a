"""`/{account-id}/subscribed_apps`: whether the account's webhooks come to the app, and which."""

from __future__ import annotations

from typing import Any

from gearmesh_meta.sandbox.settings import Network

from .app import App, read_fields
from .call import GraphCall
from .errors import bad_parameter
from .world import World


class SubscribedApps:
    """The subscriptions of the three accounts to the one app."""

    def __init__(self, world: World, app: App) -> None:
        self._world = world
        self._app = app

    async def post(self, call: GraphCall) -> dict[str, Any]:
        """Subscribe. WhatsApp takes no fields but may name its own callback; the others take `subscribed_fields`."""
        network = self._network(call)
        subscriptions = self._world.subscriptions
        if network == "whatsapp":
            callback = call.text("override_callback_uri")
            if callback is not None:
                await self._app.verify(callback, call.text("verify_token"))
                subscriptions.call_back(network, callback)
            subscriptions.subscribe(network, subscriptions[network].fields)
            return {"success": True}
        fields = read_fields(call, "subscribed_fields")
        if fields is None:
            raise bad_parameter("Param subscribed_fields must be non-empty.")
        subscriptions.subscribe(network, fields)
        return {"success": True}

    async def get(self, call: GraphCall) -> dict[str, Any]:
        """The app, when it is subscribed."""
        network = self._network(call)
        settings = self._world.settings
        subscription = self._world.subscriptions[network]
        if not subscription.subscribed:
            return {"data": []}
        link = f"https://www.facebook.com/games/?app_id={settings.app_id}"
        app: dict[str, Any] = {"link": link, "name": settings.app_name, "id": settings.app_id}
        if network == "whatsapp":
            return {"data": [{"whatsapp_business_api_data": app, "override_callback_uri": subscription.callback}]}
        return {"data": [app | {"category": "Business", "subscribed_fields": sorted(subscription.fields or ())}]}

    async def delete(self, call: GraphCall) -> dict[str, Any]:
        """Unsubscribe: no webhooks of this account from now on."""
        self._world.subscriptions.unsubscribe(self._network(call))
        return {"success": True}

    def _network(self, call: GraphCall) -> Network:
        settings = self._world.settings
        if call.subject == settings.waba_id:
            return "whatsapp"
        return "instagram" if call.subject == settings.instagram_id else "messenger"
