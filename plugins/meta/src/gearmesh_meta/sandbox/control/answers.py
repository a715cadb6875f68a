"""JSON in and out of the control API, errors included."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import msgspec
from aiohttp import web

#: Largest body: a file of 100 MB in base64.
_BODY_LIMIT: Final = 150_000_000

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
T = TypeVar("T")


class Refused(Exception):
    """A request that cannot be done; `message` says what to do instead, `status` is the HTTP status."""

    def __init__(self, message: str, status: int = 400) -> None:
        self.message = message
        self.status = status
        super().__init__(message)


def json_answer(value: Any, status: int = 200) -> web.Response:
    """A JSON response."""
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")


async def read_json(request: web.Request, kind: type[T]) -> T:
    """The request's JSON as a struct. Raises Refused."""
    body = bytearray()
    async for chunk in request.content.iter_chunked(65_536):
        body += chunk
        if len(body) > _BODY_LIMIT:
            raise Refused(f"the body is larger than {_BODY_LIMIT} bytes; send a smaller file", 413)
    try:
        return msgspec.json.decode(bytes(body), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(f"the body does not fit: {error}") from error


def read_number(request: web.Request, name: str) -> int | None:
    """A number of the query such as `?limit=`, None without. Raises Refused."""
    number = request.query.get(name)
    if number is None:
        return None
    if not number.isdecimal() or len(number) > 15:
        raise Refused(f"{name} must be a number, zero or more")
    return int(number)


def answered(handler: Handler) -> Handler:
    """The handler with Refused turned into `{"error": ...}`."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refused as refused:
            return json_answer({"error": refused.message}, refused.status)

    return handle
