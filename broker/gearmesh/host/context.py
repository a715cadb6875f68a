"""What Gearmesh gives a bridge."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Final

import aiohttp
import structlog

from gearmesh.bridge import RECALLED_MOST, Status
from gearmesh.bus.store import Store
from gearmesh.clock import Clock
from gearmesh.errors import BusUnavailable, FileFailed, Rejected, Retry
from gearmesh.host.files import Files
from gearmesh.host.ingress import Ingress
from gearmesh.host.media_links import MediaLinks
from gearmesh.model.content import MediaRef
from gearmesh.model.events import Event
from gearmesh.wire.subjects import kv_token, whole_kv_token, whole_kv_untoken

KEEP_WITHIN: Final = 4.0

StatusListener = Callable[[Status, str], Awaitable[None]]


class HostContext:
    """The `BridgeContext` of one app. The host connects it to the ingress after the bridge is made."""

    def __init__(
        self,
        app: str,
        http: aiohttp.ClientSession,
        clock: Clock,
        media_links: MediaLinks,
        kept: Store[str],
        files: Files,
    ) -> None:
        self.app = app
        self.http = http
        self.log: structlog.typing.FilteringBoundLogger = structlog.get_logger(f"gearmesh.app.{app}").bind(app=app)
        self._clock = clock
        self._media_links = media_links
        self._kept = kept
        self._files = files
        self._ingress: Ingress | None = None
        self._listener: StatusListener | None = None

    def connect(self, ingress: Ingress, listener: StatusListener) -> None:
        """From now on the bridge's input and status have somewhere to go."""
        self._ingress = ingress
        self._listener = listener

    async def receive(self, *events: Event) -> None:
        """Take native input in; see `BridgeContext`."""
        if self._ingress is None:
            raise RuntimeError("a bridge received before it was started")
        if events:
            await self._ingress.receive(events)

    async def status(self, status: Status, detail: str = "") -> None:
        """Tell operators how the connection is."""
        if self._listener is not None:
            await self._listener(status, detail)

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._clock.seconds()

    def media_link(self, ref: MediaRef) -> str:
        """A link for a network to fetch a file; "" when no public URL is set."""
        return self._media_links.link(ref, self._clock.seconds())

    async def media(self, ref: MediaRef) -> AsyncIterator[bytes]:
        """The bytes of a file; see `BridgeContext`."""
        try:
            async with aclosing(self._files.read(ref)) as pieces:
                async for piece in pieces:
                    yield piece
        except FileFailed as error:
            raise Rejected(str(error)) from None
        except BusUnavailable as error:
            raise Retry(str(error)) from None

    async def keep(self, key: str, value: str) -> None:
        """Write something down for this app; see `BridgeContext`."""
        if value:
            await self._kept.put(self._key(key), value, patience=KEEP_WITHIN)
        else:
            await self._kept.delete(self._key(key), patience=KEEP_WITHIN)

    async def recall(self, key: str) -> str:
        """What was kept for this app under a key; see `BridgeContext`."""
        return await self._kept.get(self._key(key), certain=True) or ""

    async def recall_all(self, group: str = "") -> Mapping[str, str]:
        """Everything that was kept for this app, or in a group of it; see `BridgeContext`."""
        keys = f"{whole_kv_token(group)}.*" if group else ">"
        entries = await self._kept.scan(f"{kv_token(self.app)}.{keys}", limit=RECALLED_MOST)
        return {_told(entry.key): entry.record for entry in entries}

    def _key(self, key: str) -> str:
        """A group is a token of its own, so that it can be read without the others. All names come back from here."""
        group, _, rest = key.partition("/")
        tokens = [group, rest] if group and rest else [key]
        return ".".join([kv_token(self.app), *map(whole_kv_token, tokens)])


def _told(key: str) -> str:
    """The bridge's own name for what stands under a key of the bucket."""
    return "/".join(map(whole_kv_untoken, key.split(".")[1:]))
