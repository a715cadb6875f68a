"""Files that came in are fetched from the public internet, and from servers that the operator has named."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from gearmesh import Downloads, FileTooLarge, Rejected, Retry, SendFailed


@pytest.fixture
async def origin() -> AsyncIterator[str]:
    async def give(request: web.Request) -> web.StreamResponse:
        match request.match_info["name"]:
            case "file":
                return web.Response(body=b"bytes")
            case "away":
                raise web.HTTPFound("http://127.0.0.1:1/elsewhere")
            case "circle":
                raise web.HTTPFound("/circle")
            case "broken":
                return web.Response(status=503)
            case "large":
                return web.Response(body=b"x" * 2000)
            case _:
                return web.Response(status=404)

    application = web.Application()
    application.router.add_get("/{name}", give)
    runner = web.AppRunner(application, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}"
    await runner.cleanup()


async def got(url: str, *trusted: str) -> bytes:
    return b"".join([chunk async for chunk in Downloads(trusted).stream(url)])


async def test_given_a_server_that_the_operator_named_then_its_files_are_fetched(origin: str) -> None:
    assert await got(f"{origin}/file", origin) == b"bytes"


@pytest.mark.parametrize(
    ("name", "failure"),
    [("gone", Rejected), ("broken", Retry), ("away", Rejected), ("circle", Rejected)],
)
async def test_given_a_file_that_is_not_there_then_it_fails_as_what_it_is(
    origin: str, name: str, failure: type[SendFailed]
) -> None:
    with pytest.raises(failure):
        await got(f"{origin}/{name}", origin)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x",
        "https://localhost/x",
        "https://[::1]/x",
        "https://10.0.0.1/x",
        "https://169.254.169.254/latest",
        "http://example.org/x",
        "https://user@example.org/x",
        "ftp://example.org/x",
        "no-such-file",
        "https://",
        "https://[",
    ],
)
async def test_given_an_address_that_is_not_public_https_then_nothing_is_fetched(url: str) -> None:
    with pytest.raises(Rejected):
        await got(url)


async def test_given_a_file_that_is_too_large_then_it_ends_early(origin: str) -> None:
    with pytest.raises(FileTooLarge):
        async for _ in Downloads((origin,), limit=1000).stream(f"{origin}/large"):
            pass
