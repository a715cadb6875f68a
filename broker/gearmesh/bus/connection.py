"""One connection to NATS: credentials, reconnects that lose nothing, and who is told about them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
import nats.errors
import nkeys
import structlog
from nats.aio.client import Client
from nats.js import JetStreamContext

from gearmesh.errors import BusUnavailable
from gearmesh.secret import Secret

log = structlog.get_logger("gearmesh.bus")

Listener = Callable[[], Awaitable[None]]
CONNECT_TIMEOUT: Final = 10.0
PAUSE: Final = 0.25
"""Seconds between attempts."""
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
        attempts = _Attempts(len(access.servers))
        tls = _tls(access.ca_file) if access.ca_file else None
        if access.seed:
            _check_seed(access.seed)
        connection = cls(Client())
        try:
            async with asyncio.timeout(timeout):
                while not await connection._connect(access, name, tls, attempts):
                    connection = cls(Client())
        except (TimeoutError, nats.errors.Error) as error:
            connection._drop_unwritten()
            await connection.client.close()
            raise BusUnavailable(
                f"no NATS server at {', '.join(access.servers)} lets us in ({attempts.trouble or error}); is it "
                f"running, are the credentials right?"
            ) from None
        attempts.over = True
        return connection

    async def _connect(self, access: Access, name: str, tls: ssl.SSLContext | None, attempts: _Attempts) -> bool:
        """False: nats-py has stumbled over a connection that broke while it was being opened, and is of no use now."""
        try:
            await self.client.connect(
                servers=list(access.servers),
                name=name,
                error_cb=attempts.failed,
                disconnected_cb=self._lost,
                reconnected_cb=self._back,
                closed_cb=self._closed,
                # With -1 the first connect never gives up either; the timeout around it does.
                max_reconnect_attempts=-1,
                reconnect_time_wait=PAUSE,  # type: ignore[arg-type]  # nats-py's hint says int, its code takes any
                ping_interval=10,
                max_outstanding_pings=2,
                tls=tls,
                user=access.user or None,
                password=access.password.reveal() if access.password else None,
                token=access.token.reveal() if access.token else None,
                nkeys_seed_str=access.seed.reveal() if access.seed else None,
            )
        except OSError as error:
            await attempts.failed(error)
            self._drop_unwritten()
            await self.client.close()
            await asyncio.sleep(PAUSE)
            return False
        return True

    @property
    def is_up(self) -> bool:
        """Whether we are connected now."""
        return self.client.is_connected

    @property
    def moved(self) -> int:
        """How many messages have come and gone."""
        return self.client.stats["in_msgs"] + self.client.stats["out_msgs"]

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
            except (TimeoutError, OSError, nats.errors.Error):
                log.warning("nats did not take the last bytes before the connection was closed")
            self._drop_unwritten()  # nats-py would write them, fail on a broken connection, and leave it half closed
            await self.client.close()
        await self._give_up_reconnecting()

    async def _give_up_reconnecting(self) -> None:
        # nats-py cancels this once; an attempt that fails just then forgets it (see `heed_cancellation`), takes the
        # client for open again, and tries for ever.
        task = self.client._reconnection_task
        if task is None or task is asyncio.current_task():
            return
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=PAUSE)

    # An exception in one of nats-py's callbacks stops its reading or reconnecting: nothing may escape from these.

    async def _lost(self) -> None:
        # What nats-py still wants to write would overtake older messages that the publisher sends again.
        self._drop_unwritten()
        if not self.client.is_closed:
            log.warning("connection to nats lost; trying again until it is back")
        await self._tell(self._on_lost)

    def _drop_unwritten(self) -> None:
        self.client._pending.clear()
        self.client._pending_data_size = 0

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


class _Attempts:
    """What nats-py reports: while we connect for the first time it is kept for the one error that is raised then,
    later it goes to the log."""

    def __init__(self, servers: int) -> None:
        self.over = False
        self.trouble: Exception | None = None
        self._servers = servers
        self._refusals = 0

    async def failed(self, error: Exception) -> None:
        if self.over:
            # A server that is away is reported once by _lost; nats-py repeats it four times a second.
            if not isinstance(error, (OSError, nats.errors.UnexpectedEOF, nats.errors.StaleConnectionError)):
                log.warning("nats reports an error", error=f"{type(error).__name__}: {error}")
            return
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            # Our time is over, and asyncio.wait_for (before Python 3.12) forgot it over this error: it is said once.
            self.trouble = self.trouble or error
            raise asyncio.CancelledError
        if "Authorization Violation" in str(error):
            self.trouble = error
            self._refusals += 1
            if self._refusals >= self._servers:
                raise error  # ends the connecting: who has refused us would do so again
        elif not self._refusals:
            self.trouble = error


def heed_cancellation() -> None:
    """End here if somebody has cancelled us.

    nats-py waits for answers with `asyncio.wait_for`. In Python 3.11 that one forgets a cancellation which comes
    together with the answer, and a loop that went on would be waited for without end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _tls(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as error:
        raise BusUnavailable(f"[nats] ca_file: {ca_file} cannot be used ({error})") from None


def _check_seed(seed: Secret) -> None:
    # nats-py would show it, or a part of it, in a traceback.
    try:
        nkeys.from_seed(bytearray(seed.reveal().strip().encode()))
    except (nkeys.NkeysError, ValueError):
        raise BusUnavailable("[nats] seed: this is no seed; expected a user's nkey, which begins with SU") from None
