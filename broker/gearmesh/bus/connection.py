"""One connection to NATS: credentials, reconnects that lose nothing, and who is told about them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
import nats.errors
import structlog
from nats.aio.client import Client
from nats.js import JetStreamContext

from gearmesh.errors import BusUnavailable
from gearmesh.secret import Secret

log = structlog.get_logger("gearmesh.bus")

Listener = Callable[[], Awaitable[None]]
CONNECT_TIMEOUT: Final = 10.0
MESSAGE_OVERHEAD: Final = 16 * 1024
"""Bytes kept free for headers: nats-py checks the payload alone, and the server closes the connection on the sum."""


class Access(msgspec.Struct, frozen=True):
    """Where NATS is, and who we are there. At most one of seed, user with password, and token is set."""

    servers: tuple[str, ...]
    seed: Secret | None = None
    user: str = ""
    password: Secret | None = None
    token: Secret | None = None
    ca_file: str = ""


class Connection:
    """A nats-py client that stays up: it reconnects for ever, and publishers and consumers start afresh each time.

    `client` and `js` are nats-py's own. `closed` is set when the server threw us out for good.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self.js: JetStreamContext = client.jetstream(timeout=5)
        self.closed = asyncio.Event()
        self._on_lost: list[Listener] = []
        self._on_back: list[Listener] = []

    @classmethod
    async def open(cls, access: Access, name: str, *, timeout: float = CONNECT_TIMEOUT) -> Connection:
        """Connect.

        Raises:
            BusUnavailable: nothing answered within `timeout` seconds, or our credentials were refused.
        """
        connection = cls(Client())
        try:
            async with asyncio.timeout(timeout):
                await connection.client.connect(
                    servers=list(access.servers),
                    name=name,
                    error_cb=_log_error,
                    disconnected_cb=connection._lost,
                    reconnected_cb=connection._back,
                    closed_cb=connection._closed,
                    # With -1 the first connect never gives up either; the timeout around it does.
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=0.25,  # type: ignore[arg-type]  # seconds; nats-py's hint says int, its code takes any
                    ping_interval=10,
                    max_outstanding_pings=2,
                    tls=ssl.create_default_context(cafile=access.ca_file) if access.ca_file else None,
                    user=access.user or None,
                    password=access.password.reveal() if access.password else None,
                    token=access.token.reveal() if access.token else None,
                    nkeys_seed_str=access.seed.reveal() if access.seed else None,
                )
        except (TimeoutError, OSError, nats.errors.Error) as error:
            await connection.client.close()
            servers = ", ".join(access.servers)
            raise BusUnavailable(
                f"no NATS server at {servers} lets us in ({type(error).__name__}: {error}); is it running, are the "
                f"credentials right?"
            ) from None
        return connection

    @property
    def is_up(self) -> bool:
        """Whether we are connected now."""
        return self.client.is_connected

    @property
    def max_payload(self) -> int:
        """The most bytes that a message may have, its headers not counted."""
        return self.client.max_payload - MESSAGE_OVERHEAD

    def watch(self, *, lost: Listener | None = None, back: Listener | None = None) -> None:
        """Be told when the connection is lost, and when it is back."""
        if lost:
            self._on_lost.append(lost)
        if back:
            self._on_back.append(back)

    def unwatch(self, *, lost: Listener | None = None, back: Listener | None = None) -> None:
        """Be told no more."""
        if lost in self._on_lost:
            self._on_lost.remove(lost)
        if back in self._on_back:
            self._on_back.remove(back)

    async def close(self) -> None:
        """Say goodbye. What was published but not flushed is flushed first."""
        if not self.client.is_closed:
            try:
                async with asyncio.timeout(2):
                    if self.client.is_connected:
                        await self.client.flush()
            except (TimeoutError, nats.errors.Error):
                log.warning("nats did not take the last bytes before the connection was closed")
            await self.client.close()

    # An exception in one of nats-py's callbacks stops its reading or reconnecting: nothing may escape from these.

    async def _lost(self) -> None:
        # What nats-py still wants to write would overtake older messages that the publisher sends again.
        self.client._pending.clear()
        self.client._pending_data_size = 0
        if not self.client.is_closed:
            log.warning("connection to nats lost; trying again until it is back")
        await self._tell(self._on_lost)

    async def _back(self) -> None:
        log.info("connection to nats is back")
        await self._tell(self._on_back)

    async def _closed(self) -> None:
        self.closed.set()

    async def _tell(self, listeners: list[Listener]) -> None:
        for listener in tuple(listeners):
            try:
                await listener()
            except Exception:
                log.exception("a listener to the connection failed")


async def _log_error(error: Exception) -> None:
    # A server that is away is reported once by _lost; nats-py repeats it four times a second.
    if not isinstance(error, (OSError, nats.errors.UnexpectedEOF, nats.errors.StaleConnectionError)):
        log.warning("nats reports an error", error=f"{type(error).__name__}: {error}")
