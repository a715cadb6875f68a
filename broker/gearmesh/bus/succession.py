"""Several messages stored in their order, so that none is stored without those before it.

They go together, with one answer, as an atomic batch (ADR-50): all are stored, or none. What stands in the way of one
is in the way of all: an id that the stream knows already, no room for the last of them, a server with too many batches
at once, or a batch that was cut off. Whatever it was, they go again one after the other, up to the first that is
refused, and each is told what became of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from gearmesh.bus.batch import Message
from gearmesh.bus.publisher import Publisher, Stored
from gearmesh.errors import BusError, BusUnavailable

MOST: Final = 100
"""Messages in a batch. The server takes 1,000; more than so many are hardly cheaper for each of them."""
MOST_BYTES: Final = 256 * 1024
"""Bytes from which on a batch is not made longer: the server holds it until it is complete."""


class Succession(msgspec.Struct, frozen=True):
    """What became of the first so many messages, and why the others, if any, are not stored.

    A message that cannot be published at all keeps nobody else from being stored: its result is the reason.
    """

    results: tuple[Stored | Exception, ...]
    error: BusError | None = None


async def publish_in_order(publisher: Publisher, messages: Sequence[Message], *, patience: float) -> Succession:
    """Publish messages of one stream, each with a `Nats-Msg-Id`, and wait until they are stored or refused.

    At most `MOST` of them. Those without a result may be stored all the same when `error` is `BusUnavailable`: say
    them again, in the same order, under the same ids.
    """
    end = asyncio.get_running_loop().time() + patience
    if len(messages) > 1:
        *before, last = messages
        try:
            stored = await publisher.publish(
                last.subject, last.payload, headers=last.headers, patience=patience, before=before
            )
        except BusUnavailable as error:
            return Succession((), error)
        except Exception:
            # One of them is in the way of all; which one turns out below.
            return await _one_by_one(publisher, messages, end)
        first = stored.seq - len(before)
        return Succession(tuple([Stored(stored.stream, first + place) for place in range(len(messages))]))
    return await _one_by_one(publisher, messages, end)


async def _one_by_one(publisher: Publisher, messages: Sequence[Message], end: float) -> Succession:
    results: list[Stored | Exception] = []
    for message in messages:
        remaining = end - asyncio.get_running_loop().time()
        if remaining <= 0:
            return Succession(tuple(results), BusUnavailable("nats has not stored everything in time"))
        try:
            results.append(
                await publisher.publish(message.subject, message.payload, headers=message.headers, patience=remaining)
            )
        except BusError as error:
            return Succession(tuple(results), error)
        except Exception as error:
            results.append(error)
    return Succession(tuple(results))
