"""`/media/<token>`: files for networks to fetch, streamed from the network where they are."""

from __future__ import annotations

from typing import Final

import puremagic
import structlog
from aiohttp import web

from gearmesh.bridge import SupportsMedia
from gearmesh.errors import Rejected, SendFailed
from gearmesh.web.site import Site

log = structlog.get_logger("gearmesh.web")

UNKNOWN: Final = "application/octet-stream"


class MediaFiles:
    """Serves files by signed links."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[web.AbstractRouteDef]:
        """What to add to the web server."""
        return [web.get("/media/{token}", self._serve, allow_head=False)]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        try:
            ref = self._site.media_links.read(request.match_info["token"], self._site.clock.seconds())
        except Rejected as error:
            raise web.HTTPNotFound(text=f"{error}\n") from None
        supervisor = self._site.apps.get(ref.app)
        if supervisor is None or not isinstance(supervisor.app.bridge, SupportsMedia):
            raise web.HTTPNotFound(text="no app here has this file\n")
        # Whatever it claims to be, a browser that follows the link must not run it.
        response = web.StreamResponse(
            headers={
                "X-Content-Type-Options": "nosniff",
                "Content-Security-Policy": "sandbox; default-src 'none'",
                "Content-Disposition": "attachment",
            }
        )
        chunks = supervisor.app.bridge.media(ref)
        try:
            async for chunk in chunks:
                if not response.prepared:
                    response.content_type = ref.mime or _type_of(chunk)
                    await response.prepare(request)
                await response.write(chunk)
        except SendFailed as error:
            log.warning("a file could not be fetched", app=ref.app, error=str(error))
            if not response.prepared:
                raise web.HTTPBadGateway(text="the file cannot be had from its network now\n") from None
            # The headers are out: break the connection, so that nobody takes a part for the whole.
            response.force_close()
            if request.transport:
                request.transport.abort()
            return response
        if not response.prepared:
            await response.prepare(request)
        await response.write_eof()
        return response


def _type_of(start: bytes) -> str:
    """The MIME type that the first bytes of a file show: Messenger and Instagram do not tell it, WhatsApp wants it."""
    if start[4:8] == b"ftyp":  # puremagic leaves open which of its kinds an MP4 file is
        return "audio/mp4" if start[8:11] == b"M4A" else "video/mp4"
    try:
        found = puremagic.from_string(start, mime=True) or UNKNOWN
    except (puremagic.PureError, ValueError):
        return UNKNOWN
    return "audio/ogg" if found == "application/ogg" else found
