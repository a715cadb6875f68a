"""`/paths`: the way that the last messages took, hop by hop, live. Read from the ledger; nobody's words are in it."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from typing import Any, Final

import msgspec
import structlog
from aiohttp import web
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from gearmesh.model.delivery import LedgerEntry
from gearmesh.web.site import Site

log = structlog.get_logger("gearmesh.web")

KEPT: Final = 50
QUEUE: Final = 500
"""Items that a slow listener may be behind before it is cut off."""
HEARTBEAT: Final = 15.0


class Paths:
    """The last paths, and whoever watches them."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._last: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._listeners: set[asyncio.Queue[str | None]] = set()
        self._subscription: Subscription | None = None
        self._decoder = msgspec.msgpack.Decoder(LedgerEntry)

    def routes(self) -> list[web.AbstractRouteDef]:
        """What to add to the web server."""
        return [web.get("/paths", self._list), web.get("/paths/stream", self._stream, allow_head=False)]

    async def start(self) -> None:
        """Listen to the ledger."""
        subject = self._site.subjects.ledger_all()
        self._subscription = await self._site.connection.client.subscribe(subject, cb=self._entry)

    async def stop(self) -> None:
        """Listen no more, and let the listeners go."""
        for listener in tuple(self._listeners):
            _offer(listener, None)
        subscription, self._subscription = self._subscription, None
        if subscription and not self._site.connection.client.is_closed:
            await subscription.unsubscribe()

    async def _entry(self, message: Msg) -> None:
        try:
            entry = self._decoder.decode(message.data)
        except msgspec.MsgspecError as error:
            log.warning("a ledger entry that cannot be read", subject=message.subject, error=str(error))
            return
        if entry.state in {"accepted", "delivered", "read"}:
            return
        path = {
            "id": entry.envelope,
            "from": entry.sender,
            "to": entry.to or entry.app,
            "kind": entry.kind,
            "state": entry.state,
            "reason": entry.reason or None,
            "hops": [{"name": hop.name, "at": hop.at} for hop in entry.hops],
        }
        self._last.append(path)
        if self._listeners:
            text = f"data: {json.dumps(path)}\n\n"
            for listener in tuple(self._listeners):
                if not _offer(listener, text):
                    self._listeners.discard(listener)

    async def _list(self, _: web.Request) -> web.Response:
        return web.json_response(list(self._last))

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        queue: asyncio.Queue[str | None] = asyncio.Queue(QUEUE)
        self._listeners.add(queue)
        try:
            await response.write(b": the path of each message\n\n")
            while queue in self._listeners or not queue.empty():
                try:
                    async with asyncio.timeout(HEARTBEAT):
                        text = await queue.get()
                except TimeoutError:
                    text = ": still here\n\n"
                if text is None:
                    break
                await response.write(text.encode())
        except ConnectionError:
            pass  # the listener has gone
        finally:
            self._listeners.discard(queue)
        return response


def _offer(queue: asyncio.Queue[str | None], item: str | None) -> bool:
    try:
        queue.put_nowait(item)
    except asyncio.QueueFull:
        return False
    return True
