"""What the server says of itself when we come (numeric 005, https://modern.ircdocs.horse/#rplisupport-parameters)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

RFC1459: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ[]\\~", "abcdefghijklmnopqrstuvwxyz{}|^")
STRICT: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ[]\\", "abcdefghijklmnopqrstuvwxyz{}|")
ASCII: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
MOST_JOINED: Final = 50
"""Channels in one JOIN where the server sets no bound."""
MOST_DIGITS: Final = 9
"""Longer numbers are none that a server means."""
_ESCAPED: Final = re.compile(r"\\x([0-9A-Fa-f]{2})")


class Isupport:
    """The tokens, by name. What a server does not say has the value that the RFCs give it."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}

    def take(self, tokens: Iterable[str]) -> None:
        """Take in what one 005 says; `-NAME` takes a token back."""
        for token in tokens:
            name, _, value = token.partition("=")
            if name.startswith("-"):
                self._said.pop(name[1:].upper(), None)
            else:
                self._said[name.upper()] = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), value)

    def fold(self, name: str) -> str:
        """A nickname or a channel in the form in which the server compares them (`CASEMAPPING`)."""
        match self._said.get("CASEMAPPING", "rfc1459"):
            case "rfc1459":
                return name.translate(RFC1459)
            case "rfc1459-strict" | "strict-rfc1459":
                return name.translate(STRICT)
            case "ascii":
                return name.translate(ASCII)
            case _:
                return name.lower()

    @property
    def channel_types(self) -> str:
        """The characters that channels begin with."""
        return self._said.get("CHANTYPES", "#&")

    @property
    def status_marks(self) -> str:
        """The marks before a channel's name in messages to its operators alone (`STATUSMSG`)."""
        return self._said.get("STATUSMSG", "")

    @property
    def prefixes(self) -> str:
        """The marks before the nicknames of operators and the like in a list of members (`PREFIX`)."""
        return self._said.get("PREFIX", "(ov)@+").partition(")")[2]

    @property
    def line_length(self) -> int:
        """Bytes of a line with its end and without tags (`LINELEN`; RFC 1459 section 2.3: 512)."""
        return max(self._number("LINELEN", 512), 512)

    @property
    def nick_length(self) -> int:
        """Bytes of the longest nickname."""
        return self._number("NICKLEN", 30)

    @property
    def history_most(self) -> int:
        """Messages that one CHATHISTORY gives at most; 0 is no bound."""
        return self._number("CHATHISTORY", 100)

    @property
    def history_by_ids(self) -> bool:
        """Whether a place in the history may be given by a message's id (`MSGREFTYPES`, IRCv3 chathistory)."""
        return "msgid" in self._said.get("MSGREFTYPES", "msgid").split(",")

    @property
    def join_most(self) -> int:
        """Channels that one JOIN may name (`TARGMAX`, or `MAXTARGETS` on older servers); 1 where it does not say."""
        for pair in self._said.get("TARGMAX", "").split(","):
            name, _, most = pair.partition(":")
            if name.upper() == "JOIN":
                return max(number_in(most, MOST_JOINED), 1)
        return max(self._number("MAXTARGETS", 1), 1)

    @property
    def modes_bot(self) -> str:
        """The user mode that marks a bot (IRCv3 bot-mode), or ""."""
        return self._said.get("BOT", "")

    def denies(self, tag: str) -> bool:
        """Whether the server lets this client-only tag not through (`CLIENTTAGDENY`, IRCv3 message-tags)."""
        listed = self._said.get("CLIENTTAGDENY", "").split(",")
        if "*" in listed:
            return f"-{tag}" not in listed
        return tag in listed

    def _number(self, name: str, default: int) -> int:
        return number_in(self._said.get(name, ""), default)


def number_in(said: str, default: int) -> int:
    """The number that a server writes, or the default where it is none."""
    return int(said) if said.isascii() and said.isdigit() and len(said) <= MOST_DIGITS else default
