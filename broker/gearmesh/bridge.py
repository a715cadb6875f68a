"""The contract between Gearmesh and one network.

A bridge translates: native input into events, deliveries into native messages. It never sees NATS, conversations or
other networks. Required is small; every further ability is a protocol of its own, and a bridge has it by having the
methods.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Protocol, runtime_checkable

import msgspec

from gearmesh.model.capabilities import Capabilities
from gearmesh.model.content import MediaRef, Sender
from gearmesh.model.delivery import Delivery, ReceiptDelivery, Sent
from gearmesh.model.events import Event
from gearmesh.model.person import Profile

if TYPE_CHECKING:
    import aiohttp
    import structlog

API: Final = 1
"""The version of this contract. It grows when a bridge written for the last one would break."""
RECALLED_MOST: Final = 200_000
"""Things that `BridgeContext.recall_all` gives at once."""

Status = Literal["starting", "standby", "connected", "reconnecting", "unauthorized", "failed", "stopped"]


class BridgeContext(Protocol):
    """What Gearmesh gives a bridge. One per app."""

    @property
    def app(self) -> str:
        """The app's name in the configuration."""

    @property
    def log(self) -> structlog.typing.FilteringBoundLogger:
        """A logger that carries the app's name."""

    @property
    def http(self) -> aiohttp.ClientSession:
        """A shared HTTP session, open until after `run` has ended. It has a timeout of 30 s."""

    async def receive(self, *events: Event) -> None:
        """Take native input in. Returns when all of it is stored; events of one thread keep their order.

        What came together is best handed over together: a hundred messages of a thread take little longer than one.

        Raises:
            BusUnavailable: not stored; the network must be told so that it sends again, or the bridge must keep it.
        """

    async def status(self, status: Status, detail: str = "") -> None:
        """Tell operators how the connection is."""

    def now(self) -> float:
        """Seconds since the epoch."""

    def media_link(self, ref: MediaRef) -> str:
        """A link, public and expiring, under which a network can fetch this file; "" when no public URL is set."""

    def media(self, ref: MediaRef) -> AsyncIterator[bytes]:
        """The bytes of a file that is to be sent, in pieces, for a network that takes uploads.

        Raises:
            Rejected: it is not kept any more.
            Retry: it cannot be had now.
        """

    async def keep(self, key: str, value: str) -> None:
        """Write something down for this app, for good; "" forgets it. Whoever works on the app later can read it.

        A key of up to 2,400 bytes is taken in any case.

        Raises:
            BusUnavailable: it is not written down.
            Malformed: its key is too long to be written.
        """

    async def recall(self, key: str) -> str:
        """What was kept for this app under a key; "" where nothing was.

        Raises:
            BusUnavailable: nats does not answer.
        """

    async def recall_all(self, group: str = "") -> Mapping[str, str]:
        """Everything that was kept for this app, by key: to be read once, when the bridge begins to run.

        A key's `group` is what stands in it before its first slash: with one, only what is kept in it is read. Where
        there is more than `RECALLED_MOST`, these are the newest; the rest is known to `recall` alone.

        Raises:
            BusUnavailable: nats does not answer.
        """


class Bridge(ABC):
    """One app's network. Constructed once, before anything connects; construction does no I/O."""

    network: ClassVar[str]
    """The name in `bridge = "…"`: letters, digits, dash; unique among all plugins."""

    title: ClassVar[str]
    """What people call the network, such as "WhatsApp"."""

    api: ClassVar[int]
    """The version of the contract that it was written for: set it to the number, not to `API`."""

    in_order: ClassVar[bool] = True
    """Whether the events of a thread come in the order in which they happened, also after an outage. Where they do not,
    late ones are held for a moment and sorted by `at`, which must then be in milliseconds."""

    at_once: ClassVar[int] = 1
    """How many messages to one thread may be on their way at once. With more than one, `send` is called for the next
    before it has returned for those before, in order. They must arrive in that order, each once. After one that may be
    sent again (`Retry`, `RateLimited`, `Unclear`) nothing may have arrived: it would stand before it, so it has to
    fail, too. That is so where one connection carries them one after the other. One that is `Rejected` leaves the
    others as they are."""

    Config: ClassVar[type[msgspec.Struct]]
    """The bridge's keys under `[apps.<name>]`. Fields of type `Secret` are read from `env:` and `file:`."""

    def __init__(self, config: Any, context: BridgeContext) -> None:
        self.config = config
        self.context = context

    @abstractmethod
    def capabilities(self, thread: str) -> Capabilities:
        """What this thread can show. Called for every message: answer from memory."""

    @abstractmethod
    def parse_address(self, text: str) -> str:
        """The user id that a person means who types `@app:text`, in its one canonical form.

        Raises:
            InvalidAddress: no user of this network can be meant.
        """

    @abstractmethod
    def format_address(self, user: str) -> str:
        """A user id as people like to read it."""

    @abstractmethod
    async def run(self) -> None:
        """Connect, and pump native input until cancelled. Called again, with growing pauses, when it raises.

        A bridge that only waits for webhooks checks its credentials here and then returns or waits. Report
        `context.status("connected")` once the connection works: the app counts as starting until then.

        Raises:
            Unauthorized: the credentials do not work; the app stops until it is started again.
        """

    @abstractmethod
    async def send(self, delivery: Delivery) -> Sent:
        """Send one part, already fitted to `capabilities`. Called in order for each thread, at once for several.

        A task may call it for one part after another, so a context variable that is set here must be set back.

        Raises:
            SendFailed: one of its classes, which says what happens next. Any other exception counts as `Unclear`.
        """

    def thread_of(self, user: str) -> str:
        """The thread in which this user is written to, as `thread` in their own direct messages' events.

        Networks with one thread per person keep this as it is.
        """
        return user


