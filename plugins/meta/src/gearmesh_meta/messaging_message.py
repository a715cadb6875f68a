"""What one person writes, taps and changes on Messenger and Instagram, put into our words.

Messenger Platform and Instagram webhook references, mid-2026. A message with several parts becomes several, whose ids
are the message's own with a number behind it; what it is about (an advertisement, a product) comes before it.
"""

from __future__ import annotations

import re
from typing import Any, Final

from gearmesh import (
    ChatOpened,
    EchoReceived,
    EditReceived,
    Event,
    Message,
    MessageReceived,
    Product,
    ReactionReceived,
    RedactionReceived,
    Text,
    Unparsed,
    part_id,
)
from gearmesh_meta.attachments import attachments_of, content_of, kind_of, repeats
from gearmesh_meta.emoji import emoji_for, emoji_in
from gearmesh_meta.fields import flag, identifier, mapping, text
from gearmesh_meta.origin import Origin
from gearmesh_meta.outgoing import whole_message
from gearmesh_meta.piece import Piece
from gearmesh_meta.products import messenger_advert, messenger_order, messenger_subject

_GET_STARTED: Final = frozenset({"GET_STARTED", "GET_STARTED_PAYLOAD"})
_HANDLE: Final = re.compile(r"handle\.@?([A-Za-z0-9][A-Za-z0-9._-]{0,63})")


def handle_in(ref: object) -> str:
    """The handle that a link asks for: "ada" in `handle.ada`; "" when the link asks for none."""
    found = _HANDLE.fullmatch(text(ref))
    return found[1].lower() if found else ""


def echo(message: dict[str, Any], native_id: str, reader: str, at: int, origin: Origin) -> EchoReceived:
    """Messenger brings our own id back as metadata. Instagram takes none along: there the words must do."""
    delivery_id = origin.delivery_id(message.get("metadata"))
    return EchoReceived(native_id, reader, reader, at, delivery_id, text(message.get("text")))


def message_events(piece: Piece, message: dict[str, Any], author: str, at: int, origin: Origin) -> list[Event]:
    """The events of one message, in order: at least one, but for an echo that names nothing."""
    native_id = identifier(message.get("mid"))
    if flag(message.get("is_echo")):
        reader = identifier(mapping(piece.item.get("recipient")).get("id"))
        return [echo(message, native_id, reader, at, origin)] if native_id else []
    if not author or not native_id:
        return [piece.kept("a message without sender or id", author, "message", native_id)]
    if flag(message.get("is_deleted")):
        return [RedactionReceived(author, author, at, native_id)]
    # Some tests of integrators have the reaction inside the message.
    change = change_event(message, author, at)
    if change is not None:
        return [change]
    referral = mapping(message.get("referral"))
    events: list[Event] = []
    if handle_in(referral.get("ref")):
        events.append(ChatOpened(author, author, at, None, handle_in(referral.get("ref"))))
    parts = _parts(piece, message, native_id, author, origin)
    subjects = (messenger_advert(referral), messenger_subject(referral))
    cards = [card for card in subjects if card is not None]
    for number, card in enumerate(cards, start=len(parts)):
        events.append(MessageReceived(part_id(native_id, number), author, author, at, card))
    quoted, count = identifier(mapping(message.get("reply_to")).get("mid")), len(parts) + len(cards)
    for number, part in enumerate(parts):
        if not isinstance(part, Unparsed):
            name, said = part_id(native_id, number), 1 if number else count
            events.append(MessageReceived(name, author, author, at, part, quoted, None, said))
            quoted = ""
    return events + [part for part in parts if isinstance(part, Unparsed)]


def postback_events(piece: Piece, postback: dict[str, Any], author: str, at: int) -> list[Event]:
    """A button that was tapped: what stands on it is what the person says."""
    title, payload = text(postback.get("title")), text(postback.get("payload"))
    referral = mapping(postback.get("referral"))
    if not author:
        return [piece.kept("a postback without sender", kind="postback")]
    native_id = identifier(postback.get("mid")) or f"postback:{author}:{at}"
    starts = payload.strip("<>_") in _GET_STARTED
    # Buttons of old have no title: then only the payload says which was tapped. Links have a payload too.
    said = "" if starts else title or ("" if referral else payload)
    events = _opened(referral, author, at, part_id(native_id, 1 if said else 0)) if referral or starts else []
    if said:
        parts = 2 if len(events) > 1 else 1
        events.append(MessageReceived(native_id, author, author, at, Text(said), parts=parts))
    return events or [piece.kept("a postback without words", author, "postback", native_id)]


