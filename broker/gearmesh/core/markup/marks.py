"""Formatting by marks, as a network reads it: which characters of a text are marks there.

The rules are WhatsApp's, as its apps show them (nobody has written them down completely):
- a mark opens where no letter or digit stands before it and neither white space nor the same mark behind it; it closes
  where neither stands before it and no letter or digit behind it, in the same line;
- what stands in code is code;
- a block of code may have several lines; a quote and an item of a list are whole lines, known by how they begin;
- an address on the web is one word, whatever is in it. (That is an assumption: to take it the other way would part
  addresses that then lead nowhere.)
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Final, Literal

import msgspec

from gearmesh.model.capabilities import Dialect

Kind = Literal["bold", "italic", "strike", "code", "block", "quote", "bullet"]
MOST: Final = 2000
"""As many marks are paired in one text. No person types more, and to pair them takes time."""
THIN: Final = "\u200a"
JOINER: Final = "\u2060"
"""The breaks: see `markup/settled.py`."""
ADDRESS: Final = re.compile(r"(?:https?://|www\.)\S*[^\s*_~`.,;:!?)\]}\"'>]")


class Found(msgspec.Struct, frozen=True, gc=False):
    """Formatting in a text: its marks stand at `start` and `end`, and what is formatted from `inner` to `end`.

    For a quote or an item, `end` is its line's.
    """

    kind: Kind
    start: int
    inner: int
    end: int
    inside: tuple[Found, ...] = ()

    def all(self) -> Iterator[Found]:
        """This one and all inside it."""
        yield self
        for one in self.inside:
            yield from one.all()


class Marks:
    """A dialect, prepared for reading."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        pairs: dict[Kind, str] = {"bold": dialect.bold, "italic": dialect.italic, "strike": dialect.strike}
        self._kinds: dict[str, Kind] = {mark: kind for kind, mark in pairs.items() if mark}
        starts: dict[Kind, str] = {"quote": dialect.quote, "bullet": dialect.bullet}
        self._starts = {kind: mark for kind, mark in starts.items() if mark}
        tokens = sorted({*self._kinds, dialect.code} - {""}, key=len, reverse=True)
        self._tokens = re.compile("|".join(map(re.escape, tokens))) if tokens else None
        # One character alone could not be broken; and no network has such a mark for blocks.
        self.block: Final = dialect.block if len(dialect.block) > 1 else ""
        inline = [re.escape(mark) for mark in (*tokens, self.block) if mark]
        lines = [f"^{re.escape(mark)}" for mark in self._starts.values()]
        self._any = re.compile("|".join((*inline, *lines)) or r"(?!)", re.MULTILINE)
        self._begin = re.compile("|".join(lines) or r"(?!)", re.MULTILINE)
        # Of several same marks in a row only the last one could open; those that would be a block are to be parted.
        runs = "|".join(f"(?:{re.escape(token)}){'' if token in self.block else '+'}" for token in tokens)
        self._single = re.compile(f"({ADDRESS.pattern})|{runs or '(?!)'}")

    @staticmethod
    @lru_cache(maxsize=64)
    def of(dialect: Dialect) -> Marks:
        """The same object for the same dialect."""
        return Marks(dialect)

    def occur(self, text: str) -> bool:
        """Whether there is anything to look at: without, nothing in the text is formatted."""
        return self._any.search(text) is not None

    def are_too_many(self, text: str) -> bool:
        """Whether a text has more of them than any that a person has formatted."""
        return next(islice(self._any.finditer(text), MOST, None), None) is not None

    def subdued(self, text: str) -> str:
        """A text with a break at everything that could be a mark, without a look at what each of them is.

        It may be cut anywhere: what comes to stand at the beginning of a text is for `begun`.
        """
        text = self._single.sub(_parted, text)
        while self.block and self.block in text:
            text = text.replace(self.block, JOINER.join(self.block))
        return self._begin.sub(rf"{JOINER}\g<0>", text)

    def begun(self, text: str) -> str:
        """A text that begins neither as a quote nor as an item of a list."""
        return f"{JOINER}{text}" if self._begin.match(text) else text

    def find(self, text: str) -> tuple[Found, ...]:
        """All formatting in a text, in order."""
        found: list[Found] = []
        at = 0
        for fence in self._fences(text):
            self._lines(text, at, fence.start, found)
            found.append(fence)
            at = fence.end + len(self.block)
        self._lines(text, at, len(text), found)
        return tuple(found)

    def _fences(self, text: str) -> Iterator[Found]:
        mark = self.block
        start = text.find(mark) if mark else -1
        while start >= 0:
            inner = start + len(mark)
            end = text.find(mark, inner + 1)
            if end < 0:
                return
            if text[inner:end].strip():
                yield Found("block", start, inner, end)
                start = text.find(mark, end + len(mark))
            else:
                start = text.find(mark, start + 1)

    def _lines(self, text: str, begin: int, end: int, found: list[Found]) -> None:
        """What is formatted from `begin` to `end`, between blocks of code."""
        while match := self._any.search(text, begin, end):
            begin = max(begin, text.rfind("\n", begin, match.start()) + 1)  # past the lines without marks
            line_end = text.find("\n", begin, end)
            line_end = end if line_end < 0 else line_end
            inner = begin
            kind: Kind | None = None
            if begin == 0 or text[begin - 1] == "\n":
                for name, mark in self._starts.items():
                    if text.startswith(mark, begin, line_end) and text[begin + len(mark) : line_end].strip():
                        kind, inner = name, begin + len(mark)
                        break
            inside = self._line(text, inner, line_end)
            if kind:
                found.append(Found(kind, begin, inner, line_end, inside))
            else:
                found.extend(inside)
            begin = line_end + 1

    def _line(self, text: str, begin: int, end: int) -> tuple[Found, ...]:
        if self._tokens is None or self._tokens.search(text, begin, end) is None:
            return ()
        addresses = [match.span() for match in ADDRESS.finditer(text, begin, end)]
        tokens: list[tuple[int, str]] = []
        at = 0
        for match in self._tokens.finditer(text, begin, end):
            while at < len(addresses) and addresses[at][1] <= match.start():
                at += 1
            if at == len(addresses) or match.start() < addresses[at][0]:
                tokens.append((match.start(), match.group()))
        return _Line(self, text, begin, end, tokens).found()

    def kind_of(self, mark: str) -> Kind | None:
        """What a mark around words stands for; None for that of code."""
        return self._kinds.get(mark)


