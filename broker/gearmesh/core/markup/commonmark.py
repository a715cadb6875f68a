"""CommonMark to the tree, and the tree to CommonMark.

Of CommonMark count bold, italic, strike (GitHub's `~~`), code, quotes, lists, links and line ends; headings, tables,
pictures and raw HTML are words. A line's end is a line's end, also where CommonMark would make a space of it: people in
a chat mean it so.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from itertools import islice
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from gearmesh.core.markup.tree import (
    Block,
    Break,
    Code,
    Fence,
    Inline,
    Items,
    Link,
    Mark,
    Marked,
    Paragraph,
    Quote,
    Tree,
    Words,
    merged,
    words,
)

RULES: Final = (
    "emphasis",
    "strikethrough",
    "backticks",
    "fence",
    "blockquote",
    "list",
    "link",
    "autolink",
    "newline",
    "escape",
    "entity",
)
DEEPEST: Final = 100
"""How deep the parser follows. What stands deeper it would leave out: `is_too_much` keeps such texts from it."""
DEEP: Final = 20
"""How deep quotes and lists may stand in each other; a text with more is no text of a person, and taken as words."""
MARKS: Final = re.compile(r"[*_~`\[\]<&\\\n]")
STOPS: Final = re.compile(r"[!#$%+\-:=>@^{}]")
MOST_MARKS: Final = 2000
MOST_STOPS: Final = 10_000
"""With more of either, a text is no text of a person, and taken as words: at each one the parser tries all that could
be there, and it must not hold up everybody else."""
BEGINNING: Final = re.compile(r"^[ \t>*+\-0-9.)]{20,}", re.MULTILINE)
OPENED: Final[dict[str, Mark]] = {"strong_open": "bold", "em_open": "italic", "s_open": "strike"}
CLOSED: Final[dict[str, Mark]] = {"strong_close": "bold", "em_close": "italic", "s_close": "strike"}
DELIMITERS: Final[dict[Mark, str]] = {"bold": "**", "italic": "_", "strike": "~~"}
SPECIAL: Final = re.compile(r"[\\`*_~\[\]<>&]|!(?=\[|$)")
PUNCTUATION: Final = frozenset(string.punctuation)
PARAGRAPHS: Final = re.compile(r"(?<=[^\n])\n\n(?=\n*[^\n])")
"""Between them two line ends fall away; further ones belong to the next."""
LINE_START: Final = re.compile(r"(?P<sign>[#+\-=|:])|(?P<number>[0-9]{1,9})(?=[.)])")


class _Parser(MarkdownIt):
    """markdown-it-py, set to what we take of CommonMark."""

    def __init__(self) -> None:
        super().__init__("zero", {"maxNesting": DEEPEST})
        self.enable(RULES)

    def normalizeLink(self, url: str) -> str:  # noqa: N802 - the library's name
        """As it is: it is passed on, not put into a page."""
        return url


_PARSER: Final = _Parser()


def parse(text: str) -> Tree:
    """The tree of a CommonMark text. Any text has one; none of its words are lost."""
    if is_too_much(text):
        return (Paragraph(merged(words(text))),)
    return _Builder().tree(_PARSER.parse(text))


def is_too_much(text: str) -> bool:
    """Whether a text is taken as words, whatever is in it."""
    for signs, most in ((MARKS, MOST_MARKS), (STOPS, MOST_STOPS)):
        if next(islice(signs.finditer(text), most, None), None) is not None:
            return True
    for match in BEGINNING.finditer(text):
        beginning = match.group().expandtabs(4)
        marks = len(re.findall(r"[>*+\-]|[0-9]{1,9}[.)]", beginning))
        if marks > DEEP or (marks and beginning.count(" ") > 2 * DEEP):
            return True
    return False


class _Builder:
    """Makes the tree of markdown-it's flat list of tokens, without a call of its own for each level."""

    def tree(self, tokens: list[Token]) -> Tree:
        """The blocks in `tokens`."""
        stack: list[list[Block]] = [[]]
        lists: list[list[tuple[Block, ...]]] = []
        starts: list[int | None] = []
        for token in tokens:
            match token.type:
                case "inline":
                    inside = _inlines(token.children or [])
                    if inside:
                        stack[-1].append(Paragraph(inside))
                case "fence":
                    # One that never ends, in a single line, has its words where its language should be.
                    text, info = token.content.removesuffix("\n"), token.info.strip()
                    stack[-1].append(Fence(text, info) if text else Fence(info))
                case "blockquote_open" | "list_item_open":
                    stack.append([])
                case "blockquote_close":
                    inside_quote = tuple(stack.pop())
                    stack[-1].append(Quote(inside_quote))
                case "list_item_close":
                    lists[-1].append(tuple(stack.pop()))
                case "bullet_list_open":
                    lists.append([])
                    starts.append(None)
                case "ordered_list_open":
                    lists.append([])
                    starts.append(int(token.attrs.get("start", 1)))
                case "bullet_list_close" | "ordered_list_close":
                    stack[-1].append(Items(tuple(lists.pop()), starts.pop()))
                case _:
                    pass
        return tuple(stack[0])


