"""IRC's codes for bold and the like, both ways (https://modern.ircdocs.horse/formatting).

Out, Gearmesh writes them as marks around the words (`DIALECT`). In, people's clients leave them open to the end of the
line, nest them crosswise, end all with one code, and add colours, of which nothing is left elsewhere: they are put in
order first, so that they are marks around words, and are then read as such.
"""

from __future__ import annotations

import re
from typing import Final

from gearmesh import Dialect, read_formatting

BOLD: Final = "\x02"
ITALIC: Final = "\x1d"
STRIKE: Final = "\x1e"
CODE: Final = "\x11"
RESET: Final = "\x0f"
DIALECT: Final = Dialect(
    bold=BOLD, italic=ITALIC, strike=STRIKE, code=CODE, source="https://modern.ircdocs.horse/formatting"
)
_KEPT: Final = (BOLD, ITALIC, STRIKE, CODE)
_TOKEN: Final = re.compile(
    r"(?P<colour>\x03(?:\d{1,2}(?:,\d{1,2})?)?|\x04(?:[0-9A-Fa-f]{6}(?:,[0-9A-Fa-f]{6})?)?|[\x16\x1f])"
    r"|(?P<code>[\x02\x1d\x1e\x11\x0f])"
)
_LEFT: Final = re.compile(r"[\x02\x1d\x1e\x11\x0f]")


def read(text: str) -> tuple[str, bool]:
    """Words as they came, as (words, markup): CommonMark and true, or plain and false."""
    if not _TOKEN.search(text):
        return text, False
    ordered = "\n".join(_ordered(line) for line in text.split("\n"))
    words, markup = read_formatting(ordered, DIALECT)
    # What is formatted inside a word cannot be marked there: it is left out.
    return _LEFT.sub("", words), markup


def plain(text: str) -> str:
    """Words without any codes."""
    return _TOKEN.sub("", text)


def _ordered(line: str) -> str:
    """A line with its codes as marks: closed, well nested, next to no white space; without colours."""
    pieces: list[tuple[str, tuple[str, ...]]] = []
    active: tuple[str, ...] = ()
    at = 0
    for found in _TOKEN.finditer(line):
        _add(pieces, line[at : found.start()], active)
        at = found.end()
        code = found["code"]
        if code == RESET:
            active = ()
        elif code:
            active = tuple(one for one in active if one != code) if code in active else (*active, code)
    _add(pieces, line[at:], active)
    written: list[str] = []
    opened: list[str] = []
    for number, (words, wanted) in enumerate(pieces):
        around = pieces[number - 1][1] if number else ()
        following = pieces[number + 1][1] if number + 1 < len(pieces) else ()
        if not words.strip():
            # Between words of one kind white space stays inside, elsewhere it stands outside.
            wanted = tuple(one for one in wanted if one in around and one in following)
        while opened and not set(opened) <= set(wanted):
            written.append(opened.pop())
        for code in _KEPT:
            if code in wanted and code not in opened:
                opened.append(code)
                written.append(code)
        written.append(words)
    written.extend(reversed(opened))
    return "".join(written)


def _add(pieces: list[tuple[str, tuple[str, ...]]], words: str, active: tuple[str, ...]) -> None:
    """Add words, with the white space at their ends as pieces of its own."""
    core = words.strip()
    if not core:
        if words:
            pieces.append((words, active))
        return
    start = words.index(core)
    parts = (words[:start], core, words[start + len(core) :])
    pieces.extend((part, active) for part in parts if part)
