"""What a person can send, by network: the JSON of the control API, checked, as a draft."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from gearmesh_meta.sandbox.exchange import Draft
from gearmesh_meta.sandbox.settings import Network
from gearmesh_meta.sandbox.things import Advertisement, Ballot, ContactCard, Goods, Place, Post, Story

from .answers import Refused

MediaType = Literal["image", "video", "gif", "audio", "voice", "file", "sticker"]


class NewMedia(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file to send, as base64 or by an address to fetch it from."""

    type: MediaType
    mime: str | None = None
    base64: str | None = None
    url: str | None = None
    name: str | None = None


class NewReaction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reaction to a message, in the place of an earlier one; without emoji it is taken back."""

    message_id: str
    emoji: str | None = None


class NewMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person sends: text, or one thing, with which text may go where the network has captions for it."""

    text: Annotated[str, Meta(max_length=65_536)] = ""
    reply_to: str | None = None
    media: NewMedia | None = None
    view_once: bool = False
    place: Place | None = None
    contacts: Annotated[tuple[ContactCard, ...], Meta(max_length=257)] = ()
    goods: Annotated[tuple[Goods, ...], Meta(max_length=10)] = ()
    order: Annotated[tuple[Goods, ...], Meta(max_length=30)] = ()
    ballot: Ballot | None = None
    story: Story | None = None
    post: Post | None = None
    heart: bool = False
    unsupported: str | None = None
    advertisement: Advertisement | None = None
    reaction: NewReaction | None = None


#: The things of which a message has one, and where there are such messages.
_THINGS: Final[dict[str, tuple[Network, ...]]] = {
    "media": ("whatsapp", "messenger", "instagram"),
    "place": ("whatsapp", "messenger"),
    "contacts": ("whatsapp",),
    "goods": ("whatsapp", "messenger", "instagram"),
    "order": ("whatsapp",),
    "ballot": ("whatsapp",),
    "story": ("instagram",),
    "post": ("messenger", "instagram"),
    "heart": ("instagram",),
    "unsupported": ("whatsapp", "messenger", "instagram"),
    "reaction": ("whatsapp", "messenger", "instagram"),
}
#: Things that have text with them on every network; a file has a caption on WhatsApp only.
_WITH_TEXT: Final = frozenset({"media", "goods", "order", "story"})
#: Names under `unsupported` in WhatsApp's webhook reference, 2026.
_UNSUPPORTED: Final = (
    "button", "edit", "errors", "gif", "group_invite", "hsm", "image", "interactive", "keep_in_chat", "link_preview",
    "list", "location", "media_placeholder", "order", "pin", "poll_creation", "poll_update", "product", "reaction",
)  # fmt: skip


def check(network: Network, new: NewMessage) -> str:
    """The name of the one thing that is sent, or "text". Raises Refused."""
    given = [name for name in _THINGS if getattr(new, name)] + (["unsupported"] if new.unsupported == "" else [])
    if len(given) > 1:
        raise Refused(f"a message has one of {', '.join(given)}; send one after the other")
    thing = given[0] if given else "text"
    if thing != "text" and network not in _THINGS[thing]:
        raise Refused(f"nobody can send {thing} on {network}; it is for {' and '.join(_THINGS[thing])}")
    if new.text and thing not in _WITH_TEXT | {"text"}:
        raise Refused(f"{thing} goes without text; leave it out")
    if thing == "text" and not new.text:
        raise Refused(f"give text or one of {', '.join(_THINGS)}")
    _check_details(network, new, thing)
    return thing


def draft(network: Network, new: NewMessage, thing: str) -> Draft:
    """What is sent when it is no file and no reaction."""
    kinds = {
        "place": "location",
        "goods": "text" if network == "whatsapp" else "product",
        "ballot": "poll",
        "story": "text" if new.text else "story_mention",
        "heart": "like_heart",
    }
    return Draft(
        type=kinds.get(thing, thing),
        text="❤️" if new.heart else new.unsupported or new.text,
        reply_to=new.reply_to,
        place=new.place,
        contacts=new.contacts,
        goods=new.goods or new.order,
        advertisement=new.advertisement,
        ballot=new.ballot,
        story=new.story,
        post=new.post,
    )


def _check_details(network: Network, new: NewMessage, thing: str) -> None:
    if new.advertisement is not None and thing != "text":
        raise Refused("people come from an advertisement with a text; leave out everything else")
    if new.reply_to is not None and thing in ("story", "heart", "unsupported"):
        raise Refused(f"{thing} answers no message; leave out reply_to")
    if thing == "story" and new.story is not None and (new.story.kind == "reply") != bool(new.text):
        raise Refused("a reply to a story has text, a mention has none")
    if thing == "goods" and network == "whatsapp" and (len(new.goods) != 1 or not new.text):
        raise Refused("on WhatsApp people ask about one product: give one of goods, and text")
    if thing == "order" and not all(goods.retailer_id and goods.catalog_id for goods in new.order):
        raise Refused("what is ordered has a retailer_id and a catalog_id")
    if thing == "unsupported" and network == "whatsapp" and new.unsupported not in _UNSUPPORTED:
        raise Refused(f"unsupported is one of {', '.join(_UNSUPPORTED)}")
    once = new.media is not None and new.media.type in ("image", "video", "voice") and network != "messenger"
    if new.view_once and not (once and not new.text):
        raise Refused("view_once is for images, videos and voice notes on whatsapp and instagram, without text")
