"""Short names for what somebody wrote, and for who did."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from gearmesh.core.split import GRAPHEME
from gearmesh.model.content import MediaKind, Sender

MEDIA_NAMES: Final[dict[MediaKind, str]] = {
    "image": "picture",
    "video": "video",
    "audio": "recording",
    "voice": "voice message",
    "file": "file",
    "sticker": "sticker",
    "gif": "GIF",
}
FIRST_WORDS: Final = 60
"""Characters of a message, at most, by which it is named where it cannot be pointed at."""


@lru_cache(maxsize=4_096)
def attribution(sender: Sender, place: str = "") -> str:
    """Who wrote, in one line: `Ada Lovelace (@ada, WhatsApp)`; in a group with its title: `… in Chess club`."""
    name = sender.name or (f"@{sender.handle}" if sender.handle else "Somebody")
    facts = [fact for fact in (f"@{sender.handle}" if sender.handle and sender.name else "", sender.network) if fact]
    line = f"{name} ({', '.join(facts)})" if facts else name
    line = f"{line} in {place}" if place else line
    return line if line.isprintable() else on_one_line(line)


def on_one_line(text: str) -> str:
    """A text with a single space for each run of white space."""
    return " ".join(text.split())


def first_words(text: str, most: int = FIRST_WORDS) -> str:
    """The beginning of a text in one line: whole graphemes, and whole words where they are not too long."""
    line = on_one_line(text)
    if len(line) <= most:
        return line
    head = 0
    for grapheme in GRAPHEME.finditer(line):
        if grapheme.end() > most - 1:  # one is left for the sign that there is more
            break
        head = grapheme.end()
    head = head or most - 1  # a single one that is larger than all the room
    space = line.rfind(" ", most // 2, head + 1)
    return line[: space if space > 0 else head].rstrip() + "…"


def quoted(text: str) -> str:
    """The first words of a text, in quotes."""
    return f"“{first_words(text)}”"
