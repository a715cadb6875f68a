"""The sandbox put together and hung into an aiohttp application."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Final

import aiohttp
from aiohttp import web

from .appearances import Appearances
from .changes import Changes
from .clock import Clock
from .control.answers import answered
from .control.changes import ChangesControl
from .control.faults import FaultsControl
from .control.files import FilesControl
from .control.messages import MessagesControl
from .control.observation import ObservationControl
from .control.phones import PhonesControl
from .exchange import Exchange, Recognise
from .faults import Faults
from .feed import Feed
from .graph.endpoint import Graph
from .graph.throttle import Throttle
from .graph.world import World
from .identifiers import Identifiers
from .link_fetcher import LinkFetcher
from .media import MediaStore
from .phones import PhoneBook
from .settings import Network, Settings
from .subscriptions import Subscriptions
from .webhooks.courier import Courier
from .webhooks.event import Dialect
from .webhooks.instagram import InstagramDialect
from .webhooks.lanes import Lanes
from .webhooks.messenger import MessengerDialect
from .webhooks.whatsapp import WhatsAppDialect

_DEFAULTS: Final = Settings()


class Sandbox:
    """WhatsApp, Messenger and Instagram as the business sees them, with phones for the people.

    All state is in here. `mount` once, on an application that has registered its own routes before: whatever it
    does not answer, and is not under `/sandbox/`, is a Graph call. The limits go by `monotonic` seconds, which no call
    moves: a client's own pauses do not follow the sandbox's clock. `recognise` names what the business could only put
    into words, from these words, for the page to say so; the sandbox itself knows of no business's words.
    """

    def __init__(
        self,
        settings: Settings = _DEFAULTS,
        *,
        clock: Clock | None = None,
        source: random.Random | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        recognise: Recognise = lambda text: "",
    ) -> None:
        self.settings = settings
        self.clock = clock or Clock()
        identifiers = Identifiers(source or random.Random())
        phones = PhoneBook()
        faults = Faults()
        subscriptions = Subscriptions(settings)
        throttle = Throttle(on=settings.limits, now=monotonic)
        media = MediaStore(self.clock, identifiers, settings.app_secret, settings.media_url_lifetime)
        dialects: dict[Network, Dialect] = {
            "whatsapp": WhatsAppDialect(settings),
            "messenger": MessengerDialect(settings),
            "instagram": InstagramDialect(settings),
        }
        self._links = LinkFetcher(settings)
        self._feed = Feed()
        self._courier = Courier(settings, subscriptions)
        self._lanes = Lanes(settings, self.clock, dialects, subscriptions, faults, self._courier)
        appearances = Appearances(settings.appearances)
        self._exchange = Exchange(
            settings, self.clock, identifiers, phones, dialects, self._lanes, self._feed, appearances, recognise
        )
        changes = Changes(settings, self.clock, phones, dialects, self._lanes, self._feed, self._exchange)
        self._graph = Graph(
            World(
                settings,
                self.clock,
                identifiers,
                phones,
                media,
                self._links,
                self._exchange,
                faults,
                subscriptions,
                throttle,
            )
        )
        self._phones = PhonesControl(settings, phones, self._exchange, identifiers)
        self._messages = MessagesControl(settings, self._phones, self._exchange, changes, media, self._links)
        self._changes = ChangesControl(settings, self._phones, self._exchange, changes, media)
        self._faults = FaultsControl(faults)
        self._files = FilesControl(settings, media, self._phones)
        recorder = self._graph.recorder
        self._observation = ObservationControl(
            self.clock, self._feed, recorder, self._lanes, self._courier, throttle, phones, appearances, faults, media
        )
        self._session: aiohttp.ClientSession | None = None

    def mount(self, app: web.Application) -> None:
        """Add the routes, Graph's catch-all last, and the start and end of delivery."""
        add = app.router.add_route
        phone = "/sandbox/phones/{network}/{user}"
        for method, path, handler in (
            ("GET", "/", self._files.index),
            ("GET", "/page/{file:.+}", self._files.page),
            ("GET", "/sandbox/phones", self._phones.get),
            ("POST", "/sandbox/phones", self._phones.post),
            ("GET", phone + "/messages", self._messages.get),
            ("POST", phone + "/messages", self._messages.post),
            ("POST", phone + "/read", self._messages.read),
            ("POST", phone + "/edit", self._changes.edit),
            ("POST", phone + "/unsend", self._changes.unsend),
            ("POST", phone + "/forward", self._changes.forward),
            ("POST", phone + "/tap", self._changes.tap),
            ("POST", phone + "/play", self._changes.play),
            ("POST", phone + "/number", self._changes.number),
            ("GET", "/sandbox/events", self._observation.events),
            ("GET", "/sandbox/shown", self._observation.shown),
            ("GET", "/sandbox/calls", self._observation.calls),
            ("GET", "/sandbox/state", self._observation.state),
            ("GET", "/sandbox/clock", self._observation.get_clock),
            ("POST", "/sandbox/clock", self._observation.set_clock),
            ("POST", "/sandbox/reset", self._observation.reset),
            ("GET", "/sandbox/faults", self._faults.get),
            ("POST", "/sandbox/faults", self._faults.post),
            ("DELETE", "/sandbox/faults", self._faults.delete),
            ("DELETE", "/sandbox/faults/{fault}", self._faults.delete_one),
            ("GET", "/sandbox/media/{media}", self._files.media),
            ("GET", "/sandbox/pictures/{network}/{user}.png", self._files.picture),
            ("GET", "/whatsapp_business/attachments/", self._files.protected),
            ("GET", "/ig_messaging_cdn/", self._files.open),
        ):
            add(method, path, answered(handler))
        add("*", "/sandbox/{rest:.*}", _no_such_control)
        add("*", "/{path:.*}", self._graph.handle)
        app.on_startup.append(self._start)
        app.on_shutdown.append(self._shut)
        app.on_cleanup.append(self._stop)

    async def _start(self, app: web.Application) -> None:
        # Lanes bound what is in flight; the pool need not do it a second time.
        connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        self._links.start(self._session)
        self._graph.app.start(self._session)
        self._courier.start(self._session)
        self._lanes.start()
        self._phones.seed()

    async def _shut(self, app: web.Application) -> None:
        # Streams and held calls would otherwise keep the server waiting for them.
        self._feed.close()
        self._graph.close()

    async def _stop(self, app: web.Application) -> None:
        self._exchange.close()
        await self._lanes.stop()
        await self._courier.stop()
        if self._session is not None:
            await self._session.close()


async def _no_such_control(request: web.Request) -> web.Response:
    error = f"{request.method} {request.path} is not part of the sandbox's control API; see SANDBOX.md"
    return web.json_response({"error": error}, status=404)


def build_app(settings: Settings = _DEFAULTS) -> web.Application:
    """An application that is nothing but the sandbox."""
    app = web.Application()
    Sandbox(settings).mount(app)
    return app
