"""What is about another message, in words: reactions, edits, deletions, votes.

The other message is named by its first words where the network cannot point at it; one that was deleted never is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final

from gearmesh.core.degrade.naming import first_words, on_one_line, quoted
from gearmesh.core.markup import as_commonmark, is_too_much, plain
from gearmesh.core.markup.tree import Inline, Marked, Paragraph, words
from gearmesh.model.content import Reaction, Vote

EDITED: Final = "✏️"
DELETED: Final = "🗑"
VOTED: Final = "🗳"
EARLIER: Final = "an earlier message"
MOST_WORDS: Final = 400
"""Of a longer text the changes are not looked for: that takes time, and nobody would find them in it."""
MOST_PAIRS: Final = 4000
"""As many pairs of equal words, one of either text, are tried: all of them are gone through for each change. 400 words
of English have less than 2,000; only a text of a few words over and over has more."""
ALIKE: Final = 0.4
"""How much of two texts is the same, of 1, when the one is a changed form of the other and not another text."""
FEW_WORDS: Final = 5
"""As many words are shown that are gone; of more only that there were some."""
PICTOGRAM: Final = re.compile(r"[^\w\s“”:;,.!?()\[\]{}<>/\\|@#&%$+=\"'`*~^-]")


def reacted(reaction: Reaction, about: str) -> str:
    """A reaction: `❤️ to “first words”`, or that it is gone."""
    target = quoted(about) if about else EARLIER
    emoji = first_words(reaction.emoji, 16)
    if reaction.removed:
        return f"took back {emoji} from {target}" if emoji else f"took back a reaction to {target}"
    shown = emoji if PICTOGRAM.match(emoji) else f"reacted {emoji}".rstrip()
    return f"{shown} to {target}"


def voted(vote: Vote, about: str, pointed: bool) -> str:
    """A vote: `🗳 Pizza, Pasta`, with the poll's question where nothing points at it."""
    chosen = ", ".join(on_one_line(option) for option in vote.options) or "takes their vote back"
    return f"{VOTED} {chosen} (“{first_words(about)}”)" if about and not pointed else f"{VOTED} {chosen}"


def edited(old: str) -> str:
    """The line before what a message says now."""
    return f"{EDITED} {quoted(old)} now says:" if old else f"{EDITED} edited:"


def marked_changes(old: str, new: str, by_marks: bool) -> tuple[str, bool]:
    """The new text of a message, with what has changed in it: words and whether they are CommonMark.

    New words stand out: `by_marks` in bold, else between asterisks, as people write it where nothing can be bold. Words
    that are gone without others in their place are struck. A text that is another one altogether stays as it is.
    """
    before, after = old.split(), re.findall(r"\S+", new)
    if not before or not after or max(len(before), len(after)) > MOST_WORDS or _pairs(before, after) > MOST_PAIRS:
        return new, False
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    if matcher.ratio() < ALIKE:
        return new, False
    spans = [match.span() for match in re.finditer(r"\S+", new)]
    inlines: list[Inline] = []
    at = 0
    for what, first, last, begin, end in matcher.get_opcodes():
        if what == "delete":
            place = spans[begin][0] if begin < len(spans) else len(new)
            gone = " ".join(before[first:last]) if last - first <= FEW_WORDS else "…"
            space = words(" ") if begin < len(spans) else []
            led = [] if begin < len(spans) else words(" ")
            inlines += [*words(new[at:place]), *led, Marked("strike", tuple(words(gone))), *space]
            at = place
        elif what != "equal":
            start, stop = spans[begin][0], spans[end - 1][1]
            inlines += [*words(new[at:start]), Marked("bold", tuple(words(new[start:stop])))]
            at = stop
    inlines += words(new[at:])
    if not any(isinstance(one, Marked) for one in inlines):
        return new, False
    if by_marks:
        shown = as_commonmark((Paragraph(tuple(inlines)),))
        return (new, False) if is_too_much(shown) else (shown, True)
    return "".join(map(_by_signs, inlines)), False


def _pairs(before: Sequence[str], after: Sequence[str]) -> int:
    counts = Counter(after)
    return sum(counts[word] for word in before)


def _by_signs(one: Inline) -> str:
    if isinstance(one, Marked):
        sign = "*" if one.mark == "bold" else "~"
        return f"{sign}{plain(one.inside)}{sign}"
    return plain((one,))
