"""Notices: lines from Gearmesh itself to a person, which take the same way as every message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gearmesh.bus.publisher import Publisher
from gearmesh.core.ids import envelope_id
from gearmesh.model.address import SYSTEM_APP, Address
from gearmesh.model.content import Notice
from gearmesh.model.conversation import dm_id
from gearmesh.model.envelope import Envelope, Header
from gearmesh.wire.body import UNSEALED, close_body
from gearmesh.wire.codec import encode
from gearmesh.wire.subjects import Subjects

EXPIRES_AFTER: Final = 24 * 3600 * 1000
"""Milliseconds: a notice that could not be shown for a day is no news."""


class Notifier:
    """Writes notices into the inbound log."""

    def __init__(self, publisher: Publisher, subjects: Subjects, *, broker: str, key: bytes) -> None:
        self._publisher = publisher
        self._subjects = subjects
        self._self = Address(SYSTEM_APP, broker)
        self._key = key

    async def tell(
        self,
        person: Address,
        key: str,
        args: Mapping[str, str],
        *,
        cause: str,
        now: int,
        patience: float | None = None,
    ) -> None:
        """Tell a person. `cause` names what it is about: the same notice for the same cause is told once.

        Raises:
            BusUnavailable: not stored within `patience` seconds.
        """
        conversation = dm_id(self._self, person)
        identity = envelope_id(self._key, SYSTEM_APP, str(person), cause, f"notice {key}")
        header = Header(identity, "event", self._self, (person,), conversation, now, now + EXPIRES_AFTER, seal=UNSEALED)
        data = encode(Envelope(header, close_body(Notice(key, dict(args)))))
        subject = self._subjects.inbound(SYSTEM_APP, conversation)
        await self._publisher.publish(subject, data, message_id=identity.hex(), patience=patience)
