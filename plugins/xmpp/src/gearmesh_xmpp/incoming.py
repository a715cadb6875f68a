"""Messages of the network as events: pure functions.

A message may say several things at once; whatever it says of another message (taken back, reacted to, changed,
received) counts alone, since the words beside it are for clients that do not know better (XEP-0428).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

import msgspec

from gearmesh import (
    EditReceived,
    Event,
    Media,
    MediaKind,
    MediaRef,
    MessageReceived,
    Profile,
    ReactionReceived,
    ReceiptReceived,
    RedactionReceived,
    Text,
    TypingReceived,
    Unparsed,
    read_formatting,
)
from gearmesh_xmpp import ids
from gearmesh_xmpp.capabilities import STYLING_DIALECT
from gearmesh_xmpp.elements import (
    CHATSTATES,
    CORRECT,
    FALLBACK,
    FASTEN,
    MARKERS,
    OOB,
    REACTIONS,
    RECEIPTS,
    REPLY,
    RETRACT,
    RETRACT_OLD,
    STYLING,
    Element,
    child,
    children,
    namespace_of,
    said,
    written,
)
from gearmesh_xmpp.sims import sharing_in

MENTIONED: Final = re.compile(r"[^\s@,;!?][^\s,;!?]{0,254}(?<![.:])")
"""What can stand behind the @ with which a text says whom it is for (`gearmesh.core.switchboard`)."""
ENCRYPTED: Final = frozenset({"eu.siacs.conversations.axolotl", "urn:xmpp:omemo:2", "jabber:x:encrypted"})
"""OMEMO (XEP-0384, both versions) and OpenPGP (XEP-0027)."""
CALLS: Final = frozenset({"urn:xmpp:jingle-message:0", "urn:xmpp:call-invites:0"})
"""XEP-0353 and XEP-0482."""
_STATES: Final[tuple[tuple[str, str, Literal["delivered", "read"]], ...]] = (
    ("displayed", MARKERS, "read"),
    ("received", RECEIPTS, "delivered"),
)
WORDLESS: Final = frozenset(
    {
        CHATSTATES,
        MARKERS,
        RECEIPTS,
        "urn:xmpp:hints",
        "urn:xmpp:sid:0",
        "urn:xmpp:delay",
        "urn:xmpp:occupant-id:0",
        "http://jabber.org/protocol/muc#user",
        "http://jabber.org/protocol/nick",
        "jabber:x:conference",
        "jabber:x:delay",
    }
)
"""What stands in messages that say nothing."""
KINDS: Final[dict[str, tuple[MediaKind, str]]] = {
    ".aac": ("audio", "audio/aac"),
    ".avif": ("image", "image/avif"),
    ".flac": ("audio", "audio/flac"),
    ".gif": ("image", "image/gif"),
    ".heic": ("image", "image/heic"),
    ".jpeg": ("image", "image/jpeg"),
    ".jpg": ("image", "image/jpeg"),
    ".m4a": ("audio", "audio/mp4"),
    ".mov": ("video", "video/quicktime"),
    ".mp3": ("audio", "audio/mpeg"),
    ".mp4": ("video", "video/mp4"),
    ".oga": ("audio", "audio/ogg"),
    ".ogg": ("audio", "audio/ogg"),
    ".opus": ("audio", "audio/ogg"),
    ".png": ("image", "image/png"),
    ".wav": ("audio", "audio/wav"),
    ".webm": ("video", "video/webm"),
    ".webp": ("image", "image/webp"),
}
"""By the end of its name; whatever is in it is looked at when it is fetched."""


_KINDS: Final[dict[str, MediaKind]] = {"image": "image", "video": "video", "audio": "audio"}
"""By the first half of a MIME type."""


class Heard(msgspec.Struct, frozen=True):
    """A message's circumstances: `at` in milliseconds; `whom` is whom a ghost that it was sent to stands for."""

    app: str
    thread: str
    user: str
    native_id: str
    at: int
    whom: str = ""
    profile: Profile | None = None


def events_of(message: Element, heard: Heard, changed: Callable[[str], str]) -> list[Event]:
    """What a message says. `changed` finds the native id of the message that its sender gave an id (XEP-0308)."""
    about = _about(message, heard, changed)
    if about:
        return about
    if heard.whom and not MENTIONED.fullmatch(heard.whom) and child(message, "body") is not None:
        return [_unparsed(message, heard, f"{heard.whom} cannot be written to from here", "text")]
    if any(namespace_of(one) in ENCRYPTED for one in message):
        return [_unparsed(message, heard, "it is encrypted for somebody else", "encrypted")]
    body, shared = _words(message), sharing_in(message, heard.app)
    link = next((said(oob, "url", OOB).strip() for oob in children(message, "x", OOB)), "")
    if shared is not None and link in {"", shared.source}:
        return [_message(message, heard, _shared(body, shared, heard))]
    if body or link:
        content = _content(body, link, message, heard)
        return [_message(message, heard, content)]
    if any(namespace_of(one) in CALLS for one in message):
        is_call = any(one.tag.endswith(("}propose", "}invite")) for one in message)
        return [_unparsed(message, heard, "calls are not carried", "call")] if is_call else []
    state = next((one.tag.partition("}")[2] for one in message if namespace_of(one) == CHATSTATES), "")
    if state:
        return [TypingReceived(heard.thread, heard.user, heard.at, state == "composing")]
    unknown = [one for one in message if namespace_of(one) and namespace_of(one) not in WORDLESS]
    if unknown:
        raw = written(message).encode()
        return [Unparsed(raw, f"a message with {unknown[0].tag}, and no words", native_id=heard.native_id)]
    return []


