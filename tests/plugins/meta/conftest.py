"""A context, a stand-in for the Graph API, the three bridges built on them, and a world with the sandbox in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import aiohttp
import pytest
import structlog
from aiohttp import web

from gearmesh import BusUnavailable, Event, MediaRef, Rejected, Secret, Status, WebhookRequest
from gearmesh_meta.config import InstagramConfig, MessengerConfig, WhatsAppConfig
from gearmesh_meta.instagram import Instagram
from gearmesh_meta.messenger import Messenger
from gearmesh_meta.sandbox import Settings, build_app
from gearmesh_meta.whatsapp import WhatsApp

TOKEN = "test-token-that-nobody-sees"
SECRET = "test-app-secret"
VERIFY = "test-verify"
PHONE_NUMBER_ID = "106540352242922"
PAGE_ID = "682498302938465"
INSTAGRAM_ID = "17841405309211844"


class FakeContext:
    """What the host gives a bridge: it keeps what comes in, and its clock is set by hand."""

    def __init__(self, app: str, http: aiohttp.ClientSession) -> None:
        self.app = app
        self.http = http
        self.log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
        self.time = 1_800_000_000.0
        self.links: dict[str, str] = {}
        self.files: dict[str, bytes] = {}
        self.batches: list[tuple[Event, ...]] = []
        self.statuses: asyncio.Queue[str] = asyncio.Queue()
        self.arrived: asyncio.Queue[Event] = asyncio.Queue()
        self.refusal: Exception | None = None
        self.refused = asyncio.Event()
        self.kept: dict[str, str] = {}

    async def receive(self, *events: Event) -> None:
        if self.refusal is not None:
            self.refused.set()
            raise self.refusal
        self.batches.append(events)
        for event in events:
            self.arrived.put_nowait(event)

    async def status(self, status: Status, detail: str = "") -> None:
        self.statuses.put_nowait(status)

    def now(self) -> float:
        return self.time

    def media_link(self, ref: MediaRef) -> str:
        return self.links.get(ref.source, "")

    async def media(self, ref: MediaRef) -> AsyncIterator[bytes]:
        data = self.files.get(ref.source)
        if data is None:
            raise Rejected(f"there is no file {ref.source}")
        for start in range(0, len(data), 1000):
            yield data[start : start + 1000]

    async def keep(self, key: str, value: str) -> None:
        self.kept.pop(key, None)
        if value:
            self.kept[key] = value

    async def recall(self, key: str) -> str:
        return self.kept.get(key, "")

    async def recall_all(self, group: str = "") -> dict[str, str]:
        start = f"{group}/" if group else ""
        return {key: value for key, value in self.kept.items() if key.startswith(start)}


Answer = web.StreamResponse | Callable[[web.Request], Awaitable[web.StreamResponse]]


class GraphStub:
    """Records calls and answers them with what was put on its list, else with a message id."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, dict[str, str], Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[Answer] = []
        self.url = ""

    def fails(self, code: int, subcode: int = 0, *, status: int = 400, headers: dict[str, str] | None = None) -> None:
        """The next call fails with this code."""
        error: dict[str, Any] = {"message": f"(#{code}) No", "type": "OAuthException", "code": code}
        if subcode:
            error["error_subcode"] = subcode
        self.answers.append(web.json_response({"error": error}, status=status, headers=headers))

    def says(self, body: object) -> None:
        """The next call gets this JSON."""
        self.answers.append(web.json_response(body))

    @property
    def bodies(self) -> list[Any]:
        """The JSON of each call."""
        return [body for _, _, _, body in self.calls]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await read_body(request)
        self.calls.append((request.method, request.path, dict(request.query), body))
        self.headers.append(dict(request.headers))
        if not self.answers:
            return web.json_response(
                {"messages": [{"id": "wamid.1"}], "message_id": "m_1", "id": "1", "attachment_id": "1"}
            )
        answer = self.answers.pop(0)
        return answer if isinstance(answer, web.StreamResponse) else await answer(request)


async def read_body(request: web.Request) -> Any:
    """The JSON of a call, or the fields of its form; a file there is (name, MIME type, bytes)."""
    if not request.content_type.startswith("multipart/"):
        return await request.json() if request.can_read_body else None
    return {
        key: (value.filename, value.content_type, value.file.read()) if isinstance(value, web.FileField) else value
        for key, value in (await request.post()).items()
    }


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def graph_stub() -> AsyncIterator[GraphStub]:
    stub = GraphStub()
    app = web.Application(client_max_size=32_000_000)
    app.router.add_route("*", "/{path:.*}", stub.handle)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    stub.url = f"http://{host}:{port}"
    yield stub
    await runner.cleanup()


@pytest.fixture
def context(http: aiohttp.ClientSession) -> FakeContext:
    return FakeContext("app", http)


