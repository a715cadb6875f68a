"""`/media/<token>`, and with the file's name behind it: files for networks and people to fetch, from the object store.

A link can also name a file that still is where it came from: then it is fetched first, here or by the process at work
on its app, and stored.
"""

from __future__ import annotations

import re
from contextlib import aclosing
from typing import Final
from urllib.parse import quote

import structlog
from aiohttp import web

from gearmesh.errors import BusUnavailable, FileFailed, FileTooLarge, Rejected
from gearmesh.host.media_links import file_name
from gearmesh.model.content import KEPT_FILES, MediaRef
from gearmesh.web.site import Site

log = structlog.get_logger("gearmesh.web")

_RANGE: Final = re.compile(r"bytes=(?:(?P<first>[0-9]{1,15})-(?P<last>[0-9]{1,15})?|-(?P<tail>[0-9]{1,15}))")


class MediaFiles:
    """Serves files by signed links."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[web.AbstractRouteDef]:
        """What to add to the web server."""
        return [web.get(path, self._serve) for path in ("/media/{token}", "/media/{token}/{name}")]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        files = self._site.files
        try:
            ref = self._site.media_links.read(request.match_info["token"], self._site.clock.seconds())
            if ref.app not in {KEPT_FILES, *self._site.apps, *self._site.elsewhere}:
                raise Rejected("no app here has this file")
            record = await files.fetch(ref)
        except Rejected as error:
            raise web.HTTPNotFound(text=f"{error}\n") from None
        except FileTooLarge as error:
            raise web.HTTPRequestEntityTooLarge(error.limit, error.size, text=f"{error}\n") from None
        except FileFailed as error:
            log.warning("a file could not be served", app=ref.app, error=str(error))
            gone = web.HTTPNotFound if ref.app == KEPT_FILES else web.HTTPBadGateway
            raise gone(text="the file cannot be had any more\n") from None
        except BusUnavailable as error:
            log.warning("a file could not be served", app=ref.app, error=str(error))
            raise web.HTTPServiceUnavailable(text="the file cannot be had now\n") from None
        start, stop = _asked(request.headers.get("Range", ""), record.size)
        # Whatever it claims to be, a browser that follows the link must not run it.
        response = web.StreamResponse(
            headers={
                "X-Content-Type-Options": "nosniff",
                "Content-Security-Policy": "sandbox; default-src 'none'",
                "Content-Disposition": _disposition(file_name(ref.name)),
                "Accept-Ranges": "bytes",
                "ETag": f'"{record.sha256}"',
            }
        )
        response.content_type = record.mime
        response.content_length = stop - start
        if (start, stop) != (0, record.size):
            response.set_status(206)
            response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{record.size}"
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        try:
            async with aclosing(files.read(MediaRef(KEPT_FILES, record.name), start=start, stop=stop)) as pieces:
                async for piece in pieces:
                    await response.write(piece)
        except (FileFailed, BusUnavailable) as error:
            log.warning("a file broke off while it was served", name=record.name, error=str(error))
            # The headers are out: break the connection, so that nobody takes a part for the whole.
            response.force_close()
            if request.transport:
                request.transport.abort()
            return response
        await response.write_eof()
        return response


def _disposition(name: str) -> str:
    """To be stored, under this name where there is one (RFC 6266, 4.3)."""
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}" if name else "attachment"


def _asked(header: str, size: int) -> tuple[int, int]:
    """The first byte and the one behind the last that are asked for; all of them where the header asks for no one range
    (RFC 9110, 14.2: a server may ignore it).

    Raises:
        HTTPRequestRangeNotSatisfiable: there are none in it.
    """
    asked = _RANGE.fullmatch(header.replace(" ", ""))
    if asked is None:
        return 0, size
    if asked["tail"] is not None:
        start, stop = max(0, size - int(asked["tail"])), size
    else:
        start = int(asked["first"])
        stop = min(size, int(asked["last"]) + 1) if asked["last"] else size
    if start >= stop:
        raise web.HTTPRequestRangeNotSatisfiable(headers={"Content-Range": f"bytes */{size}"})
    return start, stop
