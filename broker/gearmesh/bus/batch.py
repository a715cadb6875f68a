"""The headers with which JetStream stores several messages together, or none of them (ADR-50, nats-server 2.12).

The server holds the messages of a batch until the last one, and answers that one alone: with its sequence, those before
it have the sequences before it. A batch that is not complete after 10 seconds is forgotten, and the end of one whose
beginning was lost is refused.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message for a stream."""

    subject: str
    payload: bytes
    headers: dict[str, str]


def batch_headers(
    headers: Mapping[str, str] | None, batch: str, number: int, *, is_last: bool = False
) -> dict[str, str]:
    """The headers of a message with its place in a batch, counted from 1. An id (up to 64 characters) names one batch
    of a stream."""
    placed = {**(headers or {}), "Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(number)}
    return {**placed, "Nats-Batch-Commit": "1"} if is_last else placed
