"""Fetches media that a message names by link, as Meta's servers do."""

from __future__ import annotations

import re
from dataclasses import dataclass

import aiohttp

from .settings import Settings

_HTTP = re.compile(r"https?://[^/\s]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What stood behind a link; `mime` is without parameters."""

    mime: str
    data: bytes


class LinkFailed(Exception):
    """The link leads nowhere, or to more than may be fetched; `reason` says which."""

    def __init__(self, url: str, reason: str) -> None:
        self.url = url
        self.reason = reason
        super().__init__(f"{url}: {reason}")


class LinkFetcher:
    """Fetches with a session that is given at the start."""

    def __init__(self, settings: Settings) -> None:
        self._timeout = aiohttp.ClientTimeout(total=settings.link_timeout)
        self._session: aiohttp.ClientSession | None = None

    def start(self, session: aiohttp.ClientSession) -> None:
        """Use this session, which stays the caller's to close."""
        self._session = session

    async def fetch(self, url: str, limit: int) -> Fetched:
        """At most `limit` bytes. Raises LinkFailed."""
        if self._session is None:
            raise LinkFailed(url, "the sandbox has not started")
        if not _HTTP.match(url):
            raise LinkFailed(url, "not an http or https address")
        try:
            async with self._session.get(url, timeout=self._timeout) as response:
                if response.status != 200:
                    raise LinkFailed(url, f"answered {response.status}")
                data = bytearray()
                async for chunk in response.content.iter_chunked(65_536):
                    data += chunk
                    if len(data) > limit:
                        raise LinkFailed(url, f"larger than {limit} bytes")
                return Fetched(response.content_type, bytes(data))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise LinkFailed(url, str(error) or type(error).__name__) from error