class WebhookRequest(msgspec.Struct, frozen=True):
    """An HTTP request to `/webhooks/<app>`. Header names are lower case; `body` is exactly what came."""

    method: Literal["GET", "POST"]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class WebhookResponse(msgspec.Struct, frozen=True):
    """The answer to a webhook. `outcome` is counted: "accepted", "verified", "forged", "refused"."""

    status: int = 200
    body: str = ""
    outcome: str = "accepted"


@runtime_checkable
class SupportsWebhook(Protocol):
    """Input comes as HTTP requests to `/webhooks/<app>`, 3 MB at most."""

    async def webhook(self, request: WebhookRequest) -> WebhookResponse:
        """Verify, translate, `await context.receive(...)`, answer. `BusUnavailable` is answered with 503."""


@runtime_checkable
class SupportsProfiles(Protocol):
    """Names and pictures of users can be looked up."""

    async def profile(self, user: str) -> Profile:
        """What the network tells about a user; an empty profile when it tells nothing.

        Raises:
            SendFailed: the question failed; it is asked again with a later message.
        """


@runtime_checkable
class SupportsRooms(Protocol):
    """Threads can be rooms, in which many people write to each other. One stands for all who are in it: what is said
    in a conversation goes to a room once, with the room as both `thread` and `user` of the delivery."""

    def parse_room(self, text: str) -> str:
        """The thread of the room that an operator means who writes `app:text`, in its one canonical form.

        Raises:
            InvalidAddress: no room of this network can be meant.
        """

    def is_room(self, thread: str) -> bool:
        """Whether this thread is a room. Answer from memory, of every thread that ever stood in an event."""

    async def sit_in(self, rooms: Collection[str]) -> None:
        """Be in these rooms and in no others: they are the ones that are linked to a conversation. Of others nothing
        comes in, and what is sent there raises `Rejected`, or `Retry`.

        Called before `run`, and whenever others are linked. It returns at once, connected or not: the rooms are
        entered as soon as that is possible, and again after each reconnect.
        """


@runtime_checkable
class SupportsGhosts(Protocol):
    """Senders from other networks can appear under their own name."""

    async def ghost(self, thread: str, sender: Sender) -> str:
        """The id under which `send` shows this sender; "" where it cannot, so that the text names them instead."""


@runtime_checkable
class SupportsReactions(Protocol):
    """A message can be reacted to, with the feature `reaction` among the capabilities."""

    async def react(self, delivery: Delivery) -> Sent:
        """Show the `Reaction` in `delivery.content` at the message `delivery.target`, or take it away there.

        `Sent` has the ids of it, where the network gives any.

        Raises:
            SendFailed: as for `Bridge.send`; on `Rejected` the reaction goes out in words.
        """


@runtime_checkable
class SupportsEdit(Protocol):
    """A message can be changed afterwards, with the feature `edit` among the capabilities."""

    async def edit(self, delivery: Delivery) -> Sent:
        """Let the message `delivery.target` say what the `Edit` in `delivery.content` says. Fitted as for `send`.

        Raises:
            SendFailed: as for `Bridge.send`; on `Rejected` the change goes out in words.
        """


@runtime_checkable
class SupportsRedaction(Protocol):
    """A message can be taken back, with the feature `redaction` among the capabilities."""

    async def redact(self, delivery: Delivery) -> Sent:
        """Take all native messages in `delivery.target` away.

        Raises:
            SendFailed: as for `Bridge.send`; on `Rejected` a line says that it was taken back.
        """


@runtime_checkable
class SupportsTyping(Protocol):
    """The person can be shown that somebody is writing to them."""

    async def typing(self, thread: str, user: str, on: bool, last: str) -> None:
        """Show it, or that it is over. `last` is the native id of the newest message from there, or "".

        Failures are logged and forgotten: it is never tried again.
        """


@runtime_checkable
class SupportsReceipts(Protocol):
    """The person who wrote can be shown that their message arrived or was read."""

    async def receipt(self, delivery: ReceiptDelivery) -> None:
        """Show it. Failures are logged and forgotten: a receipt is never tried again."""


@runtime_checkable
class SupportsInvitations(Protocol):
    """Somebody whose messaging window is closed can be asked to open it."""

    async def invite(self, delivery: Delivery) -> Sent | None:
        """Tell the recipient of `delivery`, which itself is not sent, that its sender wrote to them.

        None: the operator has configured no way to do so. Called once for each time that the window closes.

        Raises:
            SendFailed: it was not sent; the message waits all the same.
        """


@runtime_checkable
class SupportsReplay(Protocol):
    """Input that was kept as a dead letter can be read again, by a release that understands it."""

    def replay(self, raw: bytes) -> Sequence[Event]:
        """The events in `Unparsed.raw`. What is still not understood comes out as `Unparsed` with the same bytes."""


@runtime_checkable
class SupportsMedia(Protocol):
    """Files that arrived here can be fetched by their `MediaRef`."""

    def media(self, ref: MediaRef) -> AsyncIterator[bytes]:
        """The bytes of a file, in chunks, as they come: whoever asks bounds their number, and stores them.

        Raises:
            SendFailed: it is gone (`Rejected`), or not to be had now (`Retry`, `RateLimited`: asked again soon).
            FileTooLarge: the network says that it is larger than this bridge fetches.
        """
