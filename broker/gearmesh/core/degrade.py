"""Content fitted to what a thread can show: in goes what was written, out come the parts to send, in order.

One pure pipeline: say who wrote (where the network does not), turn what the network cannot show into words, cut what is
too long. Nothing becomes silence.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import msgspec

from gearmesh.core.notices import words
from gearmesh.core.split import split
from gearmesh.model.capabilities import Capabilities
from gearmesh.model.content import Content, Media, Notice, Sender, Text

Part = Text | Media
MEDIA_NAMES: Final = {
    "image": "picture",
    "video": "video",
    "audio": "recording",
    "voice": "voice message",
    "file": "file",
    "sticker": "sticker",
    "gif": "GIF",
}


class Fitting(msgspec.Struct, frozen=True, gc=False):
    """How one thread wants its parts. `attribute`: the text itself must say who wrote. `link`: the file's address for
    the network to fetch, "" when there is none."""

    capabilities: Capabilities
    attribute: bool = True
    link: str = ""


def fit(content: Content, fitting: Fitting) -> tuple[Part, ...]:
    """The parts to send. Receipts have none: they are shown, not sent."""
    match content:
        case Text():
            return _texts(content, content.text, fitting)
        case Notice(key=key, args=args):
            text = Text(f"⚙ {words(key, args)}")
            return _texts(text, text.text, msgspec.structs.replace(fitting, attribute=False))
        case Media():
            return _media(content, fitting)
        case _:
            return ()


@lru_cache(maxsize=4096)
def attribution(sender: Sender) -> str:
    """Who wrote, in one line: `Ada Lovelace (@ada, WhatsApp)`."""
    name = sender.name or (f"@{sender.handle}" if sender.handle else "Somebody")
    facts = [fact for fact in (f"@{sender.handle}" if sender.handle and sender.name else "", sender.network) if fact]
    return f"{name} ({', '.join(facts)})" if facts else name


def _texts(content: Part, text: str, fitting: Fitting) -> tuple[Part, ...]:
    if fitting.attribute:
        text = f"{attribution(content.sender)}:\n{text}"
    return tuple(
        Text(piece, content.sender, content.reply_to if number == 0 else "")
        for number, piece in enumerate(split(text, fitting.capabilities.text))
    )


def _media(content: Media, fitting: Fitting) -> tuple[Part, ...]:
    capabilities = fitting.capabilities
    if content.media not in capabilities.media or not fitting.link:
        return _texts(content, _in_words(content, fitting.link), fitting)
    caption = content.caption
    if fitting.attribute:
        caption = f"{attribution(content.sender)}:\n{caption}".rstrip()
    if not caption:
        return (content,)
    room = capabilities.caption
    carries = room is not None and room.measure(caption) <= room.value and content.media in {"image", "video", "file"}
    if carries:
        return (msgspec.structs.replace(content, caption=caption),)
    before = tuple(Text(piece, content.sender) for piece in split(caption, capabilities.text))
    return (*before, msgspec.structs.replace(content, caption=""))


def _in_words(content: Media, link: str) -> str:
    name = MEDIA_NAMES[content.media]
    line = f"[{name}: {content.ref.name}]" if content.ref.name else f"[{name}]"
    return "\n".join(piece for piece in (line, content.caption, link) if piece)
