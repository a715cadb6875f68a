"""One Graph call, read from its HTTP request: path, token and parameters, however they were sent."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

import aiohttp
import msgspec
from aiohttp import web
from aiohttp.multipart import BodyPartReader

from .errors import GraphError, bad_parameter

#: Largest request body: a document of 100 MB and its form around it.
BODY_LIMIT: Final = 104_857_600 + 1_048_576
_VERSION: Final = re.compile(r"v\d+\.\d+")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file from a multipart form."""

    name: str | None
    mime: str
    data: bytes


@dataclass(slots=True)
class GraphCall:
    """A call without its version: `segments` of the path, parameters of query and body in one."""

    method: str
    segments: list[str]
    version: str | None
    base: str
    authorization: str | None
    params: dict[str, Any]
    files: dict[str, Upload] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """The id of the object the call is about, or the first word of the path."""
        return self.segments[0] if self.segments else ""

    @property
    def token(self) -> str | None:
        """The access token from the header or the parameters."""
        if self.authorization is not None:
            scheme, _, token = self.authorization.partition(" ")
            if scheme.lower() in ("bearer", "oauth"):
                return token.strip()
        return self.text("access_token")

    def text(self, name: str) -> str | None:
        """A parameter as text; numbers become text, as Graph makes no difference. Raises GraphError."""
        value = self.params.get(name)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return str(value)
        raise bad_parameter(f"Param {name} must be a string.")

    def object(self, name: str) -> dict[str, Any] | None:
        """A parameter as object, which forms carry as JSON text. Raises GraphError."""
        value = self._structured(name)
        if value is None or isinstance(value, dict):
            return value
        raise bad_parameter(f"Param {name} must be a JSON object.")

    def array(self, name: str) -> list[Any] | None:
        """A parameter as list, which forms carry as JSON text. Raises GraphError."""
        value = self._structured(name)
        if value is None or isinstance(value, list):
            return value
        raise bad_parameter(f"Param {name} must be a JSON array.")

    def _structured(self, name: str) -> Any:
        value = self.params.get(name)
        if not isinstance(value, str) or not value:
            return value
        try:
            return msgspec.json.decode(value)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise bad_parameter(f"Param {name} must be JSON.") from error

    def fields(self, default: str) -> list[str]:
        """The names in `fields`, with `default` when the parameter is not there."""
        return [name.strip() for name in (self.text("fields") or default).split(",") if name.strip()]


async def read_call(request: web.Request, public_url: str | None) -> GraphCall:
    """Read a request. Raises GraphError for a body that cannot be understood."""
    segments = [segment for segment in request.path.split("/") if segment]
    version = segments.pop(0) if segments and _VERSION.fullmatch(segments[0]) else None
    call = GraphCall(
        method=request.method,
        segments=segments,
        version=version,
        base=public_url or f"{request.scheme}://{request.host}",
        authorization=request.headers.get("Authorization"),
        params=dict(request.query) if request.query_string else {},
    )
    if request.can_read_body:
        await _read_body(request, call)
    return call


async def _read_body(request: web.Request, call: GraphCall) -> None:
    kind = request.content_type
    if kind.startswith("multipart/"):
        await _read_multipart(request, call)
        return
    body = await _read_bytes(request)
    if kind == "application/x-www-form-urlencoded":
        call.params.update(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    elif body:
        try:
            call.params.update(msgspec.json.decode(body, type=dict[str, Any]))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise bad_parameter("The request body is not a JSON object.") from error


async def _read_bytes(request: web.Request) -> bytes:
    # The application's own limit is about its own routes; files are larger than it usually is.
    if request.content_length is not None and request.content_length < 262_144:
        return await request.read()
    return await _limited(request.content.iter_chunked(65_536))


async def _read_multipart(request: web.Request, call: GraphCall) -> None:
    try:
        reader = aiohttp.MultipartReader(request.headers, request.content)
        async for part in reader:
            if not isinstance(part, BodyPartReader) or part.name is None:
                raise bad_parameter("A part of the form has no name.")
            data = await _limited(iter_part(part))
            if part.filename is None:
                call.params[part.name] = data.decode("utf-8", "replace")
            else:
                mime = part.headers.get("Content-Type", "application/octet-stream")
                call.files[part.name] = Upload(part.filename, mime, data)
    except ValueError as error:
        raise bad_parameter("The multipart form cannot be read.") from error


async def iter_part(part: BodyPartReader) -> Any:
    """The chunks of one part of a form."""
    while chunk := await part.read_chunk(65_536):
        yield chunk


async def _limited(chunks: Any) -> bytes:
    data = bytearray()
    async for chunk in chunks:
        data += chunk
        if len(data) > BODY_LIMIT:
            raise GraphError(100, "(#100) The request is larger than any file may be.", status=413, subcode=2018109)
    return bytes(data)
