"""One of each thing that people send, and what must be left of it where it is shown."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal, get_args

from gearmesh.model.capabilities import Feature, Level
from gearmesh.model.content import (
    Card,
    Change,
    Contacts,
    Edit,
    Listing,
    Location,
    Media,
    MediaKind,
    MediaRef,
    Message,
    Poll,
    Product,
    Reaction,
    Redaction,
    Text,
)
from gearmesh.testing.contract.harness import SENDER
from gearmesh.testing.shown import Shape

PNG: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
"""A picture of one pixel."""
PICTURES: Final[Mapping[MediaKind, tuple[str, str]]] = {
    "image": ("image/png", "picture.png"),
    "gif": ("image/gif", "moving.gif"),
    "sticker": ("image/webp", "sticker.webp"),
    "video": ("video/mp4", "film.mp4"),
    "audio": ("audio/mpeg", "song.mp3"),
    "voice": ("audio/ogg", "voice.ogg"),
    "file": ("application/pdf", "paper.pdf"),
}
"""For each kind of file a MIME type and a name."""
BUTTONS: Final = ("Yes", "No")
TARGET: Final = "0" * 31 + "1"
"""The id of the envelope that an answer, a reaction or a change is about."""

LOCATION: Final = Location(52.516275, 13.377704, "Brandenburg Gate", "Pariser Platz, Berlin", sender=SENDER)
CONTACTS: Final = Contacts(
    (Card("Alan Turing", ("+441632960001",), ("alan@example.org",), "Bletchley Park"),), sender=SENDER
)
POLL: Final = Poll("Where do we meet?", ("At the lake", "In the woods"), sender=SENDER)
PRODUCT: Final = Product(
    (Listing("Red sofa", "Hardly used", "€ 40", "https://market.example.org/sofa"),),
    text="Is it still there?",
    sender=SENDER,
)
FORMATTED: Final = Text("This is **bold** news", SENDER, markup=True)
FORWARDED: Final = Text("Have you heard this?", SENDER, forwarded=True)
ASKED: Final = Text("Are you coming?", SENDER, buttons=BUTTONS)

KINDS_OF_FILES: Final[tuple[MediaKind, ...]] = get_args(MediaKind)
CHANGES: Final[Mapping[Literal["reaction", "edit", "redaction"], Change]] = {
    "reaction": Reaction(TARGET, "❤️", sender=SENDER),
    "edit": Edit(TARGET, Text("What is right now", SENDER), SENDER),
    "redaction": Redaction(TARGET, SENDER),
}
BY_ITSELF: Final[Mapping[Feature, Message]] = {
    "formatting": FORMATTED,
    "location": LOCATION,
    "contacts": CONTACTS,
    "poll": POLL,
    "product": PRODUCT,
    "buttons": ASKED,
    "forward": FORWARDED,
}
"""What needs neither a file nor another message."""
SIGNS: Final[Mapping[Feature, tuple[str, ...]]] = {
    "formatting": ("This is bold news",),
    "location": ("52.51", "13.37", "Brandenburg Gate"),
    "contacts": ("Alan Turing",),
    "poll": ("Where do we meet?", "At the lake", "In the woods"),
    "view_once": (),
    "vote": ("In the woods",),
    "product": ("Red sofa", "€ 40", "Is it still there?"),
    "buttons": ("Are you coming?", *BUTTONS),
    "forward": ("Have you heard this?",),
    "reply": ("An answer", "A question"),
    "reaction": ("❤",),
    "edit": ("is right now",),
    "redaction": ("delete",),
}
"""What must be read where a feature goes in words."""


def file(kind: MediaKind, ref: MediaRef, *, view_once: bool = False) -> Media:
    """A file of one kind."""
    return Media(kind, ref, sender=SENDER, view_once=view_once)


def lacks(expected: Shape, there: object, level: Level) -> str:
    """What is missing of something that is claimed so; "" where all is there.

    `partial` may leave out what is not what makes it a place, a card, a poll, a thing for sale.
    """
    if type(there) is not type(expected):
        return f"it is {there!r}; expected {expected!r}"
    whole = level == "full"
    for name, here, due in _facts(expected, there, whole):
        if not _same(here, due):
            return f"its {name} is {here!r}; expected {due!r}"
    return ""


def _facts(expected: object, there: object, whole: bool) -> Iterable[tuple[str, object, object]]:
    match expected, there:
        case Location() as due, Location() as here:
            yield "latitude", here.latitude, due.latitude
            yield "longitude", here.longitude, due.longitude
            if whole:
                yield "name", here.name, due.name
                yield "address", here.address, due.address
        case Contacts() as due, Contacts() as here:
            yield "names", [card.name for card in here.cards], [card.name for card in due.cards]
            yield "phones", [digits(card.phones) for card in here.cards], [digits(card.phones) for card in due.cards]
            if whole:
                yield "emails", [card.emails for card in here.cards], [card.emails for card in due.cards]
        case Poll() as due, Poll() as here:
            yield "question", here.question, due.question
            yield "options", here.options, due.options
            if whole:
                yield "several", here.several, due.several
        case Product() as due, Product() as here:
            yield "titles", [one.title for one in here.listings], [one.title for one in due.listings]
            if whole:
                yield "prices", [one.price for one in here.listings], [one.price for one in due.listings]


def _same(here: object, due: object) -> bool:
    if isinstance(here, float) and isinstance(due, float):
        return math.isclose(here, due, abs_tol=0.0001)  # about ten metres
    return here == due


def digits(phones: Iterable[str]) -> list[str]:
    """Phone numbers without what networks put between the digits."""
    return [re.sub(r"\D", "", phone) for phone in phones]


def feeling(emoji: str) -> str:
    """An emoji without the variation selector that some networks put behind it and others do not."""
    return emoji.replace("\ufe0f", "")
