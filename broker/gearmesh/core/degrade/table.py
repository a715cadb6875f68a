"""How every kind of content looks in words: the table that a new kind gets a row in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import msgspec

from gearmesh.core.degrade.changes import DELETED, EDITED, VOTED, edited, marked_changes, reacted, voted
from gearmesh.core.degrade.fitting import Fitting
from gearmesh.core.degrade.lines import (
    ADVERTISED,
    ASKED,
    LISTED,
    MEMBERS,
    ORDERED,
    PERSON,
    PLACE,
    SEEN_ONCE,
    asked,
    filed,
    for_sale,
    listed_cards,
    located,
    moved,
)
from gearmesh.core.degrade.naming import MEDIA_NAMES, first_words
from gearmesh.core.markup import plain_words, unbroken
from gearmesh.core.notices import words as notice_words
from gearmesh.model.capabilities import Feature
from gearmesh.model.content import (
    Contacts,
    Content,
    Edit,
    Location,
    Media,
    Membership,
    Notice,
    Poll,
    Product,
    Reaction,
    Receipt,
    Redaction,
    Text,
    Typing,
    Vote,
)

NOTICE: Final = "⚙"
FORWARDED: Final = "↪ forwarded"
ANSWERS: Final = "↩ "


class Said(msgspec.Struct, frozen=True, gc=False):
    """Content in words: the plain `line` before them, the words, and the plain line `after` them."""

    text: str
    markup: bool = False
    line: str = ""
    after: str = ""


class Row(msgspec.Struct, frozen=True):
    """One kind of content.

    `feature` is what capabilities call it, `words` how it looks where it is not shown as it is (None: such a thing is
    not put into words), `name` what it is called when another message is about it, and `begins` how its words begin.
    `shown` says how the network can show it as it is: `alone` as a message, `there` at the message that it is about;
    "" for what never goes as it is, or has words of its own to be fitted first. `points`: in words, it is an answer to
    the message that it is about.
    """

    feature: Callable[[Any], Feature]
    words: Callable[[Any, Fitting], Said] | None
    name: Callable[[Any], str]
    begins: Mapping[str, Feature] = {}
    shown: Literal["", "alone", "there"] = ""
    points: bool = False


def feature_of(content: Content) -> Feature:
    """What capabilities call this kind of content."""
    return TABLE[type(content)].feature(content)


def features_of(content: Content) -> tuple[Feature, ...]:
    """All that a network should be able to show for this content to arrive as it is: its kind first."""
    inner = content.content if isinstance(content, Edit) else content
    wanted: dict[Feature, bool] = {
        "formatting": getattr(inner, "markup", False),
        "buttons": bool(getattr(inner, "buttons", ())),
        "view_once": getattr(inner, "view_once", False),
        "forward": getattr(inner, "forwarded", False),
        "reply": bool(getattr(inner, "reply_to", "")),
    }
    return (feature_of(content), *(feature for feature, is_wanted in wanted.items() if is_wanted))


def quote_words(content: Content) -> str:
    """The first words of any content, in one line, for where another message is about it."""
    return first_words(TABLE[type(content)].name(content))


def recognised(text: str) -> Feature | None:
    """What a message in words was, by how it begins; None for one that was words from the beginning.

    Lines that say who wrote, that it was forwarded or what it answers come before. Where nothing else is found, they
    tell at least that: `forward` or `reply`.
    """
    beside: Feature | None = None
    for number, said in enumerate(unbroken(text).split("\n")):
        line = NUMBERED.sub("", said)
        for begins, feature in BEGINNINGS:
            if begins.match(line):
                return feature
        if line == FORWARDED:
            beside = "forward"
        elif line.startswith(ANSWERS):
            beside = beside or "reply"
        elif number or not line.endswith(":"):
            break
    return beside


def about(fitting: Fitting) -> str:
    """The words of the message that something is about; "" when they are not known."""
    known = fitting.quoted.content if fitting.quoted else None
    return TABLE[type(known)].name(known) if known is not None else ""


def _text(content: Text, _: Fitting) -> Said:
    return Said(content.text, content.markup)


def _media(content: Media, fitting: Fitting) -> Said:
    return Said(content.caption, content.markup, filed(content), fitting.link)


def _edit(content: Edit, fitting: Fitting) -> Said:
    new = content.content
    said = _text(new, fitting) if isinstance(new, Text) else _media(new, fitting)
    old = fitting.quoted.content if fitting.quoted else None
    if isinstance(new, Text) and not new.markup:
        if old is None:
            return Said(f"{EDITED} edited: {new.text}")
        if isinstance(old, Text):
            dialect = fitting.capabilities.dialect
            by_marks = dialect is not None and bool(dialect.bold) and fitting.capabilities.shows("formatting")
            said = Said(*marked_changes(plain_words(old.text, old.markup), new.text, by_marks))
    line = "\n".join(line for line in (edited(about(fitting)), said.line) if line)
    return Said(said.text, said.markup, line, said.after)


def _named(media: Media) -> str:
    name, caption = MEDIA_NAMES[media.media], plain_words(media.caption, media.markup).strip()
    return f"{name}: {caption}" if caption else name


def _sold(product: Product) -> str:
    titles = ", ".join(listing.title or listing.retailer_id for listing in product.listings)
    return product.text if product.text.strip() else titles or "a product"


TABLE: Final[Mapping[type, Row]] = {
    Text: Row(lambda _: "text", _text, lambda text: plain_words(text.text, text.markup)),
    Media: Row(
        lambda media: media.media,
        _media,
        _named,
        {
            rf"\[{re.escape(SEEN_ONCE)}": "view_once",
            **{rf"\[{re.escape(name)}(?:\]|: )": kind for kind, name in MEDIA_NAMES.items()},
        },
    ),
    Location: Row(
        lambda _: "location",
        lambda place, _: Said(located(place)),
        lambda place: f"location: {place.name or place.address}".removesuffix(": "),
        {PLACE: "location"},
        shown="alone",
    ),
    Contacts: Row(
        lambda _: "contacts",
        lambda contacts, _: Said(listed_cards(contacts)),
        lambda contacts: f"contact: {', '.join(card.name for card in contacts.cards)}".removesuffix(": "),
        {PERSON: "contacts"},
        shown="alone",
    ),
    Poll: Row(
        lambda _: "poll", lambda poll, _: Said(asked(poll)), lambda poll: poll.question, {ASKED: "poll"}, shown="alone"
    ),
    Product: Row(
        lambda _: "product",
        lambda product, _: Said(for_sale(product)),
        _sold,
        {LISTED: "product", ORDERED: "product", ADVERTISED: "product"},
        shown="alone",
    ),
    Reaction: Row(
        lambda _: "reaction",
        lambda reaction, fitting: Said(reacted(reaction, about(fitting))),
        lambda reaction: reaction.emoji or "a reaction",
        {
            r"took back .* (?:from|to) (?:“|an earlier message$)": "reaction",
            r"(?:reacted\b.{0,20}|[^\w\s“].{0,16}) to (?:“|an earlier message$)": "reaction",
        },
        shown="there",
        points=True,
    ),
    Edit: Row(lambda _: "edit", _edit, lambda edit: quote_words(edit.content), {EDITED: "edit"}, points=True),
    Redaction: Row(
        lambda _: "redaction",
        lambda *_: Said(f"{DELETED} a message was deleted"),
        lambda _: "a deleted message",
        {DELETED: "redaction"},
        shown="there",
    ),
    Vote: Row(
        lambda _: "vote",
        lambda vote, fitting: Said(voted(vote, about(fitting), fitting.can_point)),
        lambda vote: ", ".join(vote.options) or "a vote",
        {VOTED: "vote"},
        points=True,
    ),
    Membership: Row(
        lambda _: "membership",
        lambda membership, fitting: Said(moved(membership, fitting.place)),
        lambda membership: moved(membership, ""),
        {MEMBERS: "membership"},
    ),
    Notice: Row(
        lambda _: "notice",
        lambda notice, _: Said(f"{NOTICE} {notice_words(notice.key, notice.args)}"),
        lambda notice: notice_words(notice.key, notice.args),
        {NOTICE: "notice"},
    ),
    Receipt: Row(lambda receipt: "delivered" if receipt.state == "delivered" else "read", None, lambda _: "a receipt"),
    Typing: Row(lambda _: "typing", None, lambda _: "a typing mark"),
}
"""A row for every kind of `Content`."""
BEGINNINGS: Final = [(re.compile(begins), feature) for row in TABLE.values() for begins, feature in row.begins.items()]
NUMBERED: Final = re.compile(r"^\(\d+/\d+\) ")
