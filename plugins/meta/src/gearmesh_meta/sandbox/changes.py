"""What people do to what stands on their phone: react, edit, take back, listen, tap; and change their number."""

from __future__ import annotations

from typing import Final

from .clock import Clock
from .exchange import Draft, Exchange
from .feed import Feed
from .identifiers import business_scoped_id
from .phone import Message, Phone
from .phones import PhoneBook
from .settings import Network, Settings
from .things import Version
from .webhooks.event import Dialect, Event
from .webhooks.lanes import Lanes

#: Milliseconds within which WhatsApp lets people edit (15 minutes) and unsend (2 days); WhatsApp webhook reference.
EDITABLE: Final = 900_000
REVOCABLE: Final = 172_800_000
#: Edits of one message on Messenger, and on Instagram as on Messenger (Messenger Platform docs, mid-2026).
EDITS: Final = 5
_CAPTIONED: Final = ("image", "video", "gif", "file")


class NotAllowed(Exception):
    """The app does not let people do this; the message says why."""


class Changes:
    """Changes messages on phones and tells the business, as far as the network tells it."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        phones: PhoneBook,
        dialects: dict[Network, Dialect],
        lanes: Lanes,
        feed: Feed,
        exchange: Exchange,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._phones = phones
        self._dialects = dialects
        self._lanes = lanes
        self._feed = feed
        self._exchange = exchange

    def react(self, phone: Phone, message: Message, emoji: str) -> None:
        """Put the person's reaction on a message, in the place of an earlier one; "" takes it off.

        Raises NotAllowed.
        """
        if message.deleted:
            raise NotAllowed("this message was deleted; react to another one")
        message.react("person", emoji)
        self._exchange.acted(phone, Draft(type="reaction", text=emoji, reply_to=message.id))
        self._feed.message(phone, message)

    def edit(self, phone: Phone, message: Message, text: str) -> None:
        """Put other words in the place of a message's text or caption. Raises NotAllowed."""
        now = self._clock.now_ms()
        self._check_own(message)
        captioned = phone.network == "whatsapp" and message.type in _CAPTIONED
        if message.type != "text" and not captioned:
            raise NotAllowed(f"a {message.type} cannot be edited; take it back and send another one")
        if phone.network == "whatsapp" and now - message.time > EDITABLE:
            raise NotAllowed("WhatsApp lets people edit for 15 minutes; this message is older")
        if phone.network != "whatsapp" and len(message.versions) == EDITS:
            raise NotAllowed(f"a message can be edited {EDITS} times; this one has been")
        message.versions.append(Version(message.text, now))
        message.text = text
        self._tell(self._dialects[phone.network].edited(phone, message, self._exchange.new_event_id(phone), now))
        self._feed.message(phone, message)

    def unsend(self, phone: Phone, message: Message) -> None:
        """Take a message back; on the phone its place stays. Raises NotAllowed."""
        now = self._clock.now_ms()
        self._check_own(message)
        if phone.network == "whatsapp" and now - message.time > REVOCABLE:
            raise NotAllowed("WhatsApp lets people take a message back for two days; this one is older")
        message.erase()
        self._tell(self._dialects[phone.network].unsent(phone, message, self._exchange.new_event_id(phone), now))
        self._feed.message(phone, message)

    def play(self, phone: Phone, message: Message) -> None:
        """Listen to a voice note that arrived, which has been read then. Raises NotAllowed."""
        if message.type != "voice" or message.direction != "in":
            raise NotAllowed("only a voice note that arrived is played for the business to know")
        self._exchange.read(phone)
        if message.played:
            return
        message.played = True
        self._tell(self._dialects[phone.network].played(phone, message, self._clock.now_ms()))
        self._feed.message(phone, message)

    def tap(self, phone: Phone, message: Message, title: str) -> Message:
        """Tap a button, which says its title in the person's name. Raises NotAllowed."""
        button = next((button for button in message.buttons if button.title == title), None)
        if button is None:
            raise NotAllowed(f"this message has no button {title}; look at its buttons")
        if button.kind == "url":
            raise NotAllowed(f"the button {title} opens {button.url}; nobody is told")
        if message.tapped is not None and button.kind in ("reply", "quick_reply"):
            raise NotAllowed(f"{message.tapped} has been tapped already; these buttons can be tapped once")
        message.tapped = title
        self._feed.message(phone, message)
        kind = "text" if button.kind in ("quick_reply", "postback") else "interactive"
        return self._exchange.type(phone, Draft(type=kind, text=title, reply_to=message.id, tap=button))

    def renumber(self, phone: Phone, user: str) -> None:
        """Give a WhatsApp phone another number; its scoped id changes with it. Raises NotAllowed, PhoneTaken."""
        if phone.network != "whatsapp":
            raise NotAllowed("only WhatsApp phones have a number")
        bsuid = business_scoped_id(self._settings.waba_id, user)
        before = phone.user
        ids = (self._exchange.new_event_id(phone), self._exchange.new_event_id(phone))
        events = self._dialects["whatsapp"].renumbered(phone, user, bsuid, ids, self._clock.now_ms())
        self._exchange.stop_typing(phone)
        self._phones.renumber(phone, user, bsuid)
        # In the old number's queue: what was written before it is told before it.
        for event in events:
            self._tell(event)
        self._feed.phone_changed(phone, before)

    def _check_own(self, message: Message) -> None:
        if message.direction != "out":
            raise NotAllowed("people change their own messages only")
        if message.deleted:
            raise NotAllowed("this message was deleted already")

    def _tell(self, event: Event | None) -> None:
        if event is not None:
            self._lanes.tell(event)
