"""One thing to tell the business by webhook, before it is put in an envelope with others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gearmesh_meta.sandbox.phone import Message, Phone
from gearmesh_meta.sandbox.settings import Network


@dataclass(slots=True)
class Event:
    """`field` is the webhook field it belongs to; `body` its part of the payload.

    `kind` says under which key `body` goes (`messages` or `statuses` on WhatsApp, `messaging` elsewhere) and
    `contacts` what WhatsApp puts beside it. `answered` is called when the webhook was answered 200, `attempted` is
    resolved after the first attempt to deliver it, whatever came of it.
    """

    network: Network
    user: str
    field: str
    kind: str
    body: dict[str, Any]
    contacts: list[dict[str, Any]] | None = None
    answered: Callable[[], None] | None = None
    attempted: asyncio.Future[None] | None = None


class Dialect(Protocol):
    """How one network tells things: which events, and in which envelope."""

    def welcome(self, phone: Phone, event_id: str, now: int) -> Event:
        """The person opens the chat for the first time."""

    def typed(self, phone: Phone, message: Message) -> Event:
        """The person sends a message, file or reaction."""

    def edited(self, phone: Phone, message: Message, event_id: str, now: int) -> Event | None:
        """The person has edited the message, which says the new words; None where nobody is told."""

    def unsent(self, phone: Phone, message: Message, event_id: str, now: int) -> Event | None:
        """The person has taken the message back; None where nobody is told."""

    def played(self, phone: Phone, message: Message, now: int) -> Event | None:
        """The person has listened to a voice note of the business; None where nobody is told."""

    def renumbered(self, phone: Phone, user: str, bsuid: str, event_ids: tuple[str, str], now: int) -> list[Event]:
        """The person, known as `phone` says, has another number and so another scoped id from now on."""

    def accepted(self, phone: Phone, message: Message) -> list[Event]:
        """What follows a message of the business that reached the phone: statuses, echoes, delivery."""

    def refused(self, phone: Phone, message: Message, error: dict[str, Any]) -> list[Event]:
        """What follows a message that was accepted and then turned out undeliverable."""

    def read(self, phone: Phone, messages: Sequence[Message], now: int) -> list[Event]:
        """The person reads what had arrived; `messages` oldest first, never empty."""

    def payload(self, events: Sequence[Event], now: int) -> dict[str, Any]:
        """The envelope around these events, in their order."""
