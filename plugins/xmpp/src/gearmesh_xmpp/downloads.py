"""Files that came in: fetched from wherever a message says, which anybody may write, so from public hosts alone.

Only https is fetched. The check is made on the address that is connected to, after its name was looked up, and at each
redirect again; the operator may name servers of their own that are let through.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import aiohttp

from gearmesh import FileTooLarge, RateLimited, Rejected, Retry

CHUNK: Final = 64 * 1024
LIMIT: Final = 100 * 1024 * 1024
REDIRECTS: Final = 5
WITHIN: Final = aiohttp.ClientTimeout(total=600, connect=10, sock_read=30)


class Guard:
    """Lets nobody connect to an address inside the own network; `refused`: somebody wanted to."""

    def __init__(self) -> None:
        self.refused = False

    def socket(self, address: tuple[Any, ...]) -> socket.socket:
        """A socket towards an address. Called for each, before it is connected to.

        Raises:
            OSError: it is no public address.
        """
        family, kind, protocol, _, target = address
        host = ipaddress.ip_address(str(target[0]).partition("%")[0])
        inner = getattr(host, "ipv4_mapped", None) or host
        if not inner.is_global or inner.is_multicast:
            self.refused = True
            raise OSError(f"{host} is no public address")
        return socket.socket(family, kind, protocol)


async def fetched(url: str, trusted: Collection[str]) -> AsyncIterator[bytes]:
    """The bytes of a file. `trusted` are origins, such as `http://127.0.0.1:5280`, that are let through.

    Raises:
        FileTooLarge: it is larger than is fetched.
        Rejected: it is gone, or may not be fetched.
        Retry, RateLimited: it cannot be had now.
    """
    guard = Guard()
    try:
        async with _opened(url, trusted, guard) as answer:
            if (answer.content_length or 0) > LIMIT:
                raise FileTooLarge(answer.content_length or 0, LIMIT)
            size = 0
            async for chunk in answer.content.iter_chunked(CHUNK):
                size += len(chunk)
                if size > LIMIT:
                    raise FileTooLarge(size, LIMIT)
                yield chunk
    except ValueError:  # `urlsplit` and aiohttp's `InvalidURL`
        raise Rejected("the file's address is none") from None
    except (aiohttp.ClientError, OSError) as error:
        if guard.refused:
            raise Rejected("the file's address leads into the own network") from None
        raise Retry(f"the file could not be fetched ({type(error).__name__})") from None


@asynccontextmanager
async def _opened(url: str, trusted: Collection[str], guard: Guard) -> AsyncIterator[aiohttp.ClientResponse]:
    for _ in range(REDIRECTS):
        parts = urlsplit(url)
        is_trusted = f"{parts.scheme}://{parts.netloc}" in trusted
        if not is_trusted and (parts.scheme != "https" or not parts.hostname or "@" in parts.netloc):
            raise Rejected("the file's address is not https")
        connector = aiohttp.TCPConnector(
            resolver=aiohttp.ThreadedResolver(),  # the system's: aiohttp would take aiodns, which slixmpp brings along
            socket_factory=None if is_trusted else guard.socket,
            force_close=True,
        )
        async with (
            aiohttp.ClientSession(connector=connector, timeout=WITHIN, auto_decompress=False) as session,
            session.get(url, headers={"Accept-Encoding": "identity"}, allow_redirects=False) as answer,
        ):
            target = answer.headers.get("Location", "")
            if answer.status in {301, 302, 303, 307, 308} and target:
                url = urljoin(url, target)
                continue
            _check(answer.status)
            yield answer
            return
    raise Rejected("the file's address redirects too often")


def _check(status: int) -> None:
    if status == 200:
        return
    if status == 429:
        raise RateLimited("too many files were fetched", scope="app", code="429")
    if status >= 500 or status == 408:
        raise Retry("the file server has a failure", code=str(status))
    raise Rejected("the file is gone", code=str(status))
