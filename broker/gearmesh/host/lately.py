"""What an app has taken in lately, read at once: by this process, or by whoever was at work on the app before.

Two places tell it. The message map has the native ids, of what was passed on and of what was answered. The inbound log
has the envelopes, also those of a process that ended before it had written them into the map.
"""

from __future__ import annotations

from typing import Final

import msgspec

from gearmesh.bus import direct
from gearmesh.bus.streams import DUPLICATE_WINDOW, IN
from gearmesh.host.app import App
from gearmesh.wire.subjects import kv_token

MOST: Final = 50_000
"""Entries of both places together: about 15 MB, and two seconds to read them."""
SINCE: Final = round(DUPLICATE_WINDOW * 1000)
"""Milliseconds that are read back: for longer, a message is not looked for here."""


class Lately(msgspec.Struct, frozen=True):
    """Native messages (their keys in the map), and the conversations of envelopes (by hex id)."""

    natives: frozenset[str]
    envelopes: dict[str, str]

    def has_native(self, native_id: str) -> bool:
        """Whether a native message is in the map."""
        return kv_token(native_id) in self.natives


async def read_lately(app: App, until: int) -> Lately | None:
    """What was taken in up to now, from `SINCE` before a time on (milliseconds since the epoch). None when that is more
    than `MOST`.

    Raises:
        BusUnavailable: nats does not answer.
    """
    connection, subjects = app.shared.journal.connection, app.shared.subjects
    since, bucket = until - SINCE, subjects.bucket("map")
    natives: set[str] = set()
    async for found in direct.scan(connection, f"KV_{bucket}", f"$KV.{bucket}.{kv_token(app.name)}.*", since=since):
        natives.add(found.subject.rpartition(".")[2])
        if len(natives) > MOST:
            return None
    envelopes: dict[str, str] = {}
    async for found in direct.scan(connection, subjects.stream(IN), subjects.stored_of(app.name), since=since):
        envelope = found.headers.get("Nats-Msg-Id", "").partition(":")[0]
        envelopes[envelope] = subjects.read_inbound(found.subject).conversation
        if len(natives) + len(envelopes) > MOST:
            return None
    return Lately(frozenset(natives), envelopes)
