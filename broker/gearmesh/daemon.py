"""The composition root: builds everything, starts it in order, and takes it down in order.

nats ─▶ streams ─▶ publisher ─▶ directory ─▶ router, apps ─▶ web       up
web refuses ─▶ apps finish ─▶ router ─▶ publisher empty ─▶ nats        down
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Callable, Collection, Coroutine, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import aiohttp
import structlog
from aiohttp import web

from gearmesh.bridge import Bridge, SupportsRooms
from gearmesh.bus.connection import Access, Connection
from gearmesh.bus.embedded import EmbeddedServer, access_of
from gearmesh.bus.journal import Journal
from gearmesh.bus.lease import Holder, Lease
from gearmesh.bus.ledger import Ledger
from gearmesh.bus.media import MediaStore
from gearmesh.bus.members import Members
from gearmesh.bus.precedence import Precedence
from gearmesh.bus.publisher import Publisher
from gearmesh.bus.store import Store
from gearmesh.bus.streams import ensure_all
from gearmesh.clock import Clock
from gearmesh.config import NATIVE, Config, ConfiguredApp, ConversationConfig, NatsConfig
from gearmesh.errors import BusUnavailable, InvalidAddress
from gearmesh.host.app import App, Shared
from gearmesh.host.connector import GuardedConnector
from gearmesh.host.context import HostContext
from gearmesh.host.directory import Directory
from gearmesh.host.door import ask_for_file
from gearmesh.host.files import FileRecord, Files
from gearmesh.host.groups import Groups, Seed
from gearmesh.host.media_links import MediaLinks
from gearmesh.host.message_map import MessageMap
from gearmesh.host.notifier import Notifier
from gearmesh.host.records import Conversations, Portals
from gearmesh.host.supervisor import AppStatus, Supervisor
from gearmesh.media.workshop import Workshop
from gearmesh.metrics import Metrics
from gearmesh.model.address import Address
from gearmesh.model.conversation import Conversation
from gearmesh.router import Router
from gearmesh.web.server import Server
from gearmesh.web.site import Site
from gearmesh.wire.subjects import Subjects, kv_token

log = structlog.get_logger("gearmesh.daemon")

HTTP_TIMEOUT: Final = aiohttp.ClientTimeout(total=30)
HTTP_CONNECTIONS: Final = 256
KEY_BYTES: Final = 32
FLUSH_WITHIN: Final = 5.0
OBJECTS_BEFORE_COLLECTING: Final = 20_000
"""More than what is on its way at once makes: the most of it goes by itself when it is done with."""


class Daemon:
    """One Gearmesh. Use as an async context manager: inside, everything runs."""

    def __init__(
        self,
        config: Config,
        data: Path,
        *,
        mount: Callable[[web.Application], None] | None = None,
        clock: Clock | None = None,
        only: Collection[str] = (),
    ) -> None:
        """`only` names the parts that this process runs: `router`, `app:<name>`; all of them without it."""
        self.config = config
        self._only = frozenset(only)
        self.url = ""
        self.apps: dict[str, Supervisor] = {}
        self.connection: Connection
        self._broken = dict(config.broken)
        self._data = data
        self._mount = mount
        self._clock = clock or Clock()
        self._subjects = Subjects(config.nats.prefix)
        self._stack = AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Daemon:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def failed(self) -> str:
        """Wait until the daemon cannot go on by itself, and say why."""
        connections = (self.connection, self._files_connection)
        closed = [asyncio.create_task(connection.closed.wait()) for connection in connections]
        try:
            done, _ = await asyncio.wait([*closed, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiting in closed:
                waiting.cancel()
        if not done.isdisjoint(closed):
            return "nats has closed the connection for good; its log says why"
        ended = next(iter(done))
        return f"{ended.get_name()} ended, which it never should: {ended.exception()!r}"

    async def _start(self) -> None:
        config, stack = self.config, self._stack
        access = await self._nats(config.nats)
        self.connection = connection = await Connection.open(access, f"gearmesh {config.broker.name}")
        stack.push_async_callback(connection.close)
        replicas, room = config.nats.replicas, config.media.max_store
        await ensure_all(connection, self._subjects, replicas=replicas, max_store=room)
        publisher = await stack.enter_async_context(Publisher(connection))
        metrics = Metrics()
        journal = Journal(connection, publisher, self._subjects, metrics)
        key = await self._broker_key(publisher)
        media_links = MediaLinks(key, config.web.public_url)
        self._leases = Store(connection, publisher, self._subjects.bucket("leases"), Holder)
        store = Store(connection, publisher, self._subjects.bucket("conversations"), Conversation)
        bridges: dict[str, Bridge] = {}
        group_store = Store(connection, publisher, self._subjects.bucket("groups"), Conversation)
        groups = Groups(connection, group_store, self._subjects)
        await groups.open()
        stack.push_async_callback(groups.close)
        files = await self._files(access, publisher, bridges)
        shared = Shared(
            publisher,
            journal,
            Ledger(connection, publisher, self._subjects, metrics),
            self._subjects,
            Directory(connection, publisher, self._subjects),
            Conversations(store, groups),
            MessageMap(connection, publisher, self._subjects),
            Notifier(publisher, self._subjects, broker=config.broker.name, key=key),
            media_links,
            metrics,
            self._clock,
            key,
            bridges,
            files,
            groups,
        )
        for name, reason in config.broken.items():
            log.error("this app cannot start; messages for it wait in the log", app=name, reason=reason)
        for name, app in config.apps.items():
            await self._build(name, app, shared)
        for handle, person in config.people.items():
            addresses = tuple(Address.parse(address) for address in person.addresses)
            await shared.directory.seed(handle, person.name, addresses, receipts=person.receipts)
        seeds = {one.code: Seed(one.title or one.code, self._rooms_in(one, bridges)) for one in config.conversations}
        await groups.seed(seeds, bridges)
        router = await self._router(shared, store, group_store) if self._runs("router") else None
        for supervisor in self.apps.values():
            await supervisor.prepare()
        site = Site(
            connection=connection,
            publisher=publisher,
            journal=journal,
            subjects=self._subjects,
            metrics=metrics,
            media_links=media_links,
            files=files,
            clock=self._clock,
            apps=self.apps,
            elsewhere=frozenset(config.apps) - frozenset(self.apps) - frozenset(self._broken),
            router=router,
            broken=self._broken,
        )
        server = Server(site, self._mount)
        stack.push_async_callback(self._wind_down, site, server, publisher)
        # The web server first: a bridge may speak to something that is mounted on it.
        self.url = await server.start(config.web.host, config.web.port)
        if router:
            self._run(router.run(), "router")
        for name, supervisor in self.apps.items():
            self._run(supervisor.run(), f"app {name}")
        log.info("gearmesh is up", url=self.url, apps=sorted(self.apps))

    async def _files(self, access: Access, publisher: Publisher, bridges: dict[str, Bridge]) -> Files:
        connection, subjects, told = self.connection, self._subjects, self.config.media
        own = self._files_connection = await Connection.open(access, f"gearmesh {self.config.broker.name} files")
        self._stack.push_async_callback(own.close)
        carrier = await self._stack.enter_async_context(Publisher(own))
        files = Files(
            MediaStore(own, carrier, subjects, Precedence(connection)),
            Store(connection, publisher, subjects.bucket("files"), FileRecord),
            bridges,
            self.apps,
            lambda ref: ask_for_file(connection, subjects, ref),
            Workshop(2 * told.max_size),
            self._data / "media",
            max_size=told.max_size,
            links=told.links,
        )
        files.start()
        self._stack.push_async_callback(files.close)
        return files

    def _runs(self, part: str) -> bool:
        return not self._only or part in self._only

    def _rooms_in(self, conversation: ConversationConfig, bridges: Mapping[str, Bridge]) -> tuple[Address, ...]:
        rooms: list[Address] = []
        for text in conversation.rooms:
            room = Address.parse(text)
            bridge: object = bridges.get(room.app)
            try:
                if isinstance(bridge, SupportsRooms):
                    rooms.append(Address(room.app, bridge.parse_room(room.user)))
            except InvalidAddress as error:
                log.error("this room cannot be linked", conversation=conversation.code, room=text, error=str(error))
        return tuple(rooms)

    async def _router(self, shared: Shared, store: Store[Conversation], groups: Store[Conversation]) -> Router:
        config = self.config
        router = Router(
            shared.publisher,
            shared.journal,
            shared.ledger,
            store,
            self._subjects,
            broker=config.broker.name,
            apps={*config.apps, *config.broken, NATIVE},
            members=Members(self.connection, self._subjects.bucket("leases"), "router"),
            groups=groups,
        )
        await router.prepare()
        return router

    async def _nats(self, config: NatsConfig) -> Access:
        if config.url:
            return Access(config.url, config.seed, config.user, config.password, config.token, config.ca_file)
        folder = (Path(config.data) if config.data else self._data) / "nats"
        if self._only and (running := access_of(folder)):
            return running  # of the process that runs another part
        server = EmbeddedServer(folder, binary=config.binary)
        await server.start()
        self._stack.push_async_callback(server.stop)
        return server.access

    async def _broker_key(self, publisher: Publisher) -> bytes:
        """The key behind message ids and media links: made once per NATS, the same for every daemon there."""
        store = Store(self.connection, publisher, self._subjects.bucket("broker"), bytes)
        await store.create("key", os.urandom(KEY_BYTES))
        key = await store.get("key")
        if key is None or len(key) != KEY_BYTES:
            raise BusUnavailable(f"the bucket {self._subjects.bucket('broker')} does not hold the broker's key")
        return key

    async def _build(self, name: str, app: ConfiguredApp, shared: Shared) -> None:
        # Each app has connections of its own: one whose network hangs must not use up its neighbours'.
        lease = Lease(self.connection, self._leases, kv_token(name))
        # By the system's means, as it is set up: aiohttp would take aiodns, which a plugin may bring along.
        resolver = aiohttp.ThreadedResolver()
        connector = GuardedConnector(lambda: lease.valid, limit=HTTP_CONNECTIONS, resolver=resolver)
        http = await self._stack.enter_async_context(aiohttp.ClientSession(timeout=HTTP_TIMEOUT, connector=connector))
        kept = Store(self.connection, shared.publisher, self._subjects.bucket("kept"), str)
        context = HostContext(name, http, self._clock, shared.media_links, kept, shared.files)
        try:
            bridge = app.bridge(app.settings, context)
        except Exception as error:
            log.exception("the bridge cannot be made; the other apps start without it", app=name)
            self._broken[name] = f"the bridge cannot be made: {type(error).__name__}: {error}"
            return
        shared.bridges[name] = bridge
        if not self._runs(f"app:{name}"):
            return
        portals = Portals(self.connection, shared.publisher, self._subjects, name)
        statuses = Store(self.connection, shared.publisher, self._subjects.bucket("apps"), AppStatus)
        told = app.config
        hosted = App(
            name,
            bridge,
            portals,
            shared,
            told.max_age,
            told.on_unclear,
            told.unclear_wait,
            told.rate,
            told.recipient_every,
        )
        self.apps[name] = Supervisor(hosted, context, self.connection, statuses, lease)

    def _run(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))

    async def _wind_down(self, site: Site, server: Server, publisher: Publisher) -> None:
        site.draining = True
        await asyncio.gather(*(app.drain(self.config.broker.drain) for app in self.apps.values()))
        if site.router:
            await site.router.leave()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await server.stop()
        try:
            async with asyncio.timeout(FLUSH_WITHIN):
                await publisher.drain()
        except TimeoutError:
            log.warning("nats has not answered everything; what the networks were not told is sent again by them")


def spare_collector() -> None:
    """Spare the collector of cycles what it would look through in vain; call it once, when everything is in place.

    What is there then stays: modules, mostly. To look through it again and again cost a leg a fifth of its time; to
    look through what is on its way whenever there are 700 objects more, another tenth (tests/benchmarks/legs.py).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BEFORE_COLLECTING)


async def serve(
    config: Config,
    data: Path,
    *,
    mount: Callable[[web.Application], None] | None = None,
    ready: Callable[[str], None] | None = None,
    only: Collection[str] = (),
) -> int:
    """Run a daemon until SIGTERM or SIGINT, and drain it. Returns the exit status: 0, or 1 when it could not go on."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    async with Daemon(config, data, mount=mount, only=only) as daemon:
        if ready:
            ready(daemon.url)
        spare_collector()
        stop = asyncio.create_task(told.wait())
        failure = asyncio.create_task(daemon.failed())
        done, pending = await asyncio.wait({stop, failure}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        if failure in done:
            log.error(failure.result())
            return 1
        log.info("told to stop; finishing what is on its way")
    return 0
