"""Words cut into lines that the server passes on whole.

A server sends a line of ours to others with our whole mask before it, and cuts off what is then longer than a line may
be (RFC 1459 section 2.3: 512 bytes with the line's end). So the room for words depends on who and where we are.
"""

from __future__ import annotations

import string
from typing import Final

import regex

from gearmesh_irc.formatting import DIALECT
from gearmesh_irc.names import ATTRIBUTION_BYTES

LONGEST_HOST: Final = 64
"""Bytes of a host as long as ours is not known: 63 in RFC 1459 section 1.1, and InspIRCd gives 64."""
_CODES: Final = "".join((DIALECT.bold, DIALECT.italic, DIALECT.strike, DIALECT.code))
SPACE: Final = regex.compile(r"\s+(?![\p{Grapheme_Extend}\p{Mc}\u200d])")
"""White space between words. One that carries an accent is no such."""
_GRAPHEME: Final = regex.compile(r"\X")


def room_for_words(line_length: int, mask: str, target: str, command: str = "PRIVMSG") -> int:
    """Bytes that words may have in one line to `target`, seen by others under `mask` (nick!user@host)."""
    return max(line_length - len(f":{mask} {command} {target} :\r\n".encode()), 64)


def worst_mask(nick: str, user: str) -> str:
    """A mask as long as ours can be as long as the host is not known; a server may put ~ before the user."""
    return f"{nick}!~{user}@{'h' * LONGEST_HOST}"


def limit_of_one(room: int) -> int:
    """Bytes of words that go in one line, even when their sender is named before them."""
    return max(room - ATTRIBUTION_BYTES, 32)


def cut(text: str, most: int) -> list[str]:
    """Lines of `most` bytes at most, none empty. Cut between words where there are any, never inside a grapheme.

    Formatting ends with a line: what is open where one is cut is opened again in the next.
    """
    lines: list[str] = []
    for line in text.split("\n"):
        rest = line.rstrip("\r")
        while len(rest.encode()) > most:
            end, resume = _cut(rest, most)
            lines.append(rest[:end])
            rest = _open(rest[:end]) + rest[resume:]
        if rest.strip(_CODES + string.whitespace):
            lines.append(rest)
    return lines


def _open(line: str) -> str:
    """The codes that are open at the end of a line."""
    return "".join(code for code in _CODES if line.count(code) % 2)


def chunks(line: str, most: int) -> list[str]:
    """One line in pieces of `most` bytes at most that, one behind the other, are the line again; [""] for none."""
    pieces: list[str] = []
    rest = line
    while len(rest.encode()) > most:
        end = _within(rest, most)
        pieces.append(rest[:end])
        rest = rest[end:]
    return [*pieces, rest] if rest or not pieces else pieces


def _cut(line: str, most: int) -> tuple[int, int]:
    """Where a line ends that is too long, and where the next one begins."""
    end = _within(line, most)
    spaces = [found.span() for found in SPACE.finditer(line, end // 2, end + 1)]
    if spaces and spaces[-1][0] > 0:
        return spaces[-1]
    return end, end


def _within(line: str, most: int) -> int:
    """The last place within `most` bytes at which a grapheme ends (UAX #29); one that is longer is cut between its
    characters. At least one character."""
    end = max(len(line.encode()[:most].decode(errors="ignore")), 1)
    whole = 0
    for found in _GRAPHEME.finditer(line):
        if found.end() > end:
            break
        whole = found.end()
    return whole or end
