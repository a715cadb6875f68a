"""What the pages of the web server know of the daemon."""

from __future__ import annotations

from gearmesh.bus.connection import Connection
from gearmesh.bus.journal import Journal
from gearmesh.bus.publisher import Publisher
from gearmesh.clock import Clock
from gearmesh.host.files import Files
from gearmesh.host.media_links import MediaLinks
from gearmesh.host.supervisor import Supervisor
from gearmesh.metrics import Metrics
from gearmesh.router import Router
from gearmesh.wire.subjects import Subjects


class Site:
    """The daemon as the web server sees it.

    `elsewhere` are apps that other processes run, and `router` is None where another one routes. `broken` are apps that
    could not start, and why. `draining`: it is shutting down and takes nothing in any more.
    """

    def __init__(
        self,
        *,
        connection: Connection,
        publisher: Publisher,
        journal: Journal,
        subjects: Subjects,
        metrics: Metrics,
        media_links: MediaLinks,
        files: Files,
        clock: Clock,
        apps: dict[str, Supervisor],
        elsewhere: frozenset[str],
        router: Router | None,
        broken: dict[str, str],
    ) -> None:
        self.connection = connection
        self.publisher = publisher
        self.journal = journal
        self.subjects = subjects
        self.metrics = metrics
        self.media_links = media_links
        self.files = files
        self.clock = clock
        self.apps = apps
        self.elsewhere = elsewhere
        self.router = router
        self.broken = broken
        self.draining = False
