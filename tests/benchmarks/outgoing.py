"""The sending side of one app, with a bridge that answers at once: egress alone, without HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar, TypeVar

import msgspec

from gearmesh.bridge import Bridge
from gearmesh.bus.connection import Connection
from gearmesh.bus.consumer import Handler, PinnedConsumer, Taken
from gearmesh.bus.journal import Journal
from gearmesh.bus.ledger import Ledger
from gearmesh.bus.media import MediaStore
from gearmesh.bus.precedence import Precedence
from gearmesh.bus.publisher import Publisher, Stored
from gearmesh.bus.store import Store
from gearmesh.bus.streams import LATER, LEDGER, OUT, ensure_all
from gearmesh.clock import Clock
from gearmesh.errors import BusError, BusUnavailable
from gearmesh.host.app import App, Shared
from gearmesh.host.directory import Directory
from gearmesh.host.egress import Egress
from gearmesh.host.engine import egress_of
from gearmesh.host.evidence import Evidence
from gearmesh.host.files import FileRecord, Files
from gearmesh.host.groups import Groups
from gearmesh.host.media_links import MediaLinks
from gearmesh.host.message_map import MessageMap
from gearmesh.host.notifier import Notifier
from gearmesh.host.quotes import Quotes
from gearmesh.host.receipts import Receipts
from gearmesh.host.records import Conversations, Portals
from gearmesh.host.supervisor import ACK_WAIT, MOST_UNACKNOWLEDGED
from gearmesh.host.turn import Turn
from gearmesh.host.underway import Underway
from gearmesh.media.workshop import Workshop
from gearmesh.metrics import Metrics
from gearmesh.model.address import Address
from gearmesh.model.capabilities import Capabilities, Limit
from gearmesh.model.content import MediaRef, Sender, Text
from gearmesh.model.conversation import Conversation, dm_id
from gearmesh.model.delivery import Delivery, Sent
from gearmesh.model.envelope import Envelope, Header
from gearmesh.wire.body import close_body
from gearmesh.wire.codec import encode
from gearmesh.wire.times import TIMES
from hops import SUBJECTS

APP = "instagram"
BODY = close_body(Text("hello " * 60, Sender("Ada Lovelace", "ada", "WhatsApp")))
"""About as many bytes as the bodies in `hops`."""
CAN = Capabilities(Limit(1000, "bytes", "Instagram's"))


class NoConfig(msgspec.Struct, frozen=True):
    """Nothing to configure."""


class InstantBridge(Bridge):
    """A network that says yes at once."""

    network: ClassVar[str] = "instant"
    title: ClassVar[str] = "Instant"
    api: ClassVar[int] = 1
    Config: ClassVar[type[msgspec.Struct]] = NoConfig

    def __init__(self) -> None:
        self.sent = 0

    def capabilities(self, thread: str) -> Capabilities:
        """Text alone."""
        return CAN

    def parse_address(self, text: str) -> str:
        """As it is."""
        return text

    def format_address(self, user: str) -> str:
        """As it is."""
        return user

    async def run(self) -> None:
        """Nothing comes in."""

    async def send(self, delivery: Delivery) -> Sent:
        """Yes, under an id that looks like one of Meta's."""
        self.sent += 1
        return Sent((f"aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOjE3ODQxNDA1Mz{100_000_000_000 + self.sent}",))


class ObservedBridge(InstantBridge):
    """Calls `answer` with each delivery before it says yes. That may raise."""

    def __init__(self) -> None:
        super().__init__()
        self.answer: Callable[[Delivery], None] = lambda delivery: None

    async def send(self, delivery: Delivery) -> Sent:
        """Yes, unless `answer` says otherwise."""
        self.answer(delivery)
        return await super().send(delivery)