@pytest.fixture
def whatsapp(context: FakeContext, graph_stub: GraphStub) -> WhatsApp:
    config = WhatsAppConfig(
        phone_number_id=PHONE_NUMBER_ID,
        token=Secret(TOKEN),
        app_secret=Secret(SECRET),
        verify_token=Secret(VERIFY),
        graph_url=graph_stub.url,
    )
    return WhatsApp(config, context)


@pytest.fixture
def messenger(context: FakeContext, graph_stub: GraphStub) -> Messenger:
    config = MessengerConfig(
        page_id=PAGE_ID,
        token=Secret(TOKEN),
        app_secret=Secret(SECRET),
        verify_token=Secret(VERIFY),
        graph_url=graph_stub.url,
    )
    return Messenger(config, context)


@pytest.fixture
def instagram(context: FakeContext, graph_stub: GraphStub) -> Instagram:
    config = InstagramConfig(
        instagram_id=INSTAGRAM_ID,
        token=Secret(TOKEN),
        app_secret=Secret(SECRET),
        verify_token=Secret(VERIFY),
        graph_url=graph_stub.url,
    )
    return Instagram(config, context)


AnyBridge = WhatsApp | Messenger | Instagram
PEOPLE = {"whatsapp": "4915112345678", "messenger": "7100000000000001", "instagram": "17841405793187218"}
NETWORKS = tuple(PEOPLE)


class World:
    """The sandbox, the three bridges, and their webhooks, in one process and on two ports."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.http = http
        self.url = ""
        self.bridges: dict[str, AnyBridge] = {}
        self.contexts: dict[str, FakeContext] = {}

    async def webhook(self, request: web.Request) -> web.Response:
        """What the host does with a webhook."""
        method: Literal["GET", "POST"] = "POST" if request.method == "POST" else "GET"
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = WebhookRequest(method, dict(request.query), headers, await request.read())
        bridge = self.bridges.get(request.match_info["network"])
        try:
            # The sandbox comes up before the bridges, whose configuration names its port: it sends again.
            answer = await bridge.webhook(asked) if bridge is not None else None
        except BusUnavailable:
            answer = None
        if answer is None:
            return web.Response(status=503)
        return web.Response(status=answer.status, text=answer.body)

    async def control(self, method: str, path: str, **body: Any) -> Any:
        """A call to the sandbox's own interface."""
        async with self.http.request(method, f"{self.url}/sandbox/{path}", json=body or None) as response:
            answer = await response.json()
            assert response.status < 300, answer
            return answer

    async def types(self, network: str, **message: Any) -> Any:
        """Somebody writes on their phone."""
        return await self.control("POST", f"phones/{network}/{PEOPLE[network]}/messages", **message)

    async def sees(self, network: str) -> list[Any]:
        """What a phone shows."""
        return list(await self.control("GET", f"phones/{network}/{PEOPLE[network]}/messages"))

    async def next(self, network: str, kind: type[Event]) -> Any:
        """The next event of this kind that comes in."""
        async with asyncio.timeout(10):
            while True:
                event = await self.contexts[network].arrived.get()
                if isinstance(event, kind):
                    return event

    @contextmanager
    def away(self, network: str) -> Iterator[None]:
        """Nothing can be stored."""
        context = self.contexts[network]
        context.refusal = BusUnavailable("away")
        yield
        context.refusal = None


async def serve(app: web.Application) -> tuple[web.AppRunner, str]:
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    return runner, f"http://{host}:{port}"


@pytest.fixture
async def world(http: aiohttp.ClientSession) -> AsyncIterator[World]:
    world = World(http)
    app = web.Application()
    app.router.add_route("*", "/webhooks/{network}", world.webhook)
    hooks, hooks_url = await serve(app)
    settings = Settings(webhooks=f"{hooks_url}/webhooks/{{network}}", retry_first=0.01, retry_cap=0.05)
    # Contexts first: the sandbox's people open their chats as soon as it is up.
    world.contexts = {network: FakeContext(network, http) for network in NETWORKS}
    secrets: dict[str, Any] = {
        "token": Secret(settings.token),
        "app_secret": Secret(settings.app_secret),
        "verify_token": Secret(settings.verify_token),
    }
    sandbox, world.url = await serve(build_app(settings))
    contexts = world.contexts
    world.bridges = {
        "whatsapp": WhatsApp(
            WhatsAppConfig(phone_number_id=settings.phone_number_id, graph_url=world.url, **secrets),
            contexts["whatsapp"],
        ),
        "messenger": Messenger(
            MessengerConfig(page_id=settings.page_id, graph_url=world.url, **secrets), contexts["messenger"]
        ),
        "instagram": Instagram(
            InstagramConfig(instagram_id=settings.instagram_id, graph_url=world.url, **secrets), contexts["instagram"]
        ),
    }
    yield world
    await sandbox.cleanup()
    await hooks.cleanup()
