"""A stream that is full: its limit in bytes is set to what it holds, so that it takes no more, and lifted again."""

from __future__ import annotations

import json
from typing import Any

from gearmesh.bus.connection import Connection


async def fill(connection: Connection, stream: str) -> int:
    """Let a stream refuse whatever comes, and return the limit that it had."""
    info = await _ask(connection, f"$JS.API.STREAM.INFO.{stream}", {})
    limit: int = info["config"]["max_bytes"]
    await limit_bytes(connection, stream, max(info["state"]["bytes"], 1))
    return limit


async def limit_bytes(connection: Connection, stream: str, limit: int) -> None:
    """Set a stream's limit, and leave everything else as it is; -1 for none."""
    info = await _ask(connection, f"$JS.API.STREAM.INFO.{stream}", {})
    await _ask(connection, f"$JS.API.STREAM.UPDATE.{stream}", info["config"] | {"max_bytes": limit})


async def _ask(connection: Connection, subject: str, request: dict[str, Any]) -> dict[str, Any]:
    reply = await connection.client.request(subject, json.dumps(request).encode(), timeout=10)
    answer: dict[str, Any] = json.loads(reply.data)
    if refusal := answer.get("error"):
        raise RuntimeError(f"{subject}: {refusal}")
    return answer
