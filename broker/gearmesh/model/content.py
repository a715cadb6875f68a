"""What people send: the body of an envelope, opened only by endpoints.

Every kind is a struct tagged by `type`. A new kind is a new struct in `Content` and a row in the degrade table, which
says how it looks where a network cannot show it.

Words (`text`, `caption`) are plain as long as `markup` is false: no character of theirs means anything but itself. With
`markup` they are CommonMark, of which bold, italic, strike, code, quote, list and link are used. Times, sizes and ids
have the units that their docstrings name; what a network does not tell is empty or 0.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeVar

import msgspec

from gearmesh.model.address import SYSTEM_APP

ReceiptState = Literal["delivered", "read", "played", "failed"]
MembershipChange = Literal["joined", "left", "name", "topic"]
MediaKind = Literal["image", "video", "audio", "voice", "file", "sticker", "gif"]
KEPT_FILES: Final = SYSTEM_APP
"""The `MediaRef.app` of files in the object store `gm-media`: `source` is then the object's name."""


class Sender(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who wrote, as they are shown elsewhere. `network` is the display name, such as "WhatsApp".

    `address` is theirs in `app:user` form, for networks where they can be written to under one that is made of it.
    """

    name: str = ""
    handle: str = ""
    network: str = ""
    avatar: str = ""
    address: str = ""


class Text(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="text"):
    """A text. `reply_to` is the hex id of the envelope that it answers.

    `buttons` are answers that the reader can tap, in the order in which they are offered.
    """

    text: str
    sender: Sender = Sender()
    reply_to: str = ""
    markup: bool = False
    forwarded: bool = False
    buttons: tuple[str, ...] = ()


class MediaRef(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a file is, without its bytes.

    `app` and `source` name it: `source` is minted by that app's bridge, which alone can open it; with `app` being
    `gearmesh` it stands in the object store, under the name `source`. `size` is in bytes, `duration` in seconds,
    `sha256` in hex; 0 and "" where the network does not tell. Of a file in the store all of it is known.
    """

    app: str
    source: str
    mime: str = ""
    size: int = 0
    sha256: str = ""
    name: str = ""
    width: int = 0
    height: int = 0
    duration: float = 0.0


class Media(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="media"):
    """A picture, a recording, a file. `reply_to` is the hex id of the envelope that it answers.

    `view_once`: whoever sent it wants it to be seen once only.
    """

    media: MediaKind
    ref: MediaRef
    caption: str = ""
    sender: Sender = Sender()
    reply_to: str = ""
    markup: bool = False
    forwarded: bool = False
    view_once: bool = False


class Location(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="location"):
    """A place, in degrees (WGS 84). `link` is one that its sender's network gave."""

    latitude: float
    longitude: float
    name: str = ""
    address: str = ""
    link: str = ""
    sender: Sender = Sender()
    reply_to: str = ""
    forwarded: bool = False


class Card(msgspec.Struct, frozen=True, omit_defaults=True):
    """How to reach a person or an organisation. `vcard` is the whole card (RFC 6350), where one came along."""

    name: str
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    organisation: str = ""
    vcard: str = ""


class Contacts(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="contacts"):
    """Contact cards."""

    cards: tuple[Card, ...]
    sender: Sender = Sender()
    reply_to: str = ""
    forwarded: bool = False


class Poll(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="poll"):
    """A question with answers to choose from; `several`: more than one may be chosen."""

    question: str
    options: tuple[str, ...]
    several: bool = False
    sender: Sender = Sender()
    reply_to: str = ""


class Listing(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing for sale. `price` is written out with its currency, `picture` an address on the web.

    `retailer_id` and `catalog` are the seller's and the network's names for it, `quantity` how many are ordered.
    """

    title: str
    text: str = ""
    price: str = ""
    link: str = ""
    picture: str = ""
    retailer_id: str = ""
    catalog: str = ""
    quantity: int = 0


class Product(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="product"):
    """What is for sale, or ordered: `about` says how it comes into the conversation.

    `listing`: the conversation is about it. `order`: it is ordered. `ad`: the person came from this advertisement.
    """

    listings: tuple[Listing, ...]
    about: Literal["listing", "order", "ad"] = "listing"
    text: str = ""
    sender: Sender = Sender()
    reply_to: str = ""


class Reaction(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="reaction"):
    """A feeling about the envelope `target` (hex id). A further one of the same person takes its place.

    `removed`: there is none any more; `emoji` is then the one that went, or "".
    """

    target: str
    emoji: str = ""
    removed: bool = False
    sender: Sender = Sender()


class Edit(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="edit"):
    """The envelope `target` (hex id) says something else now: `content` takes the place of all of it."""

    target: str
    content: Text | Media
    sender: Sender = Sender()


class Redaction(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="redaction"):
    """The envelope `target` (hex id) was taken back by whoever wrote it."""

    target: str
    sender: Sender = Sender()


class Vote(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="vote"):
    """What a person chooses in the poll `target` (hex id), in the words of its options; none: they withdraw."""

    target: str
    options: tuple[str, ...] = ()
    sender: Sender = Sender()


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="receipt"):
    """What became of messages on the receiving side. `targets` are hex ids of envelopes."""

    state: ReceiptState
    targets: tuple[str, ...]
    sender: Sender = Sender()


class Typing(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="typing"):
    """Somebody is writing, or has stopped. Never stored: it means nothing a moment later."""

    on: bool = True
    sender: Sender = Sender()


class Notice(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="notice"):
    """A line from Gearmesh itself: a key with arguments, put into words by the receiving side."""

    key: str
    args: dict[str, str] = {}
    sender: Sender = Sender()


class Membership(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="membership"):
    """Somebody has come to a group or left it, or a room of it has become something else.

    `sender` is who it is about. `text` is the new `name` or `topic`, else the reason that they gave, or "".
    """

    change: MembershipChange
    text: str = ""
    sender: Sender = Sender()


Message = Text | Media | Location | Contacts | Poll | Product
"""What stands by itself in a conversation."""
Change = Reaction | Edit | Redaction | Vote
"""What is about another envelope, its `target`."""
Content = Message | Change | Membership | Receipt | Typing | Notice
Kind = TypeVar("Kind", bound=msgspec.Struct)


def replaced(content: Kind, /, **changes: Any) -> Kind:
    """A copy of `content` with fields changed."""
    return msgspec.structs.replace(content, **changes)


def words_of(content: Content) -> str:
    """What a person has typed in it; "" where there is nothing to type."""
    match content:
        case Text(text=text):
            return text
        case Media(caption=caption):
            return caption
        case Product(text=text):
            return text
        case Poll(question=question):
            return question
        case Edit(content=new):
            return words_of(new)
        case _:
            return ""
