"""What happens between people and the business: every message passes through here in one direction or the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from .appearances import Appearances
from .clock import Clock
from .feed import Feed
from .identifiers import Identifiers
from .media import Media
from .phone import Message, Phone
from .phones import PhoneBook
from .settings import Network, Settings
from .things import Advertisement, Ballot, Button, ContactCard, Goods, Place, Post, Story
from .webhooks.event import Dialect, Event
from .webhooks.lanes import Lanes

#: How long a typing bubble stands without another sign, in seconds (WhatsApp docs: 25; Messenger docs: 20).
TYPING_SECONDS: Final[dict[Network, float]] = {"whatsapp": 25.0, "messenger": 20.0, "instagram": 20.0}


#: Names, by its words, what the business could only put into words: "reaction", say; "" for what is nothing else.
Recognise = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a person is about to send: the fields of the message that it becomes."""

    type: str
    text: str = ""
    reply_to: str | None = None
    media: Media | None = None
    media_url: str | None = None
    place: Place | None = None
    contacts: tuple[ContactCard, ...] = ()
    goods: tuple[Goods, ...] = ()
    advertisement: Advertisement | None = None
    ballot: Ballot | None = None
    story: Story | None = None
    post: Post | None = None
    tap: Button | None = None
    forwarded: bool = False
    view_once: bool = False


class Exchange:
    """Moves messages between phones and webhooks and keeps both sides' statuses."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        identifiers: Identifiers,
        phones: PhoneBook,
        dialects: Mapping[Network, Dialect],
        lanes: Lanes,
        feed: Feed,
        appearances: Appearances,
        recognise: Recognise,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._identifiers = identifiers
        self._phones = phones
        self._dialects = dialects
        self._lanes = lanes
        self._feed = feed
        self._appearances = appearances
        self._recognise = recognise
        self._typing: dict[tuple[Network, str], asyncio.TimerHandle] = {}

    def add_phone(self, phone: Phone, attempted: asyncio.Future[None] | None = None) -> None:
        """Add a phone whose person opens the chat at once. Raises PhoneTaken.

        `attempted` is resolved after the first attempt to deliver the webhook about it.
        """
        self._phones.add(phone)
        self._feed.phone_added(phone)
        event = self._dialects[phone.network].welcome(phone, self.new_event_id(phone), self._act(phone))
        event.attempted = attempted
        self._lanes.tell(event)

    def type(self, phone: Phone, draft: Draft) -> Message:
        """The person reads what arrived and sends the draft."""
        self.read(phone)
        message = self._written(phone, draft)
        self._show(phone, message)
        event = self._dialects[phone.network].typed(phone, message)

        def delivered() -> None:
            if message.status == "sent":
                message.status = "delivered"
                self._feed.message(phone, message)

        event.answered = delivered
        self._lanes.tell(event)
        self._feed.message(phone, message)
        return message

    def acted(self, phone: Phone, draft: Draft) -> None:
        """The person does something to a message that has no place of its own on the phone, such as a reaction."""
        self.read(phone)
        self._lanes.tell(self._dialects[phone.network].typed(phone, self._written(phone, draft)))

    def read(self, phone: Phone) -> list[Message]:
        """The person looks at the phone; the business hears of what was read."""
        messages = phone.read_all()
        if messages:
            for event in self._dialects[phone.network].read(phone, messages, self._clock.now_ms()):
                self._lanes.tell(event)
            for message in messages:
                self._feed.message(phone, message)
        return messages

    def arrive(self, phone: Phone, message: Message) -> None:
        """A message of the business reaches the phone. A reaction is not shown by itself: it stands on its message."""
        if message.type == "reaction":
            if (target := phone.messages.get(message.reply_to or "")) is not None:
                target.react("business", message.text)
                self._feed.message(phone, target)
            self._follow(self._dialects[phone.network].accepted(phone, message))
            return
        message.was = self._recognise(message.text) if message.text else ""
        self._show(phone, message)
        if self._typing:
            self.stop_typing(phone)
        self._feed.message(phone, message)
        self._follow(self._dialects[phone.network].accepted(phone, message))

    def refuse(self, phone: Phone, message: Message, error: dict[str, Any]) -> None:
        """A message that was accepted turns out undeliverable; the person never sees it."""
        message.status = "failed"
        self._follow(self._dialects[phone.network].refused(phone, message, error))

    def business_read(self, phone: Phone, message_id: str | None) -> None:
        """The business has read the person's messages up to this one, None for all."""
        for message in phone.seen_up_to(message_id):
            self._feed.message(phone, message)

    def start_typing(self, phone: Phone) -> None:
        """Show that the business is typing, until a message arrives or it has stood long enough."""
        self._cancel_typing(phone)
        timer = asyncio.get_running_loop().call_later(TYPING_SECONDS[phone.network], self.stop_typing, phone)
        self._typing[phone.network, phone.user] = timer
        phone.typing_until = self._clock.now_ms() + int(TYPING_SECONDS[phone.network] * 1000)
        self._feed.typing(phone, on=True)

    def stop_typing(self, phone: Phone) -> None:
        """Take the typing bubble away, if there is one."""
        if self._cancel_typing(phone):
            self._feed.typing(phone, on=False)

    def close(self) -> None:
        """Stop all clocks of typing bubbles."""
        for timer in self._typing.values():
            timer.cancel()
        self._typing.clear()

    def new_message_id(self, phone: Phone) -> str:
        """An id for a message of the business to this phone."""
        return self._identifiers.message(phone.network, _known_as(phone), incoming=False)

    def new_event_id(self, phone: Phone) -> str:
        """An id for a message of the person, or for what they do to one."""
        return self._identifiers.message(phone.network, _known_as(phone), incoming=True)

    def _written(self, phone: Phone, draft: Draft) -> Message:
        return Message(
            id=self.new_event_id(phone),
            direction="out",
            time=self._act(phone),
            status="sent",
            **{field.name: getattr(draft, field.name) for field in fields(draft)},
        )

    def _act(self, phone: Phone) -> int:
        phone.window_opened = self._clock.now_ms()
        return phone.window_opened

    def _show(self, phone: Phone, message: Message) -> None:
        phone.add(message)
        self._appearances.add(phone, message)

    def _follow(self, events: list[Event]) -> None:
        self._lanes.tell_later(events, self._settings.status_delay)

    def _cancel_typing(self, phone: Phone) -> bool:
        phone.typing_until = None
        timer = self._typing.pop((phone.network, phone.user), None)
        if timer is not None:
            timer.cancel()
        return timer is not None


def _known_as(phone: Phone) -> str:
    """What stands in a message id, where the business can read it: never a number that its owner hides."""
    return phone.bsuid if phone.hidden and phone.bsuid is not None else phone.user
