"""The web server itself: one port, all routes, an orderly end."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiohttp import web

from gearmesh.errors import ConfigInvalid
from gearmesh.web.health import Health
from gearmesh.web.media import MediaFiles
from gearmesh.web.paths import Paths
from gearmesh.web.site import Site
from gearmesh.web.webhooks import Webhooks

log = structlog.get_logger("gearmesh.web")

MOUNTED_BODY: Final = 128 * 1024 * 1024
"""Bytes, for routes that a command mounts. Of our own routes only webhooks read bodies, with a limit of their own."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """Serves a site. `mount` may add routes behind the daemon's own."""

    def __init__(self, site: Site, mount: Callable[[web.Application], None] | None = None) -> None:
        self._site = site
        self._paths = Paths(site)
        self.app = web.Application(client_max_size=MOUNTED_BODY, middlewares=[_errors])
        for part in (Webhooks(site), Health(site), MediaFiles(site), self._paths):
            self.app.add_routes(part.routes())
        if mount:
            mount(self.app)
        # No access log: a request's query can hold tokens. Webhooks are counted, failures are logged.
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=2.0)

    async def start(self, host: str, port: int) -> str:
        """Listen, and return the URL.

        Raises:
            ConfigInvalid: the port is taken, or not ours to take.
        """
        await self._paths.start()
        await self._runner.setup()
        try:
            site = web.TCPSite(self._runner, host, port)
            await site.start()
        except OSError as error:
            await self.stop()
            raise ConfigInvalid(
                [f"web.port: cannot listen on {host}:{port} ({_why(error)}); choose another port with --port"]
            ) from None
        address = self._runner.addresses[0]
        shown = "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host
        return f"http://{shown}:{address[1]}"

    async def stop(self) -> None:
        """Finish the requests in hand and close."""
        await self._paths.stop()
        await self._runner.cleanup()


def _why(error: OSError) -> str:
    # asyncio wraps the reason in a sentence with the address, which stands beside it already.
    return os.strerror(error.errno) if error.errno else str(error)


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except ConnectionError:
        raise
    except Exception:
        log.exception("a request failed", path=request.path)
        raise web.HTTPInternalServerError(text="this failed; the log says why\n") from None
