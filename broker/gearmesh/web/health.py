"""`/healthz`, `/readyz` and `/metrics`.

Healthy: the process works (it may wait for NATS). Ready: NATS is there, what waited for it has gone
out, and every app is connected here, or stands by for another process that is at work on it.
"""

from __future__ import annotations

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gearmesh.web.site import Site


class Health:
    """What operators and their machines ask."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[web.AbstractRouteDef]:
        """What to add to the web server."""
        return [
            web.get("/healthz", self._healthz),
            web.get("/readyz", self._readyz),
            web.get("/metrics", self._metrics),
        ]

    async def _healthz(self, _: web.Request) -> web.Response:
        lost = self._site.connection.closed.is_set()
        return web.json_response(self._state() | {"status": "failed" if lost else "ok"}, status=503 if lost else 200)

    async def _readyz(self, _: web.Request) -> web.Response:
        connected = all(app.status.status in {"connected", "standby"} for app in self._site.apps.values())
        ready = connected and not self._site.broken and self._site.publisher.online and not self._site.draining
        return web.json_response(
            self._state() | {"status": "ready" if ready else "not ready"}, status=200 if ready else 503
        )

    async def _metrics(self, _: web.Request) -> web.Response:
        metrics = self._site.metrics
        metrics.nats_up.set(self._site.connection.is_up)
        metrics.waiting.labels("", "publisher").set(self._site.publisher.unanswered)
        for name, app in self._site.apps.items():
            metrics.waiting.labels(name, "lanes").set(app.egress.waiting)
            metrics.waiting.labels(name, "queues").set(app.egress.queued)
        return web.Response(body=generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    def _state(self) -> dict[str, object]:
        return {
            "nats": "connected" if self._site.connection.is_up else "away",
            "draining": self._site.draining,
            "partitions": self._site.router.active if self._site.router else [],
            "apps": {
                name: {"status": app.status.status, "detail": app.status.detail}
                for name, app in self._site.apps.items()
            }
            | {name: {"status": "failed", "detail": reason} for name, reason in self._site.broken.items()},
        }
