"""Messenger and Instagram webhooks put into our words: both have the same envelope, objects `page` and `instagram`.

Messenger Platform and Instagram webhook references, mid-2026. Times are milliseconds. Instagram's events come in three
places (`messaging`, `changes`, or field and value in the entry itself, by the kind of login): all are read. Nothing
here raises, whatever the JSON: what is not understood comes out as `Unparsed`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, Literal

from gearmesh import (
    ChatOpened,
    EchoReceived,
    Event,
    Message,
    MessageReceived,
    ReadUpTo,
    ReceiptReceived,
    Text,
    Unparsed,
)
from gearmesh_meta.attachments import attachments_of, content_of, repeats
from gearmesh_meta.fields import compact, flag, identifier, mapping, milliseconds, text
from gearmesh_meta.origin import Origin
from gearmesh_meta.outgoing import whole_message
from gearmesh_meta.piece import Body, Entry, Piece

Object = Literal["page", "instagram"]

_MESSAGE_FIELDS: Final = re.compile(r"messag(?:es|ing|e)[a-z_]*|standby")
_SILENT_FIELDS: Final = frozenset({"story_insights"})
_SILENT_KEYS: Final = frozenset(
    {
        "account_linking",
        "app_roles",
        "game_play",
        "optin",
        "pass_thread_control",
        "policy_enforcement",
        "request_thread_control",
        "response_feedback",
        "take_thread_control",
        "typing",
    }
)
"""Signals about the conversation or the account: nobody's words are in them."""

_KINDS: Final = {
    "message_edit": "edit",
    "reaction": "reaction",
    "order": "order",
    "payment": "payment",
    "pre_checkout": "payment",
    "checkout_update": "payment",
}
_ATTACHMENTS: Final = {"unsupported_type": "unsupported"}
"""Meta's names for attachments that people call something else."""

_GET_STARTED: Final = frozenset({"GET_STARTED", "GET_STARTED_PAYLOAD"})
_HANDLE: Final = re.compile(r"handle\.@?([A-Za-z0-9][A-Za-z0-9._-]{0,63})")


def parse(payload: object, kind: Object, origin: Origin) -> list[Event]:
    """The events of one webhook, in order."""
    body = mapping(payload)
    entries = body.get("entry")
    if body.get("object") != kind or not isinstance(entries, list):
        return [Unparsed(compact(payload), f"expected object {kind} with a list of entries", kind="malformed")]
    events: list[Event] = []
    for entry in entries:
        if not isinstance(entry, dict):
            events.append(Piece(Body(kind), "entry", entry).malformed("an entry that is an object"))
            continue
        frame = Entry(Body(kind), identifier(entry.get("id")))
        for item in _items(entry, frame):
            if isinstance(item, Unparsed):
                events.append(item)
            else:
                events += _event(Piece(frame, "messaging", item), frame.account, origin)
    return events


def handle_in(ref: object) -> str:
    """The handle that a link asks for: "ada" in `handle.ada`; "" when the link asks for none."""
    found = _HANDLE.fullmatch(text(ref))
    return found[1].lower() if found else ""


def _items(entry: dict[str, Any], frame: Entry) -> Iterator[dict[str, Any] | Unparsed]:
    """The messaging events of an entry, wherever they stand."""
    known = [key for key in ("messaging", "changes", "field", "standby") if key in entry]
    if not known:
        yield Piece(frame.body, "entry", entry).malformed("an entry with messaging or changes")
    messaging = entry.get("messaging", [])
    for item in messaging if isinstance(messaging, list) else [messaging]:
        if isinstance(item, dict):
            yield item
        else:
            yield Piece(frame, "messaging", item).malformed("a messaging event that is an object")
    standby = entry.get("standby", [])
    for item in standby if isinstance(standby, list) else [standby]:
        yield from _standby(item, frame)
    changes = entry.get("changes", [])
    listed = list(changes) if isinstance(changes, list) else [changes]
    if "field" in entry:
        listed.append({key: entry[key] for key in ("field", "value") if key in entry})
    for change in listed:
        yield from _change(change, frame)


