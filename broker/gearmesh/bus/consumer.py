"""A continuous pull consumer that is the only one at work on its part of a log.

Many processes may run the same consumer; nats-server pins one of them and gives it everything. The others stand by.
The life of one turn:

    stand by ──first message, with a pin──▶ reset ──▶ work ──423, silence, reconnect, failure──▶ stand by

A process that is known to be the only one (it holds a lease) does not stand by: it takes the pin away from whoever had
it and works at once.

The reset on takeover makes the server forget what the predecessor had been given and not acknowledged, so that all of
it comes again, in order, before anything newer (without it, order broke: 40 violations in 50,000). It follows that a
message may come again that had been acknowledged; whoever handles it recognises it by its id.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import nats.errors
import nats.js.errors
import structlog
from nats.aio.msg import Msg

from gearmesh.bus.connection import Connection, heed_cancellation
from gearmesh.bus.lease import uptime
from gearmesh.errors import BusError, BusRefused, BusUnavailable, StreamDiffers

log = structlog.get_logger("gearmesh.bus")

GROUP: Final = "one"
BATCH: Final = 64
"""Messages asked for in one request; two requests overlap. More in flight are slower: they fall out of the cache."""
EXPIRES: Final = 1.0
"""Seconds that a request lives: a pinned consumer must ask more often than its pin times out."""
PIN_TIMEOUT: Final = 2.0
"""Seconds after which a silent process loses its pin: the bound on a takeover."""
SILENCE: Final = 5.0
"""Seconds without message, heartbeat or status after which a turn is given up."""
UNWANTED_PAUSE: Final = 0.2
HANDLER_PAUSE: Final = 1.0
"""Seconds before a message comes again whose handler has failed: a fault that lasts must not become a hot loop."""
ACK_WAIT: Final = 30.0
MAX_ACK_PENDING: Final = 2000
NANOSECONDS: Final = 10**9


class Taken:
    """A message from a log. `seq` is its place there, `stored_at` in microseconds since the epoch.

    `delivered` counts from 1 since the last takeover. `fresh` is False for what may have been worked on before: it was
    in the log already when this turn began, or it comes again.
    """

    __slots__ = ("_reply", "_turn", "data", "delivered", "fresh", "headers", "seq", "stored_at", "subject")

    def __init__(self, turn: _Turn, message: Msg) -> None:
        # $JS.ACK.<stream>.<consumer>.<delivered>.<seq>.<consumer seq>.<nanoseconds>.<pending>, and, where the server
        # names domain and account (ADR-15), two tokens more behind ACK and one more at the end.
        tokens = message.reply.split(".")
        first = 4 if len(tokens) == 9 else 6
        self._turn = turn
        self._reply = message.reply
        self.subject = message.subject
        self.data = message.data
        self.headers: Mapping[str, str] = message.headers or {}
        self.delivered = int(tokens[first])
        self.seq = int(tokens[first + 1])
        self.stored_at = int(tokens[first + 3]) // 1000
        self.fresh = self.delivered == 1 and self.seq > turn.log_end

    async def ack(self) -> None:
        """It is done with. After the turn is over this does nothing: the successor has it."""
        await self._turn.ack(self._reply)

    def give_back(self, reason: str, *, pause: float) -> bool:
        """End this turn: all that is not acknowledged comes again, after `pause` seconds at the earliest.

        False: it was over before.
        """
        return self._turn.give_back(reason, pause)


Handler = Callable[[Taken], Awaitable[None]]


class _TurnOver(Exception):
    """The turn has ended; the reason is for the log."""


class _Turn:
    """One stretch of work between a takeover and its end."""

    def __init__(self, connection: Connection, log_end: int, end: Callable[[str, float], None]) -> None:
        self.connection = connection
        self.log_end = log_end
        self.live = True
        self._end = end

    def give_back(self, reason: str, pause: float) -> bool:
        if not self.live:
            return False
        self.live = False
        self._end(reason, pause)
        return True

    async def ack(self, reply: str, word: bytes = b"+ACK") -> None:
        if self.live and self.connection.is_up:
            await self.connection.client.publish(reply, word)


class PinnedConsumer:
    """Runs `handler` on each message of `subject` in a stream, one after the other, in order.

    `handler` takes a message and returns when it may be given the next one; it acknowledges by `Taken.ack`, then or
    later. An exception from it ends the turn: everything unacknowledged comes again. `on_turn` is told True when a turn
    begins and False when it has ended: then all that was taken and not acknowledged is no longer ours. `alone`: whoever
    runs it sees to it that nobody else does.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        stream: str,
        name: str,
        subject: str,
        handler: Handler,
        on_turn: Callable[[bool], Awaitable[None]] | None = None,
        batch: int = BATCH,
        max_ack_pending: int = MAX_ACK_PENDING,
        ack_wait: float = ACK_WAIT,
        alone: bool = False,
    ) -> None:
        self._connection = connection
        self._stream = stream
        self.name = name
        self._subject = subject
        self._handler = handler
        self._on_turn = on_turn
        self._batch = batch
        self._max_ack_pending = max_ack_pending
        self._ack_wait = ack_wait
        self._alone = alone
        self._unpins = False
        self.wanted = True
        """False: leave this part to others; stand by for it no more."""
        self._inbox = ""
        self._asked = 0
        self._pin = ""
        self._turn: _Turn | None = None
        self._heard = 0.0
        self._pause = 0.0
        self._over: asyncio.Future[str] | None = None
        self._pinned: asyncio.Future[str] | None = None

    @property
    def active(self) -> bool:
        """Whether this process is the one at work."""
        return self._turn is not None

    def end_turn(self, reason: str, pause: float = 0.05) -> None:
        """Give the work back: what is not acknowledged comes again, to whoever takes over. Stand by after `pause` s."""
        if self._over and not self._over.done():
            self._pause = pause
            self._over.set_result(reason)
            if self._turn:
                self._turn.live = False

    def take_over(self) -> None:
        """Whoever had the work is gone: it is ours as soon as something comes, not only when the pin has timed out."""
        if not self.wanted:
            self.wanted = self._unpins = True

    async def hand_over(self) -> None:
        """Leave the work to others, at once, until it is `wanted` again."""
        self.wanted = False
        if self.active:
            self.end_turn("left to another process")
            try:
                await self._unpin()
            except (nats.errors.Error, OSError) as error:
                # The pin times out by itself; whoever shares the work out must not end because of it.
                log.warning("a pin was not given back", consumer=self.name, error=type(error).__name__)

    async def ensure(self) -> None:
        """Create the consumer on the server, or see that it is as we need it.

        Raises:
            StreamDiffers: it exists with other settings.
            BusUnavailable: nats does not answer.
        """
        config: dict[str, Any] = {
            "name": self.name,
            "durable_name": self.name,
            "ack_policy": "explicit",
            "deliver_policy": "all",
            "ack_wait": int(self._ack_wait * NANOSECONDS),
            "max_ack_pending": self._max_ack_pending,
            "max_waiting": 512,
            "filter_subject": self._subject,
            "priority_groups": [GROUP],
            "priority_policy": "pinned_client",
            "priority_timeout": int(PIN_TIMEOUT * NANOSECONDS),
        }
        if not self._connection.is_up:
            raise BusUnavailable(f"creating consumer {self.name}: nats is away")
        # nats-py 2.16 knows no priority fields: a raw request. "create" is answered with the consumer when it exists
        # with the same settings, and with an error when it differs.
        subject = f"$JS.API.CONSUMER.CREATE.{self._stream}.{self.name}.{self._subject}"
        request = {"stream_name": self._stream, "config": config, "action": "create"}
        try:
            reply = await self._connection.client.request(subject, json.dumps(request).encode(), timeout=5)
        except (nats.errors.Error, OSError) as error:
            raise BusUnavailable(f"creating consumer {self.name}: {type(error).__name__}") from None
        answer = json.loads(reply.data)
        if refusal := answer.get("error"):
            if refusal.get("err_code") == 10148:  # consumer already exists
                raise StreamDiffers(f"{self._stream} (consumer {self.name})", ["other settings than expected"])
            raise BusRefused(refusal.get("description", "unknown error"), refusal.get("err_code", 0))

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await asyncio.sleep(self._pause)
            heed_cancellation()
            if not self.wanted:
                self._pause = UNWANTED_PAUSE
                continue
            try:
                await self._take_turn()
            except _TurnOver as over:
                log.info("stood back", consumer=self.name, reason=str(over))
            except (BusError, nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError) as error:
                log.warning("consumer starts again", consumer=self.name, error=f"{type(error).__name__}: {error}")
                self._pause = 0.5
            except Exception:
                log.exception("consumer starts again after a fault of ours", consumer=self.name)
                self._pause = HANDLER_PAUSE

    async def _take_turn(self) -> None:
        loop = asyncio.get_running_loop()
        if not self._connection.is_up:
            raise BusUnavailable("nats is away")
        client = self._connection.client
        self._over = loop.create_future()
        self._pinned = loop.create_future()
        self._pin, self._asked, self._heard = "", 0, uptime()
        self._inbox = client.new_inbox()
        subscription = await client.subscribe(self._inbox, cb=self._arrived, pending_msgs_limit=self._batch * 8)
        self._connection.watch(lost=self._lost)
        try:
            if self._unpins:
                await self._unpin()
                self._unpins = False
            await self._free_leftovers()
            if not self._alone:
                await self._stand_by()
                await self._connection.js.reset_consumer(self._stream, self.name)
            end = (await self._connection.js.stream_info(self._stream)).state.last_seq
            heed_cancellation()
            self._turn = _Turn(self._connection, end, self.end_turn)
            if self._on_turn:
                await self._on_turn(True)
                heed_cancellation()
            self._asked, self._heard = 0, uptime()
            await self._ask()
            while not self._over.done():
                await asyncio.wait([self._over], timeout=EXPIRES)
                if uptime() - self._heard > SILENCE:
                    raise _TurnOver("nats was silent")
                await self._ask()
            raise _TurnOver(self._over.result())
        finally:
            self._connection.unwatch(lost=self._lost)
            turn, self._turn = self._turn, None
            if turn:
                turn.live = False
                if self._on_turn:
                    await self._on_turn(False)
            if not client.is_closed:
                await subscription.unsubscribe()

    async def _stand_by(self) -> None:
        assert self._over is not None
        assert self._pinned is not None
        while not self._pinned.done():
            if self._over.done():
                raise _TurnOver(self._over.result())
            await self._pull({"batch": 1})
            await asyncio.wait([self._pinned, self._over], timeout=EXPIRES, return_when=asyncio.FIRST_COMPLETED)
            if not self._pinned.done():
                if not self.wanted:
                    raise _TurnOver("it is another one's part")
                await self._free_leftovers()
                heed_cancellation()
        self._pin = self._pinned.result()

    async def _free_leftovers(self) -> None:
        """Make what a predecessor had in its hands come at once: without that it comes after `ack_wait`.

        Nothing else would tell us of it, for a message that was given is not given again, and the pin comes with one.
        """
        subject = f"$JS.API.CONSUMER.INFO.{self._stream}.{self.name}"
        answer = json.loads((await self._connection.client.request(subject, timeout=5)).data)
        if refusal := answer.get("error"):
            raise BusRefused(refusal.get("description", "unknown error"), refusal.get("err_code", 0))
        pinned = any(group.get("pinned_client_id") for group in answer.get("priority_groups") or ())
        if pinned and self._alone:
            await self._unpin()
        if answer["num_ack_pending"] and (self._alone or not pinned):
            await self._connection.js.reset_consumer(self._stream, self.name)

    async def _unpin(self) -> None:
        subject = f"$JS.API.CONSUMER.UNPIN.{self._stream}.{self.name}"
        await self._connection.client.request(subject, json.dumps({"group": GROUP}).encode(), timeout=5)

    async def _ask(self) -> None:
        if not self._pin:
            # Alone: the first message brings the pin, and the next request names it.
            if not self._asked:
                self._asked = 1
                await self._pull({"batch": 1})
            return
        while self._asked <= self._batch // 2:
            self._asked += self._batch
            await self._pull({"batch": self._batch, "id": self._pin})

    async def _pull(self, request: dict[str, Any]) -> None:
        request |= {
            "group": GROUP,
            "expires": int(EXPIRES * NANOSECONDS),
            "idle_heartbeat": int(EXPIRES / 2.5 * NANOSECONDS),
        }
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self.name}"
        await self._connection.client.publish(subject, json.dumps(request).encode(), self._inbox)

    async def _arrived(self, message: Msg) -> None:
        now = uptime()
        slept, self._heard = now - self._heard > PIN_TIMEOUT, now
        if slept and self._turn is not None:
            # Heartbeats come more often: this process stood still, and another one may have been pinned meanwhile.
            self.end_turn("this process stood still")
            return
        headers = message.headers
        if not message.data and headers and "Status" in headers:
            await self._status(headers)
            return
        turn = self._turn
        if turn is None:
            # Standing by: the message says that we are pinned. It comes again after the reset.
            if headers and self._pinned and not self._pinned.done() and (pin := headers.get("Nats-Pin-Id")):
                self._pinned.set_result(pin)
            return
        if not turn.live:
            return  # what stands before it was given back, and both come again: handled now, it would overtake
        if headers and not self._pin:
            self._pin = headers.get("Nats-Pin-Id", "")
        if headers and headers.get("Nats-Pin-Id", self._pin) != self._pin:
            self.end_turn("another pin")
            return
        self._asked -= 1
        try:
            await self._handler(Taken(turn, message))
        except Exception as error:
            log.exception("handling a message failed; it comes again", consumer=self.name, subject=message.subject)
            turn.give_back(f"its handler failed: {type(error).__name__}", HANDLER_PAUSE)
            return
        if self._asked <= self._batch // 2 and turn.live:
            await self._ask()

    async def _status(self, headers: Mapping[str, str]) -> None:
        status = headers["Status"]
        if status == "100":  # idle heartbeat
            return
        if status == "423":
            self.end_turn("another process was pinned")
            return
        if status == "503" or (status == "409" and "Consumer" in headers.get("Description", "")):
            self.end_turn(f"{status} {headers.get('Description', '')}")
            return
        # 408 expired, 404 none there, 409 limits: the request is over with so many messages not given.
        left = headers.get("Nats-Pending-Messages", "")
        if self._turn is not None and left.isdecimal():
            self._asked = max(0, self._asked - int(left))
            await self._ask()  # at once: what arrives while nothing is asked for would wait

    async def _lost(self) -> None:
        self.end_turn("the connection was lost")
