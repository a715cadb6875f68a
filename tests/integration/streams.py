"""What stands in a stream, read without a consumer."""

from __future__ import annotations

import json

from gearmesh.bus.connection import Connection

NOT_FOUND = 10037


async def everything(connection: Connection, stream: str, subject: str = ">") -> list[tuple[str, bytes]]:
    """Subject and bytes of each message, oldest first; see `with_headers`."""
    return [(found, data) for found, _, data in await with_headers(connection, stream, subject)]


async def with_headers(
    connection: Connection, stream: str, subject: str = ">"
) -> list[tuple[str, dict[str, str], bytes]]:
    """Subject, headers and bytes of each message of a stream under a subject, oldest first."""
    inbox = connection.client.new_inbox()
    subscription = await connection.client.subscribe(inbox, pending_msgs_limit=-1, pending_bytes_limit=-1)
    config = {
        "ack_policy": "none",
        "deliver_policy": "all",
        "deliver_subject": inbox,
        "filter_subject": subject,
        "inactive_threshold": 10**10,
    }
    try:
        request = json.dumps({"stream_name": stream, "config": config}).encode()
        reply = await connection.client.request(f"$JS.API.CONSUMER.CREATE.{stream}", request, timeout=5)
        made = json.loads(reply.data)
        assert "error" not in made, made
        count = made["num_pending"] + made["delivered"]["consumer_seq"]
        found: list[tuple[str, dict[str, str], bytes]] = []
        for _ in range(count):
            message = await subscription.next_msg(timeout=5)
            found.append((message.subject, dict(message.headers or {}), message.data))
        return found
    finally:
        await subscription.unsubscribe()
