"""The HTTP connections of an app, against a real server: no message leaves when the app is not ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gearmesh.host.connector import SENDING, GuardedConnector


@contextmanager
def sending() -> Iterator[None]:
    """Requests are messages, as they are while a bridge sends one."""
    before = SENDING.set(True)
    try:
        yield
    finally:
        SENDING.reset(before)


class Network:
    """A network that notes what reaches it, and an app that can be taken away from us."""

    def __init__(self) -> None:
        self.reached: list[str] = []
        self.ours = True
        self.asked = 0
        self.url = ""
        self.session: aiohttp.ClientSession

    def is_ours(self) -> bool:
        """What the lease says."""
        self.asked += 1
        return self.ours

    async def take(self, request: web.Request) -> web.Response:
        """A request."""
        self.reached.append(await request.text())
        return web.Response(text="yes")

    async def post(self, text: str) -> str:
        """Send something."""
        async with self.session.post(self.url, data=text) as answer:
            return await answer.text()


@pytest.fixture
async def network() -> AsyncIterator[Network]:
    """Nothing has reached it yet."""
    network = Network()
    app = web.Application()
    app.router.add_post("/", network.take)
    async with TestServer(app) as server:
        network.url = str(server.make_url("/"))
        async with aiohttp.ClientSession(connector=GuardedConnector(network.is_ours, limit=1)) as session:
            network.session = session
            yield network


async def test_given_the_app_is_ours_then_messages_and_other_requests_go_out(network: Network) -> None:
    with sending():
        assert await network.post("message") == "yes"
    assert await network.post("file") == "yes"
    assert network.reached == ["message", "file"]
    assert network.asked == 1, "of a request that is no message nobody has to know"


@pytest.mark.parametrize("before", [False, True], ids=["a new connection", "a connection that is there already"])
async def test_given_the_app_is_not_ours_then_a_message_does_not_reach_the_network(
    network: Network, before: bool
) -> None:
    if before:
        await network.post("before")
    network.ours = False
    with sending(), pytest.raises(aiohttp.ConnectionTimeoutError):
        await network.post("message")
    assert network.reached == ["before"] * before


async def test_given_the_app_is_not_ours_then_other_requests_go_out_all_the_same(network: Network) -> None:
    network.ours = False
    assert await network.post("file") == "yes"
    with sending(), pytest.raises(aiohttp.ConnectionTimeoutError):
        await network.post("message")
    assert await network.post("file") == "yes", "and the only connection was given back"
    assert network.reached == ["file", "file"]


async def test_given_the_app_is_lost_while_the_connection_is_made_then_the_message_does_not_reach_the_network(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = aiohttp.TCPConnector._create_connection

    async def connect_and_lose(self: aiohttp.TCPConnector, *arguments: object) -> object:
        made = await connect(self, *arguments)  # type: ignore[arg-type]
        network.ours = False
        return made

    monkeypatch.setattr(aiohttp.TCPConnector, "_create_connection", connect_and_lose)
    with sending(), pytest.raises(aiohttp.ConnectionTimeoutError):
        await network.post("message")
    assert network.reached == []


async def test_given_the_app_is_ours_again_then_messages_go_out_again(network: Network) -> None:
    network.ours = False
    with sending(), pytest.raises(aiohttp.ConnectionTimeoutError):
        await network.post("message")
    network.ours = True
    with sending():
        assert await network.post("message") == "yes"
    assert network.reached == ["message"]
