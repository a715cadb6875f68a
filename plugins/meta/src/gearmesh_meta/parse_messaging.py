"""Messenger and Instagram webhooks put into our words: both have the same envelope, objects `page` and `instagram`.

Messenger Platform and Instagram webhook references, mid-2026. Times are milliseconds. Instagram's events come in three
places (`messaging`, `changes`, or field and value in the entry itself, by the kind of login): all are read. Nothing
here raises, whatever the JSON: what is not understood comes out as `Unparsed`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, Literal

from gearmesh import ChatOpened, Event, ReadUpTo, ReceiptReceived, Unparsed
from gearmesh_meta.fields import compact, flag, identifier, mapping, milliseconds, text
from gearmesh_meta.messaging_message import (
    change_event,
    echo,
    handle_in,
    message_events,
    postback_events,
    referral_events,
)
from gearmesh_meta.origin import Origin
from gearmesh_meta.piece import Body, Entry, Piece

Object = Literal["page", "instagram"]

_MESSAGE_FIELDS: Final = re.compile(r"messag(?:es|ing|e)[a-z_]*|standby")
_SILENT_FIELDS: Final = frozenset({"story_insights"})
SILENT_KEYS: Final = frozenset(
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
    if isinstance(item.get("message"), dict):
        return message_events(piece, item["message"], author, at, origin)
    if isinstance(item.get("postback"), dict):
        return postback_events(piece, item["postback"], author, at)
    if isinstance(item.get("referral"), dict) and author:
        return referral_events(item["referral"], author, at)
    if author:
        change = change_event(item, author, at)
        if change is not None:
            return [change]
    if isinstance(item.get("optin"), dict):
        # Most of them let us send news; one with a link's word in it opens a chat.
        handle = handle_in(item["optin"].get("ref")) if author else ""
        return [ChatOpened(author, author, at, None, handle)] if handle else []
    if SILENT_KEYS.intersection(item):
        return []
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
    return [echo(message, native_id, reader, at, origin)]


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
