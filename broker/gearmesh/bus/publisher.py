"""A publisher that loses nothing and keeps order.

Every message is kept until its PubAck, in the order it was given. After a reconnect, or when an answer stays away, all
that is unanswered goes again in order, under the same message ids: what had been stored already is recognised by the
stream. nats-py's own `publish_async` is not used: it never resolves on an error (its issue 985).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import msgspec
import nats.errors
import structlog
from nats.aio.msg import Msg

from gearmesh.bus.batch import Message, batch_headers
from gearmesh.bus.bounds import check
from gearmesh.bus.connection import Connection
from gearmesh.bus.resending import Resending
from gearmesh.errors import BusError, BusRefused, BusUnavailable

log = structlog.get_logger("gearmesh.bus")

WINDOW: Final = 8192
"""Messages on their way at once; at 400 bytes each about 10 MB."""
ANSWER_WITHIN: Final = 5.0


class Stored(msgspec.Struct, frozen=True, gc=False):
    """NATS has it on disk. `duplicate`: it had it before."""

    stream: str = ""
    seq: int = 0
    duplicate: bool = False


class _ApiError(msgspec.Struct, frozen=True):
    code: int = 0
    err_code: int = 0
    description: str = ""


class _Answer(msgspec.Struct, frozen=True, gc=False):
    stream: str = ""
    seq: int = 0
    duplicate: bool = False
    error: _ApiError | None = None


Outcome = Callable[[Stored | BusError], Awaitable[None]]


class _Unanswered(msgspec.Struct, eq=False):
    number: int
    subject: str
    payload: bytes
    headers: dict[str, str] | None
    outcome: Outcome
    before: Sequence[Message] = ()
    sent_at: float = 0.0


class Publisher:
    """Publishes into streams. One per connection; use as an async context manager."""

    def __init__(self, connection: Connection, *, window: int = WINDOW, answer_within: float = ANSWER_WITHIN) -> None:
        self._connection = connection
        self._window = window
        self._unanswered: dict[int, _Unanswered] = {}
        self._count = 0
        self._number = 0
        self._batches = 0
        self._inbox = ""
        self._room = asyncio.Event()
        self._room.set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._resending = Resending(connection, self._unanswered, self._transmit, answer_within)
        self._decoder = msgspec.json.Decoder(_Answer)

    async def __aenter__(self) -> Publisher:
        self._inbox = self._connection.client.new_inbox()
        self._subscription = await self._connection.client.subscribe(
            f"{self._inbox}.*", cb=self._answered, pending_msgs_limit=self._window * 4
        )
        self._resending.begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._resending.end()
        if not self._connection.client.is_closed:
            await self._subscription.unsubscribe()
        for entry in tuple(self._unanswered.values()):
            await entry.outcome(BusUnavailable("the connection to nats was closed before it answered"))
        self._unanswered.clear()
        self._count = 0

    @property
    def unanswered(self) -> int:
        """How many messages wait for their answer."""
        return self._count

    @property
    def online(self) -> bool:
        """Whether messages go out at once."""
        return self._resending.online

    async def send(
        self,
        subject: str,
        payload: bytes,
        headers: dict[str, str] | None,
        outcome: Outcome,
        *,
        before: Sequence[Message] = (),
    ) -> None:
        """Publish without waiting for the answer; `outcome` gets it. Waits only while the window is full.

        `headers` are taken over, not copied. Without a `Nats-Msg-Id` a message may be stored twice after a reconnect.
        `before` are messages for the same stream: they are stored right before this one, or none of them is, this one
        included. All have one answer, whose sequence is that of this message; `succession` knows what to do when it is
        a refusal.

        Raises:
            Malformed: one is larger than the server takes, or its subject is longer.
        """
        most, reply = self._connection.max_payload, self._reply(self._number + 1)
        check(subject, reply, payload, headers, most)
        for message in before:
            check(message.subject, "", message.payload, message.headers, most)
        while self._count >= self._window:
            self._room.clear()
            await self._room.wait()
        self._number += 1
        entry = _Unanswered(self._number, subject, payload, headers, outcome, before)
        self._unanswered[entry.number] = entry
        self._count += 1 + len(before)
        self._empty.clear()
        if self._resending.online:
            await self._transmit(entry)

    async def publish(
        self,
        subject: str,
        payload: bytes,
        *,
        message_id: str = "",
        headers: Mapping[str, str] | None = None,
        patience: float | None = None,
        before: Sequence[Message] = (),
    ) -> Stored:
        """Publish and wait until it is stored, and what is to stand right `before` it, too; see `send`.

        With `patience` (seconds) it fails at once while NATS is away, and else after that time; a message that was
        given up may be stored all the same, so say it again under the same `message_id`. Without `patience` it waits
        for as long as it takes.

        Raises:
            BusUnavailable: not stored in time.
            BusRefused: the stream does not take it.
            Malformed: it is larger than the server takes, or its subject is longer.
        """
        if patience is not None and not self.online:
            raise BusUnavailable("nats is away")
        answer: asyncio.Future[Stored | BusError] = asyncio.get_running_loop().create_future()

        async def outcome(result: Stored | BusError) -> None:
            if not answer.done():
                answer.set_result(result)

        fields = dict(headers) if headers else {}
        if message_id:
            fields["Nats-Msg-Id"] = message_id
        try:
            async with asyncio.timeout(patience):
                await self.send(subject, payload, fields or None, outcome, before=before)
                result = await answer
        except TimeoutError:
            raise BusUnavailable(f"nats has not answered within {patience} s") from None
        if isinstance(result, BusError):
            raise result
        return result

    async def publish_all(
        self,
        entries: Sequence[tuple[str, bytes]],
        *,
        patience: float | None = None,
        stored: Callable[[], None] | None = None,
    ) -> None:
        """Publish several (subject, payload), in order, and wait until all of them are stored; see `publish`.

        `stored` is called when all of them are, also when that is after the `patience`.

        Raises:
            BusUnavailable: not stored in time.
            BusRefused: a stream does not take one of them; the others may be stored.
        """
        if patience is not None and not self.online:
            raise BusUnavailable("nats is away")
        try:
            async with asyncio.timeout(patience):
                await self._publish_all(entries, stored)
        except TimeoutError:
            raise BusUnavailable(f"nats has not answered within {patience} s") from None

    async def _publish_all(self, entries: Sequence[tuple[str, bytes]], stored: Callable[[], None] | None) -> None:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        missing = len(entries)

        async def outcome(result: Stored | BusError) -> None:
            nonlocal missing
            if isinstance(result, BusError):
                if not answer.done():
                    answer.set_exception(result)
                return
            missing -= 1
            if missing:
                return
            if stored is not None:
                stored()
            if not answer.done():
                answer.set_result(None)

        for subject, payload in entries:
            await self.send(subject, payload, None, outcome)
        await answer

    async def drain(self) -> None:
        """Wait until everything given so far has its answer."""
        await self._empty.wait()

    async def _transmit(self, entry: _Unanswered) -> None:
        entry.sent_at = time.monotonic()
        headers = entry.headers
        try:
            if entry.before:
                headers = await self._begin_batch(entry)
            await self._connection.client.publish(entry.subject, entry.payload, self._reply(entry.number), headers)
        except (nats.errors.Error, OSError) as error:
            # It stays unanswered, and goes again after the reconnect or when its time is over.
            log.warning("publishing was interrupted; it goes again", subject=entry.subject, error=str(error))
        except Exception as error:
            # Nothing will make this one go; those behind it must.
            log.exception("this cannot be published", subject=entry.subject)
            if self._take_out(entry.number):
                await entry.outcome(BusRefused(f"it cannot be published: {type(error).__name__}"))

    def _reply(self, number: int) -> str:
        """Where the answer to a message comes in."""
        return f"{self._inbox}.{number}"

    async def _begin_batch(self, entry: _Unanswered) -> dict[str, str]:
        """Publish what stands before a message, and return the headers with which it ends this batch."""
        self._batches += 1  # the server forgets one that was cut off: it goes again as another one
        batch = f"{self._inbox.rpartition('.')[2]}-{self._batches}"
        for number, one in enumerate(entry.before, start=1):
            headers = batch_headers(one.headers, batch, number)
            await self._connection.client.publish(one.subject, one.payload, headers=headers)
        return batch_headers(entry.headers, batch, len(entry.before) + 1, is_last=True)

    async def _answered(self, message: Msg) -> None:
        number = int(message.subject.rpartition(".")[2])
        if message.headers and message.headers.get("Status") == "503":
            # No stream listens there yet (a server that has just started): everything goes again, in order.
            if self._resending.want() and (waiting := self._unanswered.get(number)):
                log.warning("no stream takes this; it goes again until one does", subject=waiting.subject)
            return
        try:
            answer = self._decoder.decode(message.data)
        except msgspec.DecodeError:
            log.warning("nats gave an answer that is none; it is asked again", subject=message.subject)
            self._resending.want()
            return
        entry = self._take_out(number)
        if entry is None:
            return
        error = answer.error
        try:
            if error is None:
                await entry.outcome(Stored(answer.stream, answer.seq, answer.duplicate))
            else:
                await entry.outcome(BusRefused(error.description, error.err_code))
        except Exception:
            log.exception("what should follow an answer of nats failed", subject=entry.subject)

    def _take_out(self, number: int) -> _Unanswered | None:
        entry = self._unanswered.pop(number, None)
        if entry is not None:
            self._count -= 1 + len(entry.before)
        if self._count < self._window:
            self._room.set()
        if not self._unanswered:
            self._empty.set()
        return entry
