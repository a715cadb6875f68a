"""One WhatsApp message put into our words (Cloud API webhook reference, v23.0 to v25.0)."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from gearmesh import (
    ChatOpened,
    Contacts,
    EditReceived,
    Event,
    Location,
    Media,
    Message,
    MessageReceived,
    Profile,
    ReactionReceived,
    RedactionReceived,
    Text,
    part_id,
)
from gearmesh_meta.aliases import Aliases, spelled_out
from gearmesh_meta.capabilities import WHATSAPP
from gearmesh_meta.codes import error_detail
from gearmesh_meta.emoji import emoji_in
from gearmesh_meta.fields import flag, identifier, mapping, mappings, milliseconds, phone_number, text
from gearmesh_meta.origin import Origin
from gearmesh_meta.piece import Piece
from gearmesh_meta.products import whatsapp_advert, whatsapp_subject
from gearmesh_meta.whatsapp_content import MEDIA, content_of, kind_of, type_of
from gearmesh_meta.words import spoken

_MOVES: Final = frozenset({"user_changed_number", "customer_changed_number", "user_changed_user_id"})
"""News that a person has another number or BSUID; `customer_changed_number` is its name of 2022."""


class Author(msgspec.Struct, frozen=True):
    """Who wrote. `user` is "" where nobody is named."""

    user: str
    profile: Profile | None


def message_events(piece: Piece, author: Author, origin: Origin, aliases: Aliases) -> list[Event]:
    """The events of one message, in order: at least one, but for news of a number, which `aliases` learns."""
    message, user = mapping(piece.item), author.user
    native_id, kind = identifier(message.get("id")), type_of(message)
    if kind == "system":
        return _system(piece, message, native_id, aliases)
    if message.get("group_id") is not None:
        return [piece.kept("messages of WhatsApp groups are not bridged", kind="group", native_id=native_id)]
    if not user or not native_id:
        return [piece.kept("a message without sender or id", user, kind_of(message), native_id)]
    at = milliseconds(message.get("timestamp"), origin.received_at)
    match kind:
        case "request_welcome":
            return [ChatOpened(user, user, at, author.profile)]
        case "reaction" | "edit" | "revoke":
            change = _change(kind, mapping(message.get(kind)), author, at, origin.app, native_id)
            return [change if change is not None else _not_understood(piece, message, user, native_id)]
        case _:
            return _said(piece, message, kind, author, at, origin.app, native_id)


def _said(
    piece: Piece, message: dict[str, Any], kind: str, author: Author, at: int, app: str, native_id: str
) -> list[Event]:
    """What stands by itself, after what it is about: an advertisement, a product."""
    context = mapping(message.get("context"))
    subjects = (whatsapp_advert(mapping(message.get("referral"))), whatsapp_subject(context))
    cards = [card for card in subjects if card is not None]
    content = content_of(kind, message, app)
    lost = kind in MEDIA and bool(mappings(message.get("errors")))
    if lost:
        # WhatsApp could not fetch the file itself (131052): what was written below it came through.
        caption, markup = spoken(text(mapping(message.get(kind)).get("caption")), WHATSAPP.dialect)
        content = Text(caption, markup=markup) if caption else None
    elif content is not None and (flag(context.get("forwarded")) or flag(context.get("frequently_forwarded"))):
        content = _forwarded(content)
    user, profile = author.user, author.profile
    # Reactions and edits name the message: they are about what was said, not about the card before it.
    events: list[Event] = [
        MessageReceived(part_id(native_id, number), user, user, at, card, "", profile)
        for number, card in enumerate(cards, start=1)
    ]
    if content is not None:
        quoted, parts = identifier(context.get("id")), 1 + len(cards)
        events.append(MessageReceived(native_id, user, user, at, content, quoted, profile, parts))
    if content is None or lost:
        events.append(_not_understood(piece, message, user, native_id))
    return events


def _not_understood(piece: Piece, message: dict[str, Any], user: str, native_id: str) -> Event:
    kind = kind_of(message)
    errors = "; ".join(error_detail(error) for error in mappings(message.get("errors")))
    detail = f"{kind} is not understood" + (f": {errors[:300]}" if errors else "")
    return piece.kept(detail, user, kind, native_id)


def _change(kind: str, body: dict[str, Any], author: Author, at: int, app: str, native_id: str) -> Event | None:
    """What is about an earlier message; None where it is not said about which, or what."""
    user, profile = author.user, author.profile
    if kind == "reaction":
        target, shown = identifier(body.get("message_id")), body.get("emoji")
        emoji = emoji_in(shown)
        # A reaction that is taken back has no emoji, or an empty one; anything else in its place is none.
        if not target or (shown and not emoji):
            return None
        return ReactionReceived(user, user, at, target, emoji, removed=not emoji, profile=profile)
    target = identifier(body.get("original_message_id"))
    if not target:
        return None
    if kind == "revoke":
        return RedactionReceived(user, user, at, target, profile)
    inner = mapping(body.get("message"))
    content = content_of(type_of(inner), inner, app)
    if not isinstance(content, (Text, Media)):
        return None
    return EditReceived(user, user, at, target, content, native_id, profile)


def _forwarded(content: Message) -> Message:
    """The same, marked as forwarded where there is a mark for it."""
    match content:
        case Text() | Media() | Location() | Contacts():
            return msgspec.structs.replace(content, forwarded=True)
        case _:
            return content


def _system(piece: Piece, message: dict[str, Any], native_id: str, aliases: Aliases) -> list[Event]:
    """WhatsApp speaks here, not the person: whatever it is, nobody is told that their message was not understood."""
    news = mapping(message.get("system"))
    said, kind = text(news.get("body")), identifier(news.get("type"))
    if kind in _MOVES:
        spelled = spelled_out(said)
        before = (news.get("previous_user_id"), message.get("from"), message.get("from_user_id"), spelled[0])
        after = (news.get("wa_id"), news.get("new_wa_id"), news.get("user_id"), spelled[1])
        if aliases.moved(map(phone_number, before), map(phone_number, after)):
            return []
    return [piece.kept(f"system message: {said[:300]}", kind="system", native_id=native_id)]