def _inlines(tokens: list[Token]) -> tuple[Inline, ...]:
    stack: list[list[Inline]] = [[]]
    open_marks: list[Mark] = []
    hidden: list[Mark] = []  # inside one of their own kind
    targets: list[str] = []
    for token in tokens:
        if token.type in OPENED:
            mark = OPENED[token.type]
            if mark in open_marks:
                hidden.append(mark)
            else:
                open_marks.append(mark)
                stack.append([])
        elif token.type in CLOSED:
            if CLOSED[token.type] in hidden:
                hidden.remove(CLOSED[token.type])
            else:
                closed = Marked(open_marks.pop(), merged(stack.pop()))
                stack[-1].append(closed)
        elif token.type == "link_open":
            targets.append(str(token.attrs.get("href", "")))
            stack.append([])
        elif token.type == "link_close":
            link = Link(merged(stack.pop()), targets.pop())
            stack[-1].append(link)
        elif token.type in {"softbreak", "hardbreak"}:
            stack[-1].append(Break())
        elif token.type == "code_inline":
            stack[-1].append(Code(token.content))
        else:
            stack[-1].extend(words(token.content))
    return merged(stack[0])


def escape(text: str) -> str:
    """A plain text as CommonMark that says exactly this text."""
    paragraphs = PARAGRAPHS.split(re.sub(r"\r\n?", "\n", text))
    return as_commonmark(tuple(Paragraph(tuple(words(lines))) for lines in paragraphs))


def as_commonmark(tree: Tree) -> str:
    """The tree as CommonMark: `parse` gives the same tree again."""
    return "\n\n".join(_blocks(tree))


def _blocks(tree: Tree) -> list[str]:
    found: list[str] = []
    turn = False
    for number, block in enumerate(tree):
        before = tree[number - 1] if number else None
        match block:
            case Paragraph(inside=inside):
                found += [lines] if (lines := _paragraph(inside)) else []
            case Fence(text=text, language=language):
                fence = "`" * max(3, 1 + _longest(text))
                found.append(f"{fence}{language}\n{text}\n{fence}")
            case Quote(inside=inner):
                lines = "\n\n".join(_blocks(inner))
                found.append("\n".join(f"> {line}" if line else ">" for line in lines.split("\n")))
            case Items(items=items, start=start):
                # Two lists in a row are told apart by their signs.
                turn = isinstance(before, Items) and (before.start is None) == (start is None) and not turn
                found.append("\n".join(_item(item, number, start, turn) for number, item in enumerate(items)))
    return found


