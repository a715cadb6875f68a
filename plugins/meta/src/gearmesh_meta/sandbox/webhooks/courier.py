"""Carries a webhook's bytes to the business: signed, to the address subscribed at that moment."""

from __future__ import annotations

import asyncio
import io
from typing import Final

import aiohttp
from yarl import URL

from gearmesh_meta.sandbox.settings import Network, Settings
from gearmesh_meta.sandbox.subscriptions import Subscriptions

from .signature import signatures

#: Bytes of a body, above which aiohttp wants a stream.
_STREAMED: Final = 1_048_576


class Courier:
    """Posts webhooks. `posted` counts the requests, whatever came of them."""

    def __init__(self, settings: Settings, subscriptions: Subscriptions) -> None:
        self.posted = 0
        self._secret = settings.app_secret
        self._subscriptions = subscriptions
        self._timeout = aiohttp.ClientTimeout(total=settings.webhook_timeout)
        self._session: aiohttp.ClientSession | None = None
        self._late: set[asyncio.Task[bool]] = set()

    @property
    def late(self) -> int:
        """Requests that were put off and not made yet, or are under way."""
        return len(self._late)

    def start(self, session: aiohttp.ClientSession) -> None:
        """Post with this session, which stays the caller's to close."""
        self._session = session

    async def stop(self) -> None:
        """Forget what was put off."""
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)

    async def post(self, network: Network, body: bytes) -> bool:
        """One request; whether it was answered 200."""
        if self._session is None:
            return False
        self.posted += 1
        headers = signatures(body, self._secret)
        headers["Content-Type"] = "application/json"
        url = URL(self._subscriptions[network].callback)
        data = io.BytesIO(body) if len(body) > _STREAMED else body
        try:
            async with self._session.post(url, data=data, headers=headers, timeout=self._timeout) as response:
                await response.read()
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError, OSError):
            # Whatever the reason, the network's only answer to an unanswered webhook is to send it again.
            return False

    def post_later(self, network: Network, body: bytes, seconds: float) -> None:
        """One request after `seconds`, whose answer nobody asks for."""
        task = asyncio.create_task(self._post_after(seconds, network, body))
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _post_after(self, seconds: float, network: Network, body: bytes) -> bool:
        await asyncio.sleep(seconds)
        return await self.post(network, body)