def _about(message: Element, heard: Heard, changed: Callable[[str], str]) -> list[Event]:
    """What is about another message."""
    target = _retracted(message)
    if target:
        return [
            RedactionReceived(
                heard.thread, heard.user, heard.at, ids.native_id(heard.thread, target), profile=heard.profile
            )
        ]
    felt = child(message, "reactions", REACTIONS)
    if felt is not None:
        emoji = [one.text.strip() for one in children(felt, "reaction", REACTIONS) if one.text]
        return [
            ReactionReceived(
                heard.thread,
                heard.user,
                heard.at,
                ids.native_id(heard.thread, felt.get("id", "")),
                # One person has one reaction at a message; of several, the one that they added last.
                emoji[-1] if emoji else "",
                removed=not emoji,
                profile=heard.profile,
            )
        ]
    replace = child(message, "replace", CORRECT)
    words = _words(message)
    if replace is not None and words:
        target = changed(replace.get("id", ""))
        if target:  # else it is told as a message of its own, so that nothing is lost
            content = _text(words, message)
            number = message.get("id", "")
            return [
                EditReceived(heard.thread, heard.user, heard.at, target, content, number=number, profile=heard.profile)
            ]
    for tag, namespace, state in _STATES:
        seen = child(message, tag, namespace)
        if seen is not None and seen.get("id"):
            native = ids.native_id(heard.thread, seen.get("id", ""))
            delivery_id = ids.delivery_of(heard.thread, native)
            return [ReceiptReceived(heard.thread, heard.user, heard.at, state, (native,), delivery_id=delivery_id)]
    return []


def _retracted(message: Element) -> str:
    now = child(message, "retract", RETRACT)
    if now is not None:
        return now.get("id", "")
    before = child(message, "apply-to", FASTEN)
    if before is not None and child(before, "retract", RETRACT_OLD) is not None:
        return before.get("id", "")
    return ""


def _words(message: Element) -> str:
    """The body, without what repeats the message that it answers (XEP-0461, section 3.2)."""
    body = said(message, "body")
    for fallback in children(message, "fallback", FALLBACK):
        if fallback.get("for") != REPLY:
            continue
        span = child(fallback, "body", FALLBACK)
        try:
            start, end = int(span.get("start", "")), int(span.get("end", ""))  # type: ignore[union-attr]
        except (AttributeError, ValueError):
            continue
        if 0 <= start <= end <= len(body):
            body = body[:start] + body[end:]
    return body


def _text(words: str, message: Element) -> Text:
    if child(message, "unstyled", STYLING) is not None:
        return Text(words)
    text, markup = read_formatting(words, STYLING_DIALECT)
    return Text(text, markup=markup)


def _content(body: str, link: str, message: Element, heard: Heard) -> Text | Media:
    """Words, or a file with words beside it; what a ghost was told begins with whom it is for."""
    try:
        parts = urlsplit(link)
    except ValueError:  # such as `https://[`: words to us
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"}:
        text = _text(body or link, message)
        return msgspec.structs.replace(text, text=_addressed(text.text, heard))
    name = posixpath.basename(unquote(parts.path))
    kind, mime = KINDS.get(posixpath.splitext(name)[1].lower(), ("file", ""))
    caption = "" if body.strip() == link else body
    return Media(kind, MediaRef(heard.app, link, mime, name=name), _addressed(caption, heard))


def _shared(body: str, ref: MediaRef, heard: Heard) -> Media:
    """A file of which more is said than where it is."""
    name = ref.name or posixpath.basename(unquote(urlsplit(ref.source).path))
    kind, mime = KINDS.get(posixpath.splitext(name)[1].lower(), ("file", ""))
    kind = _KINDS.get(ref.mime.partition("/")[0], kind if not ref.mime else "file")
    ref = msgspec.structs.replace(ref, name=name, mime=ref.mime or mime)
    return Media(kind, ref, _addressed(body.replace(ref.source, "", 1).strip(), heard))


def _addressed(words: str, heard: Heard) -> str:
    return f"@{heard.whom} {words}" if heard.whom else words


def _message(message: Element, heard: Heard, content: Text | Media) -> MessageReceived:
    answered = child(message, "reply", REPLY)
    reply_to = answered.get("id", "") if answered is not None else ""
    return MessageReceived(
        heard.native_id,
        heard.thread,
        heard.user,
        heard.at,
        content,
        reply_to=ids.native_id(heard.thread, reply_to) if reply_to else "",
        profile=heard.profile,
    )


def _unparsed(message: Element, heard: Heard, detail: str, kind: str) -> Unparsed:
    return Unparsed(written(message).encode(), detail, heard.thread, heard.user, kind, heard.native_id)
