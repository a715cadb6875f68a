"""Who is there: processes of one kind that share a work, each with a sign of life that fades by itself."""

from __future__ import annotations

import asyncio
import os
from typing import Final

import msgspec
import nats.errors
import structlog

from gearmesh.bus import direct
from gearmesh.bus.connection import Connection
from gearmesh.bus.whereabouts import Process
from gearmesh.errors import BusUnavailable

log = structlog.get_logger("gearmesh.bus")

BEAT: Final = 1.0
FADES_AFTER: Final = 3
"""Seconds after which a process that says nothing is not counted any more; nats-server counts whole ones."""


class Members:
    """The processes of one `kind`. `me` is this one's name among them."""

    def __init__(self, connection: Connection, bucket: str, kind: str) -> None:
        self._connection = connection
        self._stream = f"KV_{bucket}"
        self._prefix = f"$KV.{bucket}.{kind}."
        self._here = Process.this()
        self.me = os.urandom(8).hex()

    async def run(self) -> None:
        """Give signs of life until cancelled."""
        while True:
            await self._say(msgspec.json.encode(self._here), f"{FADES_AFTER}s")
            await asyncio.sleep(BEAT)

    async def leave(self) -> None:
        """Say goodbye: the others need not wait until the last sign has faded."""
        await self._say(b"", "1s", {"KV-Operation": "DEL"})

    async def live(self) -> list[str]:
        """The names of those who are there, sorted, with this one.

        Raises:
            BusUnavailable: nats does not answer.
        """
        if not self._connection.is_up:
            raise BusUnavailable(f"reading stream {self._stream}: nats is away")
        found = await direct.last_of(self._connection, self._stream, [f"{self._prefix}*"])
        others = {one.subject.removeprefix(self._prefix) for one in found if one.data and not _is_gone(one.data)}
        return sorted({self.me, *others})

    async def _say(self, word: bytes, ttl: str, more: dict[str, str] | None = None) -> None:
        if not self._connection.is_up:
            return
        headers = {"Nats-TTL": ttl, **(more or {})}
        try:
            await self._connection.client.publish(f"{self._prefix}{self.me}", word, headers=headers)
        except (nats.errors.Error, OSError) as error:
            log.warning("a sign of life was not given", error=f"{type(error).__name__}: {error}")


def _is_gone(sign: bytes) -> bool:
    try:
        return msgspec.json.decode(sign, type=Process).is_dead()
    except msgspec.MsgspecError:
        return False
