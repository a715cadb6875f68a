"""What a bridge is given, for tests: it keeps what comes in, and can be told to be unavailable."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from types import TracebackType
from typing import Final, TypeVar

import aiohttp
import msgspec
import structlog
from aiohttp import web

from gearmesh.bridge import Status
from gearmesh.clock import Clock
from gearmesh.errors import BusUnavailable, Rejected
from gearmesh.model.content import MediaRef
from gearmesh.model.events import Event
from gearmesh.testing.watch import Watch

HTTP_TIMEOUT: Final = aiohttp.ClientTimeout(total=30)
CHUNK: Final = 64 * 1024
PATIENCE: Final = 10.0
"""Seconds after which waiting for a bridge is given up."""
Kind = TypeVar("Kind", bound=Event)


class StatusReport(msgspec.Struct, frozen=True):
    """What a bridge has said about its connection."""

    status: Status
    detail: str = ""


class FakeContext:
    """A `BridgeContext` for tests, used as an async context manager.

    `events` is everything that was received, oldest first; `refused` what came while `unavailable` was set;
    `reports` what the bridge said about its connection. `http` is a real session. Files that were put in with `offer`
    have a link on the loopback under which they can really be fetched, and `media` gives their bytes; for all others
    `media_link` gives "". Without `links` it does so for all, as where the operator has no public address.
    """

    def __init__(self, app: str = "fake", *, clock: Clock | None = None) -> None:
        self.app = app
        self.log: structlog.typing.FilteringBoundLogger = structlog.get_logger(f"gearmesh.app.{app}").bind(app=app)
        self.clock = clock or Clock()
        self.unavailable = False
        """While it is set, nothing can be stored: `receive` raises `BusUnavailable`."""
        self.links = True
        self.events: list[Event] = []
        self.refused: list[Event] = []
        self.reports: list[StatusReport] = []
        self.kept: dict[str, str] = {}
        """What the bridge has kept, by key."""
        self.not_kept: list[str] = []
        """The keys of what it wanted to keep while `unavailable` was set."""
        self._taken = 0
        self._watch = Watch()
        self._files: dict[str, tuple[MediaRef, bytes]] = {}
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None
        self._url = ""

    async def __aenter__(self) -> FakeContext:
        application = web.Application()
        application.router.add_get("/media/{source}", self._file)
        self._runner = web.AppRunner(application, shutdown_timeout=0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self._url = f"http://{host}:{port}"
        self._session = aiohttp.ClientSession(timeout=HTTP_TIMEOUT)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def http(self) -> aiohttp.ClientSession:
        """The shared session.

        Raises:
            RuntimeError: outside `async with`; also for a bridge that wants to connect while it is being made.
        """
        if self._session is None:
            raise RuntimeError("FakeContext has its HTTP session inside `async with FakeContext(...) as context:`")
        return self._session

    async def receive(self, *events: Event) -> None:
        """Keep events.

        Raises:
            BusUnavailable: `unavailable` is set; nothing was kept.
        """
        if self.unavailable:
            self.refused.extend(events)
            self._watch.changed()
            raise BusUnavailable("the test has made the bus unavailable")
        self.events.extend(events)
        self._watch.changed()
        # Storing takes a moment in which others run.
        await asyncio.sleep(0)

    async def status(self, status: Status, detail: str = "") -> None:
        """Keep what the bridge says about its connection."""
        self.reports.append(StatusReport(status, detail))
        self._watch.changed()

    def now(self) -> float:
        """Seconds since the epoch, by `clock`."""
        return self.clock.seconds()

    def media_link(self, ref: MediaRef) -> str:
        """A link to a file that was put in with `offer`; "" for others."""
        return f"{self._url}/media/{ref.source}" if self.links and ref.source in self._files else ""

    async def media(self, ref: MediaRef) -> AsyncIterator[bytes]:
        """The bytes of a file that was put in with `offer`.

        Raises:
            Rejected: there is none.
        """
        known = self._files.get(ref.source)
        if known is None:
            raise Rejected(f"the test has offered no file {ref.source}")
        data = known[1]
        for start in range(0, len(data), CHUNK):
            yield data[start : start + CHUNK]

    async def keep(self, key: str, value: str) -> None:
        """Keep something in `kept`; "" forgets it.

        Raises:
            BusUnavailable: `unavailable` is set.
        """
        if self.unavailable:
            self.not_kept.append(key)
            self._watch.changed()
            raise BusUnavailable("the test has made the bus unavailable")
        self.kept.pop(key, None)
        if value:
            self.kept[key] = value

    async def recall(self, key: str) -> str:
        """What is in `kept` under a key."""
        return self.kept.get(key, "")

    async def recall_all(self, group: str = "") -> Mapping[str, str]:
        """Everything in `kept`, or in a group of it."""
        start = f"{group}/" if group else ""
        return {key: value for key, value in self.kept.items() if key.startswith(start)}

    def offer(self, data: bytes, *, mime: str = "image/png", name: str = "picture.png") -> MediaRef:
        """Put in a file of another app, as if somebody there had sent it. Its link works from now on."""
        sha256 = hashlib.sha256(data).hexdigest()
        ref = MediaRef("elsewhere", f"file-{len(self._files) + 1}", mime, len(data), sha256, name)
        self._files[ref.source] = (ref, data)
        return ref

    def events_of(self, kind: type[Kind]) -> list[Kind]:
        """All events of this kind so far, oldest first."""
        return [event for event in self.events if isinstance(event, kind)]

    async def next_event(self, kind: type[Kind], *, within: float = PATIENCE) -> Kind:
        """The next event of this kind that was not given before; others in front of it are passed over.

        Raises:
            TimeoutError: none came within `within` seconds.
        """
        found: list[Kind] = []

        def look() -> bool:
            while self._taken < len(self.events) and not found:
                event = self.events[self._taken]
                self._taken += 1
                if isinstance(event, kind):
                    found.append(event)
            return bool(found)

        await self._watch.until(look, within=within, awaited=f"an event of the kind {kind.__name__}")
        return found[0]

    async def until(self, holds: Callable[[], bool], *, within: float = PATIENCE, awaited: str = "it") -> None:
        """Wait until something holds of what was received, refused or reported.

        Raises:
            TimeoutError: it did not within `within` seconds.
        """
        await self._watch.until(holds, within=within, awaited=awaited)

    async def _file(self, request: web.Request) -> web.Response:
        known = self._files.get(request.match_info["source"])
        if known is None:
            raise web.HTTPNotFound
        ref, data = known
        return web.Response(body=data, content_type=ref.mime or "application/octet-stream")
