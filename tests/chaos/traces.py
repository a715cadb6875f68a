"""What the logs say of messages that went wrong: where each was stored, and every step that the ledger has of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

import msgspec
from tests.integration.streams import everything

from gearmesh.bus.connection import Connection
from gearmesh.errors import WireError
from gearmesh.model.content import Text
from gearmesh.model.delivery import LedgerEntry
from gearmesh.wire.body import open_body
from gearmesh.wire.codec import decode

from .texts import Said, read


async def traces(connection: Connection, wanted: Collection[Said]) -> dict[Said, list[str]]:
    """Lines for each of the messages, in the order in which it happened."""
    found: dict[Said, list[str]] = {said: [] for said in wanted}
    named: dict[str, Said] = {}
    for stream in ("GM_IN", "GM_OUT"):
        for place, (subject, data) in enumerate(await everything(connection, stream), 1):
            said, identity = _said(data)
            if said in found:
                found[said].append(f"{stream} {place} {subject} {identity}")
                named[identity] = said
    steps: defaultdict[str, list[str]] = defaultdict(list)
    decoder = msgspec.msgpack.Decoder(LedgerEntry)
    for _, data in await everything(connection, "GM_LEDGER"):
        entry = decoder.decode(data)
        if entry.envelope in named:
            why = f" {entry.reason} {entry.detail}".rstrip()
            steps[entry.envelope].append(f"{entry.at} {entry.app} {entry.state}{why}")
    for identity, said in named.items():
        found[said] += steps[identity]
    return found


def _said(data: bytes) -> tuple[Said | None, str]:
    try:
        envelope = decode(data)
        content = open_body(envelope.header.seal, envelope.body)
    except WireError:
        return None, ""
    return (read(content.text) if isinstance(content, Text) else None), envelope.header.hex_id
