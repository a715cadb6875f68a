"""What a message can hold besides words and a file: places, people, goods, polls, buttons, stories.

One set of shapes for the three networks, as the person sees things on the phone; the control API takes and gives them
as JSON, without the fields that say nothing. Ids are those that Meta's webhooks and sends carry.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

#: Who did something to a message: the person whose phone it is, or the business.
Who = Literal["person", "business"]

ButtonKind = Literal["reply", "list", "template", "quick_reply", "postback", "url"]


class Place(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A location, in degrees (WGS 84)."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    name: str = ""
    address: str = ""
    url: str = ""


class ContactCard(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A contact. `vcard` is the whole card, where one came along."""

    name: Annotated[str, Meta(min_length=1)]
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    organisation: str = ""
    vcard: str = ""


class Goods(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One thing for sale, on its card. `price` is written out with its currency ("30.00 USD").

    `retailer_id` is the seller's id for it, `id` and `catalog_id` are Meta's; `quantity` is how many are ordered.
    """

    title: str
    text: str = ""
    price: str = ""
    picture: str = ""
    url: str = ""
    id: str = ""
    retailer_id: str = ""
    catalog_id: str = ""
    quantity: int = 0


class Advertisement(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The advertisement, or the post, that the person came from."""

    title: str
    text: str = ""
    url: str = ""
    picture: str = ""
    id: str = ""
    ref: str = ""


class Ballot(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A poll: a question with at least two options; `several`: more than one may be chosen."""

    question: Annotated[str, Meta(min_length=1)]
    options: Annotated[tuple[str, ...], Meta(min_length=2, max_length=12)]
    several: bool = False


class Button(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What the person can tap under a message. `id` goes back to the business: a reply's id, a payload.

    `reply`, `list` and `template` are WhatsApp's (interactive buttons, rows of a list, quick replies of a template),
    `quick_reply` and `postback` Messenger's and Instagram's. A `url` opens in the browser and tells nobody.
    """

    kind: ButtonKind
    title: str
    id: str = ""
    text: str = ""
    url: str = ""


class Story(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A story of Instagram, answered (`reply`) or in which the person has named the business (`mention`).

    `url` is its picture or video.
    """

    kind: Literal["reply", "mention"]
    url: str
    id: str = ""


class Post(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A post or a reel that the person passes on. `url` is its picture or video."""

    kind: Literal["post", "reel"]
    url: str
    title: str = ""
    id: str = ""


class Version(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a message said until it was edited at `time` (milliseconds since the epoch)."""

    text: str
    time: int