def _change(change: object, frame: Entry) -> Iterator[dict[str, Any] | Unparsed]:
    field, value = text(mapping(change).get("field")), mapping(change).get("value")
    if field in _SILENT_FIELDS:
        return
    if field == "standby":
        yield from _standby(value, frame)
    elif _MESSAGE_FIELDS.fullmatch(field) and isinstance(value, dict):
        yield value
    else:
        kind = field[:80] or "malformed"
        yield Piece(frame, "changes", change).kept(f"webhook field {kind} is not known here", kind=kind)


def _standby(item: object, frame: Entry) -> Iterator[Unparsed]:
    """What a person writes while another app has the thread: not ours to answer, but kept where operators see it."""
    if {"message", "postback"}.intersection(mapping(item)):
        yield Piece(frame, "standby", item).kept("another app has this thread (standby)", kind="standby")


def _event(piece: Piece, owner: str, origin: Origin) -> list[Event]:
    item: dict[str, Any] = piece.item
    sender, recipient = mapping(item.get("sender")), mapping(item.get("recipient"))
    author, reader = identifier(sender.get("id")), identifier(recipient.get("id"))
    ours = {origin.account, owner} if origin.any_account else {origin.account}
    if not ours & {author, reader} and (reader or owner) not in ours and not origin.any_account:
        return [origin.foreign(piece, reader or owner)]
    at = milliseconds(item.get("timestamp"), origin.received_at)
    if author in ours and author != reader:
        return _own(item, reader, at, origin)
    if _SILENT_KEYS.intersection(item):
        return []
    if isinstance(item.get("message"), dict):
        return _message(piece, item["message"], author, at, origin)
    if isinstance(item.get("postback"), dict):
        return _postback(piece, item["postback"], author, at)
    if isinstance(item.get("referral"), dict) and author:
        return [ChatOpened(author, author, at, None, handle_in(item["referral"].get("ref")))]
    for state in ("delivery", "read"):
        if isinstance(item.get(state), dict):
            return [_receipt(piece, item[state], author, at, state == "read")]
    kind = next((name for key, name in _KINDS.items() if key in item), "message")
    native_id = identifier(mapping(item.get("message_edit") or item.get("reaction")).get("mid"))
    return [piece.kept(f"{kind} is not understood", author, kind, native_id)]


def _own(item: dict[str, Any], reader: str, at: int, origin: Origin) -> list[Event]:
    """What went out from our own account: messages are echoes, and of all else the person sees the effect already."""
    message = mapping(item.get("message"))
    native_id = identifier(message.get("mid"))
    if not native_id or not reader or flag(message.get("is_deleted")):
        return []
    return [_echo(message, native_id, reader, at, origin)]


def _echo(message: dict[str, Any], native_id: str, reader: str, at: int, origin: Origin) -> EchoReceived:
    """Messenger brings our own id back as metadata. Instagram takes none along: there the words must do."""
    delivery_id = origin.delivery_id(message.get("metadata"))
    return EchoReceived(native_id, reader, reader, at, delivery_id, text(message.get("text")))