def referral_events(referral: dict[str, Any], author: str, at: int) -> list[Event]:
    """Somebody followed a link, or an advertisement, into the chat."""
    return _opened(referral, author, at, f"referral:{author}:{at}")


def change_event(item: dict[str, Any], author: str, at: int) -> Event | None:
    """A reaction, an edit, or an order, wherever it stands; None where there is none, or it says too little."""
    if isinstance(item.get("reaction"), dict):
        return _reaction(item["reaction"], author, at)
    if isinstance(item.get("message_edit"), dict):
        return _edit(item["message_edit"], author, at)
    if isinstance(item.get("order"), dict):
        order = messenger_order(item["order"])
        return MessageReceived(f"order:{author}:{at}", author, author, at, order) if order is not None else None
    return None


def _opened(referral: dict[str, Any], author: str, at: int, native_id: str) -> list[Event]:
    events: list[Event] = [ChatOpened(author, author, at, None, handle_in(referral.get("ref")))]
    advert: Product | None = messenger_advert(referral)
    if advert is not None:
        events.append(MessageReceived(native_id, author, author, at, advert))
    return events


def _parts(
    piece: Piece, message: dict[str, Any], native_id: str, author: str, origin: Origin
) -> list[Message | Unparsed]:
    said = text(message.get("text")) or text(mapping(message.get("quick_reply")).get("payload"))
    story = text(mapping(mapping(message.get("reply_to")).get("story")).get("url"))
    words = "\n".join(part for part in (said, story and f"📷 answer to a story: {story}") if part)
    parts: list[Message | Unparsed] = [Text(words)] if words else []
    for attachment in attachments_of(message):
        if not repeats(attachment, said):
            content = content_of(attachment, origin.app)
            # The count holds what is not understood yet, so that ids stay when that is.
            parts.append(content or _unknown(piece, message, attachment, part_id(native_id, len(parts)), author))
    if not parts:
        kind = "unsupported" if flag(message.get("is_unsupported")) else "message"
        kind = "reaction" if "reaction" in message else kind
        parts.append(piece.kept(f"{kind} without content", author, kind, native_id))
    return parts


def _unknown(
    piece: Piece, message: dict[str, Any], attachment: dict[str, Any], native_id: str, author: str
) -> Unparsed:
    """An attachment that is not understood, kept as a message by itself under the id of its part."""
    kind = kind_of(attachment)
    alone: dict[str, Any] = {"mid": native_id, "attachments": [attachment]}
    quoted = mapping(message.get("reply_to")).get("mid")
    if quoted:
        alone["reply_to"] = {"mid": quoted}
    item = {key: piece.item[key] for key in ("sender", "recipient", "timestamp") if key in piece.item}
    apart = Piece(piece.frame, piece.key, {**item, "message": alone})
    return apart.kept(f"attachment {kind} is not understood", author, kind, whole_message(native_id))


def _reaction(reaction: dict[str, Any], author: str, at: int) -> Event | None:
    """A reaction is an emoji, a word for one, or both; one that is taken back has neither."""
    target, action = identifier(reaction.get("mid")), text(reaction.get("action"))
    emoji = emoji_in(reaction.get("emoji")) or emoji_for(reaction.get("reaction"))
    if not target or not (emoji or action == "unreact"):
        return None
    return ReactionReceived(author, author, at, target, emoji, removed=action == "unreact")


def _edit(edit: dict[str, Any], author: str, at: int) -> Event | None:
    """A text that was changed. Meta counts the edits, as a number or as a string of digits."""
    target, said = identifier(edit.get("mid")), text(edit.get("text"))
    if not target or not said:
        return None
    return EditReceived(author, author, at, target, Text(said), identifier(edit.get("num_edit")))
