"""What stands in a stream, read without a consumer: page by page, by direct get, which leaves no trace there."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import nats.errors
import nats.js.errors
from nats.aio.msg import Msg

from gearmesh.bus.connection import Connection
from gearmesh.errors import BusRefused, BusUnavailable

PAGE: Final = 256
"""Messages of one request."""
PAGE_BYTES: Final = 8 * 1024 * 1024
"""Bytes after which a page ends early: a dead letter may have 4 MB."""
ANSWER_WITHIN: Final = 10.0
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Kept(msgspec.Struct, frozen=True):
    """A message in a stream. `stored_at` is in microseconds since the epoch."""

    subject: str
    seq: int
    stored_at: int
    headers: Mapping[str, str]
    data: bytes


class LogReader:
    """Reads streams for people: bounded, oldest first, whatever stands there at the moment."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def read(
        self, stream: str, subject: str, *, most: int, first: int = 1, since: int | None = None
    ) -> AsyncIterator[Kept]:
        """At most `most` messages under a subject (wildcards allowed), from a sequence or, better, a time on.

        `since` is in microseconds since the epoch and wins over `first`.

        Raises:
            BusRefused: there is no such stream.
            BusUnavailable: nats does not answer.
        """
        start: dict[str, Any] = {"seq": max(1, first)}
        if since is not None:
            start = {"start_time": (EPOCH + timedelta(microseconds=since)).isoformat()}
        remaining = most
        while remaining > 0:
            request = {**start, "next_by_subj": subject, "batch": min(PAGE, remaining), "max_bytes": PAGE_BYTES}
            page = await self._page(stream, request)
            for message in page:
                yield message
            if not page:
                return
            remaining -= len(page)
            start = {"seq": page[-1].seq + 1}

    async def at(self, stream: str, seq: int) -> Kept | None:
        """The message at a sequence; None when it is gone.

        Raises:
            BusRefused, BusUnavailable: as in `read`.
        """
        page = await self._page(stream, {"seq": seq, "next_by_subj": ">", "batch": 1})
        return page[0] if page and page[0].seq == seq else None

    async def last(self, stream: str, subject: str) -> Kept | None:
        """The newest message under one subject; None when there is none.

        Raises:
            BusRefused, BusUnavailable: as in `read`.
        """
        page = await self._page(stream, {"multi_last": [subject], "batch": 1})
        return page[0] if page else None

    async def end(self, stream: str) -> int:
        """The sequence of a stream's newest message, 0 when there never was one.

        Raises:
            BusRefused, BusUnavailable: as in `read`.
        """
        info = await self._info(stream, {})
        return int(info["state"]["last_seq"])

    async def subjects(self, stream: str, subject: str, *, most: int) -> list[str]:
        """The subjects, under one with wildcards, that have messages: without reading these.

        Raises:
            BusRefused: there are more than `most`, or no such stream.
            BusUnavailable: nats does not answer.
        """
        found: list[str] = []
        while True:
            info = await self._info(stream, {"subjects_filter": subject, "offset": len(found)})
            more = info["state"].get("subjects") or {}
            found += more
            if int(info.get("total") or 0) > most:
                raise BusRefused(f"{stream} has {info['total']} subjects under {subject}; at most {most} are looked at")
            if not more or len(found) >= int(info.get("total") or 0):
                return found

    async def _info(self, stream: str, request: dict[str, Any]) -> dict[str, Any]:
        try:
            reply = await self._connection.client.request(
                f"$JS.API.STREAM.INFO.{stream}", json.dumps(request).encode(), timeout=ANSWER_WITHIN
            )
        except (TimeoutError, nats.errors.Error, OSError) as error:
            raise BusUnavailable(f"nats does not tell about stream {stream}: {type(error).__name__}") from None
        info: dict[str, Any] = json.loads(reply.data)
        if "error" in info:
            raise _no_stream(stream, str(info["error"].get("description", "")), int(info["error"].get("err_code", 0)))
        return info

    async def _page(self, stream: str, request: dict[str, Any]) -> list[Kept]:
        client = self._connection.client
        inbox = client.new_inbox()
        found: list[Kept] = []
        try:
            subscription = await client.subscribe(inbox, pending_msgs_limit=-1, pending_bytes_limit=-1)
            try:
                await client.publish(f"$JS.API.DIRECT.GET.{stream}", json.dumps(request).encode(), reply=inbox)
                while True:
                    message = await subscription.next_msg(timeout=ANSWER_WITHIN)
                    headers = message.headers or {}
                    if "Nats-Stream" in headers:
                        found.append(_kept(message))
                        continue
                    # The end of the page (204), nothing there (404), or nobody who answers for such a stream (503).
                    status = headers.get("Status", "")
                    if status not in {"204", "404"}:
                        raise _no_stream(stream, f"status {status or 'none'}")
                    return found
            finally:
                await subscription.unsubscribe()
        except (TimeoutError, nats.errors.Error, OSError) as error:
            raise BusUnavailable(f"reading stream {stream}: {type(error).__name__}") from None


def _no_stream(stream: str, why: str, code: int = 0) -> BusRefused:
    return BusRefused(f"stream {stream} cannot be read ({why}): has Gearmesh run here, is [nats] prefix right?", code)


def _kept(message: Msg) -> Kept:
    headers = dict(message.headers or {})
    stored = datetime.fromisoformat(headers["Nats-Time-Stamp"])
    return Kept(
        headers["Nats-Subject"],
        int(headers["Nats-Sequence"]),
        (stored - EPOCH) // timedelta(microseconds=1),
        headers,
        message.data,
    )
