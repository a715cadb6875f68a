"""Deliveries as lines."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

import msgspec
from irctokens.line import Line, build

from gearmesh import Delivery, Text
from gearmesh_irc.capabilities import multiline
from gearmesh_irc.ids import is_known_to_server
from gearmesh_irc.lines import chunks, cut, room_for_words
from gearmesh_irc.session import Session

MULTILINE: Final = "draft/multiline"
CONCAT: Final = "draft/multiline-concat"
MOST_LINES: Final = 24
"""Lines of one message where the server does not say how many it takes."""
_UNSENDABLE: Final = str.maketrans("", "", "\x00\x01\r")
"""What would end a line, or make CTCP of it."""
_count: Final = itertools.count(1)


class Message(msgspec.Struct, frozen=True):
    """What the server takes as one: a line, or several that belong together. `words` are as others read them."""

    words: str
    lines: tuple[Line, ...]


def messages_of(delivery: Delivery, session: Session) -> list[Message]:
    """A delivery in as few messages as the server lets us; each can be confirmed by itself."""
    assert isinstance(delivery.content, Text)
    text = delivery.content.text.translate(_UNSENDABLE)
    name = f"{delivery.ghost} " if delivery.ghost else ""
    room = room_for_words(session.isupport.line_length, session.mask, delivery.thread)
    replies = session.has("message-tags") and is_known_to_server(delivery.reply_to)
    tags = {"+draft/reply": delivery.reply_to} if replies else {}
    if "\n" not in text and len((name + text).encode()) <= room:
        return [_single(delivery.thread, name + text, tags)] if text.strip() else []
    if multiline(session):
        return _batched(delivery.thread, name + text, tags, room, session) if text.strip() else []
    cuts = cut(text, room - len(name.encode()))
    return [_single(delivery.thread, name + line, tags if number == 0 else {}) for number, line in enumerate(cuts)]


def cut_again(delivery: Delivery, messages: Sequence[Message], session: Session) -> list[Message]:
    """Messages of a delivery as the server takes them that we have now: they were cut for another one, or for another
    name of ours. They are not its first, which alone says what it replies to."""
    name = f"{delivery.ghost} " if delivery.ghost else ""
    return [
        piece
        for message in messages
        for piece in messages_of(
            msgspec.structs.replace(delivery, content=Text(message.words.removeprefix(name)), reply_to=""), session
        )
    ]


def _single(target: str, words: str, tags: dict[str, str]) -> Message:
    return Message(words, (Line(tags or None, None, "PRIVMSG", [target, words]),))


def _batched(target: str, text: str, tags: dict[str, str], room: int, session: Session) -> list[Message]:
    """A text as batches that have no more lines and bytes than the server takes
    (https://ircv3.net/specs/extensions/multiline)."""
    most_lines = session.value(MULTILINE, "max-lines") or MOST_LINES
    most_bytes = session.value(MULTILINE, "max-bytes") or 4096
    pieces = [(piece, number > 0) for line in text.split("\n") for number, piece in enumerate(chunks(line, room))]
    batches: list[list[tuple[str, bool]]] = [[]]
    size = 0
    for piece, joins in pieces:
        size += len(piece.encode()) + 1
        if batches[-1] and (len(batches[-1]) >= most_lines or size - 1 > most_bytes):
            batches.append([])
            size = len(piece.encode()) + 1
        batches[-1].append((piece, joins and bool(batches[-1])))
    whole = [batch for batch in batches if any(piece.strip() for piece, _ in batch)]
    return [_batch(target, batch, tags if number == 0 else {}) for number, batch in enumerate(whole)]


def _batch(target: str, pieces: list[tuple[str, bool]], tags: dict[str, str]) -> Message:
    if len(pieces) == 1:
        return _single(target, pieces[0][0], tags)
    reference = f"m{next(_count)}"
    lines = [Line(tags or None, None, "BATCH", [f"+{reference}", MULTILINE, target])]
    for piece, joins in pieces:
        own = {"batch": reference, **({CONCAT: ""} if joins else {})}
        lines.append(Line(own, None, "PRIVMSG", [target, piece]))
    lines.append(build("BATCH", [f"-{reference}"]))
    words = "".join(piece if joins or not number else f"\n{piece}" for number, (piece, joins) in enumerate(pieces))
    return Message(words, tuple(lines))
