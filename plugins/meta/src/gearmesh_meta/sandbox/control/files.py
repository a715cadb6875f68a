"""Everything that is served as bytes: media, profile pictures, the demo page."""

from __future__ import annotations

import hashlib
import struct
import zlib
from pathlib import Path
from typing import Final

from aiohttp import web

from gearmesh_meta.sandbox.media import Media, MediaStore
from gearmesh_meta.sandbox.settings import Settings

from .answers import Refused
from .phones import PhonesControl

_PAGE: Final = Path(__file__).parent.parent / "page"
_PICTURE_SIZE: Final = 64


class FilesControl:
    """Media for the page, and media behind the addresses handed to the business."""

    def __init__(self, settings: Settings, media: MediaStore, phones: PhonesControl) -> None:
        self._token = settings.token
        self._media = media
        self._phones = phones

    async def media(self, request: web.Request) -> web.StreamResponse:
        """`GET /sandbox/media/<id>`: a file as the phone shows it."""
        media = self._media.get(request.match_info["media"])
        if media is None:
            raise Refused("there is no such file, or it is too old", 404)
        return _file(request, media)

    async def protected(self, request: web.Request) -> web.StreamResponse:
        """A WhatsApp media address: 401 without the token, 404 when it is over."""
        if request.headers.get("Authorization") != f"Bearer {self._token}":
            raise Refused("media of WhatsApp is fetched with the access token: Authorization: Bearer …", 401)
        query = request.query
        expiry = query.get("ext", "")
        media = None
        if expiry.isdecimal():
            media = self._media.from_protected(query.get("mid", ""), expiry, query.get("hash", ""))
        if media is None:
            raise Refused("this address is not valid any more; GET /{media-id} gives a new one", 404)
        return _file(request, media)

    async def open(self, request: web.Request) -> web.StreamResponse:
        """A Messenger or Instagram media address, which needs no token."""
        media = self._media.from_open(request.query.get("asset_id", ""), request.query.get("signature", ""))
        if media is None:
            raise Refused("there is no such file, or it is too old", 404)
        return _file(request, media)

    async def picture(self, request: web.Request) -> web.StreamResponse:
        """`GET /sandbox/pictures/<network>/<user>.png`: a profile picture, one colour for each person."""
        phone = self._phones.find(request)
        return web.Response(body=_one_colour(f"{phone.network}:{phone.user}"), content_type="image/png")

    async def index(self, request: web.Request) -> web.StreamResponse:
        """`GET /`: the page with the phones."""
        return _page_file("index.html")

    async def page(self, request: web.Request) -> web.StreamResponse:
        """`GET /page/<file>`."""
        return _page_file(request.match_info["file"])


def _file(request: web.Request, media: Media) -> web.Response:
    # A file may claim to be a page; it is never to be run as one from this host.
    headers = {
        "Content-Type": media.mime,
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox",
        "Accept-Ranges": "bytes",
    }
    size = len(media.data)
    try:
        wanted = request.http_range
    except ValueError as error:
        raise Refused(f"this is no range of bytes: {error}", 416) from error
    # A browser asks for pieces: for the end of a recording, say, which tells how long it is.
    first, last, _ = wanted.indices(size)
    if (first, last) == (0, size):
        return web.Response(body=media.data, headers=headers)
    if first >= last:
        raise Refused(f"the file has {size} bytes", 416)
    headers["Content-Range"] = f"bytes {first}-{last - 1}/{size}"
    return web.Response(status=206, body=media.data[first:last], headers=headers)


def _page_file(name: str) -> web.StreamResponse:
    path = (_PAGE / name).resolve()
    if not path.is_relative_to(_PAGE.resolve()) or not path.is_file():
        raise Refused(f"the page has no file {name}", 404)
    return web.FileResponse(path, headers={"Cache-Control": "no-cache"})


def _one_colour(name: str) -> bytes:
    colour = bytes(96 + byte // 2 for byte in hashlib.sha256(name.encode()).digest()[:3])
    rows = (b"\x00" + colour * _PICTURE_SIZE) * _PICTURE_SIZE
    header = struct.pack(">IIBBBBB", _PICTURE_SIZE, _PICTURE_SIZE, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
