"""Nicknames and channels in the form that Gearmesh knows them by, and how people from elsewhere are named."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from gearmesh import InvalidAddress, Sender
from gearmesh_irc.isupport import ASCII

ROOM_MARKS: Final = "#&+!"
"""What channels begin with anywhere (RFC 2811 section 2.1), and no nickname does."""
LONGEST: Final = 200
"""Characters of the longest channel name (RFC 1459 section 1.3)."""
JOINER: Final = "\u200d"
"""Zero-width joiner: in a name it is not seen, and no client takes the name for its owner's nickname."""
NAME_BYTES: Final = 30
SHORTEST: Final = 10
"""Bytes that a name of many words keeps: five words, whose joiners have room in the rest."""
NETWORK_BYTES: Final = 20
ATTRIBUTION_BYTES: Final = NAME_BYTES + NETWORK_BYTES + len(f"<{JOINER}/> ".encode())
"""Bytes that `attribution` and the space behind it have at most."""

# Beyond RFC 2812 section 2.3.1, UTF-8 is let through: several servers allow it.
_NICK: Final = re.compile(r"[^\s\x00-\x20!@,:*?.$&#+~%0-9-][^\s\x00-\x20!@,:*?.$]{0,63}")
_ROOM: Final = re.compile(r"[#&+!][^\x00\x07\r\n ,]+")


def is_room(thread: str) -> bool:
    """Whether this is a channel's name."""
    return thread[:1] in tuple(ROOM_MARKS)


def canonical(name: str) -> str:
    """The form of a nickname or channel that is the same however it is written.

    ASCII letters are small. On servers with another `CASEMAPPING` more than that means the same; that is asked of the
    server where it matters, and is not known to whoever reads an address before the first connection.
    """
    return name.translate(ASCII)


def parse_nick(text: str) -> str:
    """The user that is meant.

    Raises:
        InvalidAddress: it can be no nickname.
    """
    if not _NICK.fullmatch(nick := text.strip()):
        raise InvalidAddress(text, "a nickname, such as ada")
    return canonical(nick)


def parse_room(text: str) -> str:
    """The channel that is meant.

    Raises:
        InvalidAddress: it can be no channel.
    """
    room = text.strip()
    if not _ROOM.fullmatch(room) or len(room) > LONGEST:
        raise InvalidAddress(text, "a channel, such as #garden")
    return canonical(room)


def attribution(sender: Sender) -> str:
    """`<name/app>`, a joiner in each word of the name, so that nobody is called by it; "" where there is no name."""
    name = _shortened(sender.name, NAME_BYTES) or _shortened(sender.handle, NAME_BYTES)
    if not name:
        return ""
    network = _shortened(sender.network, NETWORK_BYTES)
    if joiners := name.count(" "):  # beyond the first, which has room of its own
        name = _shortened(name, max(NAME_BYTES - joiners * len(JOINER.encode()), SHORTEST))
    parted = " ".join(word[0] + JOINER + word[1:] for word in name.split())
    return f"<{parted}/{network}>" if network else f"<{parted}>"


def _shortened(text: str, most: int) -> str:
    """A text without what is not seen, and no longer than `most` bytes."""
    seen = "".join(one if unicodedata.category(one)[0] != "Z" else " " for one in text)
    seen = "".join(one for one in seen if unicodedata.category(one) not in {"Cc", "Cs", "Cn"} and not _turns(one))
    seen = " ".join(seen.replace("<", "").replace(">", "").split())
    data = seen.encode()
    return seen if len(data) <= most else data[: most - 3].decode(errors="ignore").rstrip() + "…"


def _turns(character: str) -> bool:
    """Whether it changes the direction of writing."""
    return unicodedata.bidirectional(character) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