def _message(piece: Piece, message: dict[str, Any], author: str, at: int, origin: Origin) -> list[Event]:
    native_id = identifier(message.get("mid"))
    if flag(message.get("is_echo")):
        reader = identifier(mapping(piece.item.get("recipient")).get("id"))
        return [_echo(message, native_id, reader, at, origin)] if native_id else []
    if not author or not native_id:
        return [piece.kept("a message without sender or id", author, "message", native_id)]
    if flag(message.get("is_deleted")):
        return [piece.kept("unsend is not understood", author, "unsend", native_id)]
    said = text(message.get("text"))
    reply = mapping(message.get("reply_to"))
    story = text(mapping(reply.get("story")).get("url"))
    words = "\n".join(part for part in (said, story and f"🔗 {story}") if part)
    parts: list[Message | Unparsed] = [Text(words)] if words else []
    for attachment in attachments_of(message):
        if not repeats(attachment, said):
            content = content_of(attachment, origin.app)
            parts.append(content or _unknown(piece, message, attachment, _part(native_id, len(parts)), author))
    events: list[Event] = []
    referral = mapping(message.get("referral"))
    if handle_in(referral.get("ref")):
        events.append(ChatOpened(author, author, at, None, handle_in(referral.get("ref"))))
    quoted = identifier(reply.get("mid"))
    for number, part in enumerate(parts):
        if not isinstance(part, Unparsed):
            events.append(MessageReceived(_part(native_id, number), author, author, at, part, quoted))
            quoted = ""
    if not parts:
        kind = "unsupported" if flag(message.get("is_unsupported")) else "message"
        kind = "reaction" if "reaction" in message else kind
        parts.append(piece.kept(f"{kind} without content", author, kind, native_id))
    return events + [part for part in parts if isinstance(part, Unparsed)]


def _part(native_id: str, number: int) -> str:
    """The id of one part of a message. It counts what is not understood yet, so that it stays when that is."""
    return f"{native_id}#{number}" if number else native_id


def _unknown(
    piece: Piece, message: dict[str, Any], attachment: dict[str, Any], native_id: str, author: str
) -> Unparsed:
    """An attachment that is not understood, kept as a message by itself under the id of its part."""
    kind = text(attachment.get("type"))[:80] or "attachment"
    kind, detail = _ATTACHMENTS.get(kind, kind), f"attachment {kind} is not understood"
    alone: dict[str, Any] = {"mid": native_id, "attachments": [attachment]}
    quoted = mapping(message.get("reply_to")).get("mid")
    if quoted:
        alone["reply_to"] = {"mid": quoted}
    item = {key: piece.item[key] for key in ("sender", "recipient", "timestamp") if key in piece.item}
    apart = Piece(piece.frame, piece.key, {**item, "message": alone})
    return apart.kept(detail, author, kind, whole_message(native_id))


def _postback(piece: Piece, postback: dict[str, Any], author: str, at: int) -> list[Event]:
    title, payload = text(postback.get("title")), text(postback.get("payload"))
    referral = mapping(postback.get("referral"))
    if not author:
        return [piece.kept("a postback without sender", kind="postback")]
    native_id = identifier(postback.get("mid")) or f"postback:{author}:{at}"
    opened = ChatOpened(author, author, at, None, handle_in(referral.get("ref")))
    if payload.strip("<>_") in _GET_STARTED:
        return [opened]
    events: list[Event] = [opened] if referral else []
    # Buttons of old have no title: then only the payload says which was tapped. Links have a payload too.
    said = title or ("" if referral else payload)
    if said:
        events.append(MessageReceived(native_id, author, author, at, Text(said)))
    return events or [piece.kept("a postback without words", author, "postback", native_id)]


def _receipt(piece: Piece, receipt: dict[str, Any], author: str, at: int, read: bool) -> Event:
    """Messenger tells a watermark, and of deliveries often the ids too; Instagram tells the id of what was read."""
    state: Literal["read", "delivered"] = "read" if read else "delivered"
    mids = receipt.get("mids")
    named = [*mids, receipt.get("mid")] if isinstance(mids, list) else [receipt.get("mid")]
    native_ids = tuple(native_id for native_id in map(identifier, named) if native_id)
    watermark = milliseconds(receipt.get("watermark"), 0)
    if native_ids:
        return ReceiptReceived(author, author, at, state, native_ids)
    if watermark and author:
        return ReadUpTo(author, author, at, watermark, state)
    return piece.kept(f"{state} without message ids or watermark", kind="receipt")
