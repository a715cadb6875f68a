"""Our copies of what its writer has taken back: they go out of the logs once that was passed on.

Not before: until then the message itself may still be on its way, and what takes it back stands behind it.

Its file stays in the object store until it goes by age, for 14 days at most, and links to it that were given out live
for up to a week: a file is there once for everybody who sent the same, so it is nobody's to take away.
"""

from __future__ import annotations

import nats.errors
import nats.js.errors
import structlog

from gearmesh.bus.streams import IN, OUT
from gearmesh.errors import BusError, GearmeshError
from gearmesh.host.app import App
from gearmesh.host.message_map import LegRecord
from gearmesh.host.quotes import Quotes
from gearmesh.model.address import Address

log = structlog.get_logger("gearmesh.egress")


class Removal:
    """Removes copies. What cannot be removed now goes with its log, after 7 days at most."""

    def __init__(self, app: App, quotes: Quotes) -> None:
        self._app = app
        self._shared = app.shared
        self._connection = app.shared.journal.connection
        self._quotes = quotes

    async def remove(self, envelope: str, writer: Address, conversation: str, leg: LegRecord | None) -> None:
        """Remove an envelope (hex id) of a conversation that `writer` has taken back, and its leg to this app."""
        self._quotes.forget(envelope)
        if leg is not None and leg.place:
            await self._delete(OUT, leg.place)
        try:
            written = await self._written(envelope, writer, conversation)
        except (BusError, GearmeshError) as error:
            log.warning("a copy of what was taken back stays", envelope=envelope, error=str(error))
            return
        if written is not None and written.inbound:
            await self._delete(IN, written.inbound)

    async def _written(self, envelope: str, writer: Address, conversation: str) -> LegRecord | None:
        """What is known of it where it was written: in a chat of their own, or in a room of the conversation."""
        home = self._shared.bridges.get(writer.app)
        threads = [home.thread_of(writer.user) if home else writer.user]
        if group := self._shared.groups.get(conversation):
            rooms = map(Address.parse, group.rooms)
            threads += [room.user for room in rooms if room.app == writer.app]
        for thread in threads:
            if written := await self._shared.messages.leg(envelope, writer.app, thread):
                return written
        return None

    async def _delete(self, name: str, place: int) -> None:
        stream = self._shared.subjects.stream(name)
        try:
            await self._connection.js.delete_msg(stream, place)
        except nats.js.errors.NotFoundError:
            return
        except (TimeoutError, nats.errors.Error, nats.js.errors.Error, OSError) as error:
            if isinstance(error, nats.js.errors.APIError) and await self._is_gone(stream, place):
                return  # of several legs, one takes the message itself away
            # Whoever runs NATS may not let us delete: then it goes with its age.
            log.warning("a copy of what was taken back stays", stream=stream, seq=place, error=type(error).__name__)

    async def _is_gone(self, stream: str, place: int) -> bool:
        try:
            await self._connection.js.get_msg(stream, place)
        except nats.js.errors.NotFoundError:
            return True
        except (TimeoutError, nats.errors.Error, nats.js.errors.Error, OSError):
            return False
        return False
