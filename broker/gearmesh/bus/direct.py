"""Direct gets of many messages: one request, answered by the stream's messages one after the other (ADR-31).

Each answer is a message of its own with its subject, sequence and time in headers; one with status 204 ends them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import nats.errors
from nats.aio.msg import Msg

from gearmesh.bus.connection import Connection
from gearmesh.errors import BusRefused, BusUnavailable

BATCH: Final = 256
"""Messages that are asked for with one request."""
ANSWER_WITHIN: Final = 5.0
END, NOTHING, NOBODY = "204", "404", "503"


class Found(msgspec.Struct, frozen=True):
    """A message as it stands in a stream. `at` is when it was stored, in milliseconds since the epoch."""

    subject: str
    seq: int
    at: int
    headers: dict[str, str]
    data: bytes


async def scan(
    connection: Connection, stream: str, subject: str, *, since: int = 0, batch: int = BATCH
) -> AsyncGenerator[Found, None]:
    """The messages under a subject, which may have wildcards, oldest first.

    `since` (milliseconds since the epoch) leaves out what was stored before.

    Raises:
        BusUnavailable: nats does not answer.
        BusRefused: the stream does not answer such questions.
    """
    start: dict[str, Any] = {"seq": 1}
    if since:
        start = {"start_time": f"{datetime.fromtimestamp(since // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{since % 1000:03}Z"}
    while True:
        last = 0
        count = 0
        async for found in _ask(connection, stream, {"next_by_subj": subject, "batch": batch, **start}):
            yield found
            last, count = found.seq, count + 1
        if count < batch:
            return
        start = {"seq": last + 1}


async def last_of(connection: Connection, stream: str, subjects: list[str]) -> list[Found]:
    """The last message under each subject, where there is one, oldest first for each `BATCH` subjects.

    A subject with wildcards stands for all that match; in every `BATCH` subjects, no more than `BATCH` are found.

    Raises:
        BusUnavailable: nats does not answer.
        BusRefused: the stream does not answer such questions.
    """
    found: list[Found] = []
    for start in range(0, len(subjects), BATCH):
        piece = subjects[start : start + BATCH]
        found += [one async for one in _ask(connection, stream, {"multi_last": piece, "batch": BATCH})]
    return found


async def _ask(connection: Connection, stream: str, question: dict[str, Any]) -> AsyncIterator[Found]:
    client = connection.client
    inbox = client.new_inbox()
    answers: asyncio.Queue[Msg] = asyncio.Queue()
    try:
        # nats-py's own `next_msg` makes a task and a timer for each message: half of the time of reading many.
        subscription = await client.subscribe(inbox, cb=answers.put)
        try:
            await client.publish(f"$JS.API.DIRECT.GET.{stream}", msgspec.json.encode(question), reply=inbox)
            while True:
                if answers.empty():
                    async with asyncio.timeout(ANSWER_WITHIN):
                        message = await answers.get()
                else:
                    message = answers.get_nowait()
                status = (message.headers or {}).get("Status", "")
                if status in {END, NOTHING}:
                    return
                if status == NOBODY:
                    raise BusUnavailable(f"no stream {stream} answers yet")
                if status:
                    raise BusRefused(f"stream {stream} answers a direct get with {status}")
                yield _read(message)
        finally:
            if not client.is_closed:
                await subscription.unsubscribe()
    except (TimeoutError, nats.errors.Error, OSError) as error:
        raise BusUnavailable(f"reading stream {stream}: {type(error).__name__}") from None


def _read(message: Msg) -> Found:
    headers = dict(message.headers or {})
    subject, seq = headers.pop("Nats-Subject", ""), int(headers.pop("Nats-Sequence", "0"))
    stored = headers.pop("Nats-Time-Stamp", "")
    return Found(subject, seq, _millis(stored), headers, message.data)


def _millis(text: str) -> int:
    """An RFC 3339 time with up to nine digits after the point, as nats writes it, in milliseconds since the epoch."""
    seconds, _, rest = text.rstrip("Z").partition(".")
    whole = datetime.fromisoformat(seconds).replace(tzinfo=UTC)
    return int(whole.timestamp()) * 1000 + int(f"{rest:0<3.3}")
