"""Files on their way out: to the server's upload service (XEP-0363), whose address then stands in the message."""

from __future__ import annotations

import mimetypes
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from gearmesh import BridgeContext, MediaRef, Rejected, Retry, SendFailed
from gearmesh_xmpp.elements import Element, child, children, condition, element
from gearmesh_xmpp.link import Link, Refused
from gearmesh_xmpp.refusals import refusal

UPLOAD: Final = "urn:xmpp:http:upload:0"
HEADERS: Final = frozenset({"authorization", "cookie", "expires"})
"""What a service may want to be sent along; all else is left out (XEP-0363, section 5)."""
WITHIN: Final = aiohttp.ClientTimeout(total=50, connect=10)
"""`send` has 60 seconds."""


async def uploaded(link: Link, context: BridgeContext, service: str, ref: MediaRef) -> str:
    """Put a file there; returns the address under which everybody gets it.

    Raises:
        SendFailed: it is not there, and nothing was said of it.
    """
    put, get, headers = await _slot(link, service, ref)
    try:
        async with context.http.put(
            put,
            data=context.media(ref),
            headers={
                "Content-Length": str(ref.size),
                "Content-Type": ref.mime or "application/octet-stream",
                **headers,
            },
            timeout=WITHIN,
            allow_redirects=False,
        ) as answer:
            if answer.status in {200, 201}:
                return get
            words, code = "the upload service does not take the file", str(answer.status)
            raise Retry(words, code=code) if answer.status >= 500 else Rejected(words, code=code)
    except SendFailed:
        raise
    except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
        raise Retry(f"the file could not be uploaded ({type(error).__name__})") from error


async def _slot(link: Link, service: str, ref: MediaRef) -> tuple[str, str, dict[str, str]]:
    name = ref.name or f"file{mimetypes.guess_extension(ref.mime) or ''}"
    request = element("request", UPLOAD, **{"filename": name, "size": str(ref.size), "content-type": ref.mime})
    try:
        answer = await link.ask("get", service, request)
    except Refused as error:
        if condition(error.stanza)[0] == "not-acceptable":
            raise Rejected("the file is larger than the upload service takes", code="not-acceptable") from None
        raise refusal(error.stanza) from None
    slot = child(answer, "slot", UPLOAD)
    put = child(slot, "put", UPLOAD) if slot is not None else None
    get = child(slot, "get", UPLOAD) if slot is not None else None
    if put is None or get is None or not _is_web(put.get("url", "")) or not _is_web(get.get("url", "")):
        raise Rejected("the upload service names no address")
    return put.get("url", ""), get.get("url", ""), _headers(put)


def _headers(put: Element) -> dict[str, str]:
    named = {
        one.get("name", ""): (one.text or "").replace("\r", "").replace("\n", "")
        for one in children(put, "header", UPLOAD)
    }
    return {name: value for name, value in named.items() if name.lower() in HEADERS}


def _is_web(url: str) -> bool:
    return urlsplit(url).scheme in {"http", "https"}