def _item(item: tuple[Block, ...], number: int, start: int | None, turn: bool) -> str:
    sign = ("*" if turn else "-") if start is None else f"{start + number}{')' if turn else '.'}"
    indent = " " * (len(sign) + 1)
    first, *rest = "\n\n".join(_blocks(item)).split("\n")
    return "\n".join([f"{sign} {first}".rstrip(), *(f"{indent}{line}" if line else "" for line in rest)])


def _paragraph(inside: tuple[Inline, ...]) -> str:
    lines: list[list[Inline]] = [[]]
    for one in inside:
        if isinstance(one, Break):
            lines.append([])
        else:
            lines[-1].append(one)
    found = ""
    for number, line in enumerate(lines):
        if number:
            # A backslash makes a line's end only between words; elsewhere it is said by its number.
            found += "\\\n" if line and lines[number - 1] else _entity("\n")
        if line:
            found += _edged(_line(line, at_start=True))
    return found


def _edged(text: str) -> str:
    """A text whose white space at its edges is said by number: it would fall away."""
    if text[:1].isspace():
        text = _entity(text[0]) + text[1:]
    if text[-1:].isspace():
        text = text[:-1] + _entity(text[-1])
    return text


def _entity(character: str) -> str:
    """A character by its number. Controls have none in CommonMark, and stay as they are."""
    code = ord(character)
    has_one = (0x20 <= code < 0x7F or code in {9, 10, 12} or code >= 0xA0) and not (
        0xD800 <= code <= 0xDFFF or 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE
    )
    return f"&#{code};" if has_one else character


def _line(line: Sequence[Inline], at_start: bool) -> str:
    found: list[str] = []
    for number, one in enumerate(line):
        match one:
            case Words(text=text):
                found.append(_escaped(text, at_start and number == 0))
            case Code(text=text):
                found.append(_code(text.replace("\n", " ")))
            case Link(inside=inside, target=target):
                address = re.sub(r"([\\<>])", r"\\\1", target).replace("\n", "%0A").replace("&", "&amp;")
                found.append(f"[{_line(inside, at_start=False)}](<{address}>)")
            case Marked(inside=inside):
                found.append(_edged(_line(inside, at_start=False)))
            case Break():
                found.append(_entity("\n"))
    for number, one in enumerate(line):
        if isinstance(one, Marked):
            _stand_out(found, number, one.mark)
    return "".join(found)


def _stand_out(found: list[str], number: int, mark: Mark) -> None:
    """Put delimiters around the words at `number`.

    They count only where they stand against their words from one side. A neighbour that hinders it is said by its
    number, which begins with `&` and ends with `;`, and so is punctuation.
    """
    inside = found[number]
    if number and (mark == "italic" or not inside[0].isalnum()):
        before = found[number - 1]
        found[number - 1] = before[:-1] + _as_punctuation(before[-1])
    if number + 1 < len(found) and (mark == "italic" or not inside[-1].isalnum()):
        after = found[number + 1]
        found[number + 1] = _as_punctuation(after[0]) + after[1:]
    found[number] = f"{DELIMITERS[mark]}{inside}{DELIMITERS[mark]}"


def _as_punctuation(character: str) -> str:
    return character if character in PUNCTUATION or character.isspace() else _entity(character)


def _escaped(text: str, at_start: bool) -> str:
    beginning = ""
    if at_start and (match := LINE_START.match(text)):
        # The sign of a list, a heading, a table: or a number that would begin a list.
        beginning = f"\\{text[0]}" if match["sign"] else f"{match['number']}\\{text[match.end()]}"
        text = text[1:] if match["sign"] else text[match.end() + 1 :]
    return beginning + SPECIAL.sub(r"\\\g<0>", text)


def _code(text: str) -> str:
    fence = "`" * (1 + _longest(text))
    # One space at each side is taken away again, if there is anything but spaces.
    padding = " " if text.strip(" ") and (text[0] in "` " or text[-1] in "` ") else ""
    return f"{fence}{padding}{text}{padding}{fence}"


def _longest(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
