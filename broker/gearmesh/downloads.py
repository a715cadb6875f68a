"""Files from other people's servers, for bridges: from public hosts, and from those that the operator trusts.

A reference to a file can come from anybody who may write on the bus or on a network, so its address is not trusted:
only https to public hosts is fetched. The check is made on the address that is connected to, after name resolution, so
a name that resolves to an inner host is refused too, at each redirect again.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import aiohttp

from gearmesh.errors import FileTooLarge, RateLimited, Rejected, Retry

CHUNK: Final = 64 * 1024
LIMIT: Final = 100 * 1024 * 1024
"""Bytes. Nothing larger is fetched: it could not be passed on to any network that we know of."""
REDIRECTS: Final = 5
TIMEOUT: Final = aiohttp.ClientTimeout(total=600, connect=10, sock_read=30)


class _Inner(OSError):
    """An address inside our own network."""


class Downloads:
    """Streams files. `trusted` are addresses of servers that may stand in the own network, and need no https."""

    def __init__(self, trusted: Collection[str] = (), *, limit: int = LIMIT) -> None:
        self._trusted = {_origin(url) for url in trusted}
        self._limit = limit

    async def stream(self, url: str, *, headers: Mapping[str, str] | None = None) -> AsyncIterator[bytes]:
        """The bytes of a file, in chunks of at most 64 KiB. `headers` go to the first host alone.

        Raises:
            FileTooLarge: the file is larger than the limit.
            Rejected: the address is not allowed, or the file is gone.
            Retry, RateLimited: it cannot be had now.
        """
        try:
            async with self._opened(url, dict(headers or {})) as response:
                if (response.content_length or 0) > self._limit:
                    raise FileTooLarge(response.content_length or 0, self._limit)
                size = 0
                async for chunk in response.content.iter_chunked(CHUNK):
                    size += len(chunk)
                    if size > self._limit:
                        raise FileTooLarge(size, self._limit)
                    yield chunk
        # The messages name the kind of failure only: the address may hold a signature.
        except aiohttp.InvalidURL:
            raise Rejected("the file's address is none") from None
        except (aiohttp.ClientError, OSError) as error:
            if _is_inner(error):
                raise Rejected("the file's address leads into the own network") from None
            raise Retry(f"the file could not be fetched ({type(error).__name__})") from None

    @asynccontextmanager
    async def _opened(self, url: str, headers: dict[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer behind `url` and its redirects. A session of its own, for its connections are checked."""
        for _ in range(REDIRECTS):
            origin = _origin(url)
            trusted = origin is not None and origin in self._trusted
            if not trusted and (origin is None or origin[0] != "https"):
                raise Rejected("the file's address is not https")
            connector = aiohttp.TCPConnector(
                resolver=aiohttp.ThreadedResolver(),  # the system's: aiohttp would take aiodns where that is installed
                socket_factory=None if trusted else _public_socket,
                force_close=True,
            )
            async with (
                aiohttp.ClientSession(connector=connector, timeout=TIMEOUT, auto_decompress=False) as session,
                session.get(url, headers={"Accept-Encoding": "identity", **headers}, allow_redirects=False) as response,
            ):
                target = response.headers.get("Location", "")
                if response.status in {301, 302, 303, 307, 308} and target:
                    url = urljoin(url, target)
                    headers = headers if _origin(url) == origin else {}
                    continue
                _check(response.status)
                yield response
                return
        raise Rejected("the file's address redirects too often")


def _check(status: int) -> None:
    if status == 200:
        return
    if status == 429:
        raise RateLimited("too many files were fetched", scope="app", code="429")
    if status >= 500 or status == 408:
        raise Retry("the file server has a failure", code=str(status))
    raise Rejected("the file is gone: its link has expired, or it was deleted", code=str(status))


def _origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port; None for what is no address of a web server."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        return None
    return parts.scheme, parts.hostname.lower(), port or (443 if parts.scheme == "https" else 80)


def _public_socket(address: tuple[Any, ...]) -> socket.socket:
    """A socket towards an address on the public internet. Called for each address before it is connected to."""
    family, kind, protocol, _, target = address
    host = ipaddress.ip_address(str(target[0]).partition("%")[0])
    inner = getattr(host, "ipv4_mapped", None) or host
    if not inner.is_global or inner.is_multicast:
        raise _Inner(f"{host} is no public address")
    return socket.socket(family, kind, protocol)


def _is_inner(error: BaseException) -> bool:
    """Whether the check above is the cause, which aiohttp wraps into its own exceptions."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, _Inner):
            return True
        if isinstance(seen, BaseExceptionGroup) and any(_is_inner(inner) for inner in seen.exceptions):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
