"""What the messages of a thread said, for those that answer them or are about them.

A network that cannot point at a message is given its first words. They stand in the logs (7 days), and the latest at
hand; nothing is written down for this.
"""

from __future__ import annotations

from typing import Final

import nats.errors
import nats.js.errors

from gearmesh.bus.streams import IN, OUT
from gearmesh.core.cache import Cache
from gearmesh.core.degrade import Quoted
from gearmesh.errors import BusUnavailable, WireError
from gearmesh.host.app import App
from gearmesh.model.content import Content, Edit, Message, replaced
from gearmesh.wire.body import open_body
from gearmesh.wire.codec import decode

KEPT: Final = 2_000
"""Messages at hand."""


class Quotes:
    """The messages of one app's threads, by their envelopes (hex ids)."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._connection = app.shared.journal.connection
        self._recent: Cache[str, Message] = Cache(KEPT)
        self._forgotten = 0

    def keep(self, envelope: str, content: Content) -> None:
        """Remember what was just said; an edit takes the place of what it changes."""
        if isinstance(content, Edit):
            self._recent.put(content.target, replaced(content.content, sender=content.sender))
        elif isinstance(content, Message):
            self._recent.put(envelope, content)

    def forget(self, envelope: str) -> None:
        """It was taken back."""
        self._recent.drop(envelope)
        self._forgotten += 1

    async def of(self, envelope: str, thread: str) -> Quoted | None:
        """What an envelope said that was written in this thread or sent to it; None when that is not kept any more.

        Raises:
            BusUnavailable: nats does not answer.
        """
        while (content := self._recent.get(envelope)) is None:
            forgotten, read = self._forgotten, await self._read(envelope, thread)
            if read is None:
                return None
            # Else it was changed meanwhile, or taken back.
            if forgotten == self._forgotten and self._recent.get(envelope) is None:
                self._recent.put(envelope, read)
        return Quoted(content, content.sender.name or content.sender.handle)

    async def _read(self, envelope: str, thread: str) -> Message | None:
        leg = await self._app.shared.messages.leg(envelope, self._app.name, thread)
        if leg is None:
            return None
        data = await self._stored(IN, leg.inbound) if leg.inbound else await self._stored(OUT, leg.place)
        try:
            found = decode(data)
            content = open_body(found.header.seal, found.body)
        except WireError:
            return None
        return content if found.header.hex_id == envelope and isinstance(content, Message) else None

    async def _stored(self, log: str, place: int) -> bytes:
        stream = self._app.shared.subjects.stream(log)
        try:
            message = await self._connection.js.get_msg(stream, seq=place, direct=True) if place else None
        except nats.js.errors.NotFoundError:
            return b""
        except (TimeoutError, nats.errors.Error, nats.js.errors.Error, OSError) as error:
            raise BusUnavailable(f"reading {stream}: {type(error).__name__}") from None
        return (message.data or b"") if message else b""