class Outgoing:
    """An app's egress and the consumer that feeds it."""

    def __init__(self, connection: Connection, publisher: Publisher, *, recipient_every: float | None = None) -> None:
        self.connection = connection
        self.publisher = publisher
        self.bridge = self.make_bridge()
        self.body = BODY
        self.egress = _egress(connection, publisher, self.bridge, recipient_every)
        self.consumer = PinnedConsumer(
            connection,
            stream=SUBJECTS.stream(OUT),
            name=f"egress-{APP}",
            subject=SUBJECTS.outbound_of(APP),
            handler=self.handler,
            on_turn=self._turn,
            max_ack_pending=MOST_UNACKNOWLEDGED,
            ack_wait=ACK_WAIT,
            alone=True,
        )
        self.egress.give_back = self.consumer.end_turn

    def make_bridge(self) -> InstantBridge:
        """The network at the other end."""
        return InstantBridge()

    @property
    def handler(self) -> Handler:
        """What the consumer calls with each leg."""
        return self.egress.take

    async def fill(self, legs: int, recipient: Callable[[int], int]) -> None:
        """Put legs into the outbound log as the router would, to the recipients that `recipient` names by number."""
        for number in range(legs):
            await self.put(recipient(number))
            if number % 256 == 0:
                await self.publisher.drain()  # what we have in hand must not be the memory that is measured
        await self.publisher.drain()

    async def put(self, recipient: int) -> str:
        """Put one leg into the log, and return the id under which it stands there."""
        sender, target = Address("whatsapp", f"49151{recipient:08d}"), Address(APP, self.user(recipient))
        conversation, now = dm_id(sender, target), time.time_ns() // 1000
        header = Header(os.urandom(16), "event", sender, (target,), conversation, now // 1000, hops=("bench/whatsapp",))
        leg = f"{header.hex_id}:{APP}"
        headers = {"Nats-Msg-Id": leg, TIMES: f"{now},{now},{now}"}
        subject = SUBJECTS.outbound(APP, conversation)
        await self.publisher.send(subject, encode(Envelope(header, self.body)), headers, _stored)
        return leg

    @staticmethod
    def user(recipient: int) -> str:
        """The user id of a recipient."""
        return f"17841405{recipient:09d}"

    async def pause(self, seconds: float) -> None:
        """Let nats-server give out nothing for so long; 0: let it go on."""
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
        subject = f"$JS.API.CONSUMER.PAUSE.{SUBJECTS.stream(OUT)}.{self.consumer.name}"
        request = json.dumps({"pause_until": until} if seconds else {}).encode()
        answer = json.loads((await self.connection.client.request(subject, request, timeout=5)).data)
        if "error" in answer:
            raise RuntimeError(str(answer["error"]))

    async def acknowledged(self, legs: int) -> None:
        """Wait until so many legs, the first of the log, are done with."""
        stream, name = SUBJECTS.stream(OUT), self.consumer.name
        while True:
            floor = (await self.connection.js.consumer_info(stream, name)).ack_floor
            if floor and floor.stream_seq >= legs:
                return
            await asyncio.sleep(0.02)

    async def _turn(self, begins: bool) -> None:
        if begins:
            await self.egress.begin(Turn())
        else:
            self.egress.end()


class Observed(Outgoing):
    """One that calls `on_taken` with each leg, and counts those `taken`. Its `network` can be told to fail."""

    network: ObservedBridge

    def __init__(self, connection: Connection, publisher: Publisher, *, recipient_every: float | None = None) -> None:
        self.taken = 0
        self.on_taken: Callable[[Taken], None] = lambda taken: None
        super().__init__(connection, publisher, recipient_every=recipient_every)

    def make_bridge(self) -> InstantBridge:
        """One that can be told what to say."""
        self.network = ObservedBridge()
        return self.network

    @property
    def handler(self) -> Handler:
        """Tell of each leg, too."""
        return self.take

    async def take(self, taken: Taken) -> None:
        """Take one leg."""
        self.on_taken(taken)
        await self.egress.take(taken)
        self.taken += 1


Side = TypeVar("Side", bound=Outgoing)


@asynccontextmanager
async def outgoing(
    connection: Connection,
    publisher: Publisher,
    *,
    recipient_every: float | None = None,
    kind: type[Side],
) -> AsyncIterator[Side]:
    """An egress at work, with empty logs: nothing was begun or sent before."""
    for stream in (
        SUBJECTS.stream(OUT),
        SUBJECTS.stream(LEDGER),
        SUBJECTS.stream(LATER),
        f"KV_{SUBJECTS.bucket('map')}",
        f"KV_{SUBJECTS.bucket('sends')}",
    ):
        await connection.js.delete_stream(stream)
    await ensure_all(connection, SUBJECTS)
    side = kind(connection, publisher, recipient_every=recipient_every)
    await side.consumer.ensure()
    running = asyncio.create_task(side.consumer.run())
    try:
        while not side.consumer.active:
            await asyncio.sleep(0.01)
        yield side
    finally:
        await side.egress.drain(5.0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def _egress(
    connection: Connection, publisher: Publisher, bridge: InstantBridge, recipient_every: float | None
) -> Egress:
    metrics, clock, key = Metrics(), Clock(), os.urandom(32)
    messages = MessageMap(connection, publisher, SUBJECTS)
    groups = Groups(connection, Store(connection, publisher, SUBJECTS.bucket("groups"), Conversation), SUBJECTS)
    shared = Shared(
        publisher,
        Journal(connection, publisher, SUBJECTS, metrics),
        Ledger(connection, publisher, SUBJECTS, metrics),
        SUBJECTS,
        Directory(connection, publisher, SUBJECTS),
        Conversations(Store(connection, publisher, SUBJECTS.bucket("conversations"), Conversation), groups),
        messages,
        Notifier(publisher, SUBJECTS, broker="bench", key=key),
        MediaLinks(key, "https://bench.example"),
        metrics,
        clock,
        key,
        {APP: bridge},
        _files(connection, publisher, bridge),
        groups,
    )
    portals = Portals(connection, publisher, SUBJECTS, APP)
    app = App(APP, bridge, portals, shared, 86_400.0, "resend", 3.0, None, recipient_every)
    underway = Underway()
    evidence = Evidence(connection, publisher, SUBJECTS, APP, messages, underway, clock)
    egress, _ = egress_of(app, connection, evidence, Receipts(app), underway, Quotes(app))
    return egress


def _files(connection: Connection, publisher: Publisher, bridge: InstantBridge) -> Files:
    """None come in here: nothing is fetched, and no process started."""
    records = Store(connection, publisher, SUBJECTS.bucket("files"), FileRecord)
    store = MediaStore(connection, publisher, SUBJECTS, Precedence(connection))
    return Files(store, records, {APP: bridge}, {APP}, _nowhere, Workshop(0), Path("none"), max_size=0, links=False)


async def _nowhere(ref: MediaRef) -> str:
    raise BusUnavailable(f"nobody has files of {ref.app}")


async def _stored(result: Stored | BusError) -> None:
    if isinstance(result, BusError):
        raise result
