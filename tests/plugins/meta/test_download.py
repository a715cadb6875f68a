"""Files are fetched from Meta, and from nowhere in the own network."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from gearmesh import Downloads, FileTooLarge, MediaRef, RateLimited, Rejected, Retry, SendFailed, downloads
from gearmesh_meta.instagram import Instagram
from gearmesh_meta.messenger import Messenger
from gearmesh_meta.whatsapp import WhatsApp

if TYPE_CHECKING:
    from tests.plugins.meta.conftest import GraphStub

FILE = bytes(range(256)) * 1000


def file(body: bytes = FILE, status: int = 200) -> Any:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=body, status=status)

    return answer


def redirect(to: str) -> Any:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": to})

    return answer


async def fetch(bridge: WhatsApp | Messenger | Instagram, source: str) -> bytes:
    return b"".join([chunk async for chunk in bridge.media(MediaRef("app", source))])


async def test_given_a_whatsapp_file_then_its_link_is_asked_for_and_fetched_with_the_token(
    whatsapp: WhatsApp, graph_stub: GraphStub
) -> None:
    graph_stub.says({"url": f"{graph_stub.url}/files/1?hash=x", "mime_type": "image/jpeg", "id": "1"})
    graph_stub.answers.append(file())

    chunks = [chunk async for chunk in whatsapp.media(MediaRef("app", "1003383421387256"))]

    assert b"".join(chunks) == FILE
    assert max(map(len, chunks)) <= 65536
    assert [path for _, path, _, _ in graph_stub.calls] == ["/v25.0/1003383421387256", "/files/1"]
    assert graph_stub.calls[0][2]["phone_number_id"] == "106540352242922"
    assert graph_stub.headers[1]["Authorization"].startswith("Bearer ")


@pytest.mark.parametrize("source", ["", "../me", "1/accounts", "https://example.org/x", "1?fields=x"])
async def test_given_something_else_than_a_media_id_then_whatsapp_is_not_asked(
    whatsapp: WhatsApp, graph_stub: GraphStub, source: str
) -> None:
    with pytest.raises(Rejected):
        await fetch(whatsapp, source)

    assert graph_stub.calls == []


async def test_given_a_messenger_or_instagram_file_then_it_is_fetched_without_the_token(
    messenger: Messenger, instagram: Instagram, graph_stub: GraphStub
) -> None:
    graph_stub.answers += [file(), file()]

    assert await fetch(messenger, f"{graph_stub.url}/a.jpg") == FILE
    assert await fetch(instagram, f"{graph_stub.url}/a.jpg") == FILE
    assert all("Authorization" not in headers for headers in graph_stub.headers)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/a.jpg",
        "file:///etc/passwd",
        "ftp://example.org/a",
        "https://user@example.org/a",
        "https://[::1",
        "https://example.org:99999/",
        "",
        "1003383421387256",
        "https://127.0.0.1/a",
        "https://localhost/a",
        "https://[::1]/a",
        "https://10.0.0.1/a",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:127.0.0.1]/a",
        "https://0.0.0.0/a",
        "https://2130706433/a",
        "https://127.1/a",
        "http://127.0.0.1:1/a",
    ],
)
async def test_given_an_address_that_is_not_public_https_then_it_is_refused(messenger: Messenger, url: str) -> None:
    with pytest.raises(Rejected):
        await fetch(messenger, url)


async def test_given_a_public_name_that_leads_inside_then_it_is_refused(
    messenger: Messenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.168.0.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: inner)

    with pytest.raises(Rejected, match="own network"):
        await fetch(messenger, "https://looks-public.example/a.jpg")


async def test_given_a_redirect_into_the_own_network_then_it_is_refused(
    messenger: Messenger, graph_stub: GraphStub
) -> None:
    graph_stub.answers.append(redirect("https://127.0.0.1/secret"))

    with pytest.raises(Rejected, match="own network"):
        await fetch(messenger, f"{graph_stub.url}/a.jpg")


async def test_given_a_redirect_on_the_same_server_then_it_is_followed(
    whatsapp: WhatsApp, graph_stub: GraphStub
) -> None:
    graph_stub.says({"url": f"{graph_stub.url}/first"})
    graph_stub.answers += [redirect("/second"), file()]

    assert await fetch(whatsapp, "1") == FILE
    assert [path for _, path, _, _ in graph_stub.calls][1:] == ["/first", "/second"]


async def test_given_endless_redirects_then_it_is_refused(messenger: Messenger, graph_stub: GraphStub) -> None:
    graph_stub.answers += [redirect("/again") for _ in range(9)]

    with pytest.raises(Rejected, match="redirects"):
        await fetch(messenger, f"{graph_stub.url}/a.jpg")


@pytest.mark.parametrize(
    ("status", "expected"),
    [(404, Rejected), (403, Rejected), (410, Rejected), (429, RateLimited), (500, Retry), (503, Retry)],
)
async def test_given_a_file_that_cannot_be_had_then_the_failure_says_whether_to_ask_again(
    messenger: Messenger, graph_stub: GraphStub, status: int, expected: type[SendFailed]
) -> None:
    graph_stub.answers.append(file(b"no", status))

    with pytest.raises(expected):
        await fetch(messenger, f"{graph_stub.url}/a.jpg")


@pytest.mark.parametrize("announced", [True, False])
async def test_given_a_file_over_the_limit_then_it_is_refused(graph_stub: GraphStub, announced: bool) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if announced:
            response.content_length = len(FILE)
        await response.prepare(request)
        await response.write(FILE)
        return response

    graph_stub.answers.append(endless)
    downloads = Downloads((graph_stub.url,), limit=len(FILE) - 1)

    with pytest.raises(FileTooLarge, match="MB"):
        [chunk async for chunk in downloads.stream(f"{graph_stub.url}/big")]


async def test_given_a_download_that_breaks_off_then_it_is_asked_for_again(graph_stub: GraphStub) -> None:
    async def broken(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = len(FILE)
        await response.prepare(request)
        await response.write(FILE[:1000])
        assert request.transport is not None
        request.transport.abort()
        return response

    graph_stub.answers.append(broken)

    with pytest.raises(Retry):
        [chunk async for chunk in Downloads((graph_stub.url,)).stream(f"{graph_stub.url}/half")]


def test_the_limit_is_100_megabytes() -> None:
    assert downloads.LIMIT == 100 * 1024 * 1024