class _Line:
    """One line whose marks are being paired."""

    def __init__(self, marks: Marks, text: str, begin: int, end: int, tokens: list[tuple[int, str]]) -> None:
        self._marks, self._text, self._begin, self._end = marks, text, begin, end
        self._tokens = tokens
        self._closers: dict[str, list[int]] = {}
        for at, mark in tokens:
            if self._closes(at, mark):
                self._closers.setdefault(mark, []).append(at)

    def found(self) -> tuple[Found, ...]:
        """Code first, since nothing in it is a mark; then what stands out."""
        code = self._code()
        if code:
            outside = _Outside(code)
            self._tokens = [token for token in self._tokens if outside.has(token[0])]
            self._closers = {mark: list(filter(outside.has, places)) for mark, places in self._closers.items()}
        return self._pairs(0, len(self._tokens), self._end, frozenset(), code)

    def _code(self) -> list[Found]:
        mark = self._marks.dialect.code
        found: list[Found] = []
        past = -1
        for at, token in self._tokens:
            if token == mark and at > past and self._opens(at, mark):
                end = self._closer(mark, at + len(mark), self._end)
                if end is not None:
                    found.append(Found("code", at, at + len(mark), end))
                    past = end
        return found

    def _pairs(self, first: int, last: int, end: int, around: frozenset[str], code: list[Found]) -> tuple[Found, ...]:
        """What stands out among the tokens from `first` to `last`, before `end`; `code` is the code there."""
        found: list[Found] = []
        number = first
        while number < last:
            at, mark = self._tokens[number]
            number += 1
            kind = self._marks.kind_of(mark)
            if kind is None or mark in around or not self._opens(at, mark):
                continue
            inner = at + len(mark)
            close = self._closer(mark, inner, end)
            if close is None:
                continue
            behind = bisect_left(self._tokens, (close, ""), number, last)
            within = code[bisect_left(code, inner, key=_start) : bisect_left(code, close, key=_start)]
            inside = self._pairs(number, behind, close, around | {mark}, within)
            found.append(Found(kind, at, inner, close, inside))
            number = behind + 1
        outside = _Outside(found)
        return tuple(sorted((*found, *(one for one in code if outside.has(one.start))), key=_start))

    def _closer(self, mark: str, after: int, end: int) -> int | None:
        places = self._closers.get(mark, ())
        at = bisect_right(places, after)
        return places[at] if at < len(places) and places[at] < end else None

    def _opens(self, at: int, mark: str) -> bool:
        behind = at + len(mark)
        if behind >= self._end or self._text[behind].isspace() or self._text.startswith(mark, behind):
            return False
        return at == self._begin or not self._text[at - 1].isalnum()

    def _closes(self, at: int, mark: str) -> bool:
        behind = at + len(mark)
        if at == self._begin or self._text[at - 1].isspace() or self._text.endswith(mark, self._begin, at):
            return False
        return behind >= self._end or not self._text[behind].isalnum()


class _Outside:
    """The places that are in none of some spans, which stand in order and apart."""

    def __init__(self, spans: Sequence[Found]) -> None:
        self._spans = spans

    def has(self, at: int) -> bool:
        """Whether this place is one of them."""
        before = bisect_right(self._spans, at, key=_start) - 1
        return before < 0 or at > self._spans[before].end


def _parted(match: re.Match[str]) -> str:
    return match[0] if match[1] else match[0] + THIN


def _start(found: Found) -> int:
    return found.start
